//! Stages that are not in the format, but read and scale in every way that the executors allow.

use super::harness::Random;
use crate::Error;
use crate::render::*;

/// A filter with irregular weights over any border, of some channels, alone or mixed with each other, which may
/// enlarge them.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) channels: Vec<usize>,
    pub(super) reach: Reach,
    pub(super) joint: bool,
    /// Keep the column sums of the last row in scratch.
    pub(super) scratch: bool,
}

impl WindowStage for Filter {
    fn name(&self) -> &'static str {
        "artificial filter"
    }

    fn reach(&self, channel: usize, _: Shift) -> Option<Reach> {
        self.channels.contains(&channel).then_some(self.reach)
    }

    fn joint(&self) -> bool {
        self.joint
    }

    fn scratch_rows(&self) -> usize {
        self.scratch.into()
    }

    fn run(
        &self,
        input: &Window<'_>,
        output: &mut OutputRows<'_>,
        scratch: &mut ScratchRows<'_>,
    ) -> Result<(), Error> {
        let (columns, rows) = (isize::from(self.reach.columns as i8), isize::from(self.reach.rows as i8));
        let scale = self.reach.scale;
        for row in 0..input.rows() as isize {
            if self.scratch {
                // The row above its centre row, as kept from the last one or as read.
                let above = &input.row(0, row - 1)[PAD..][..input.width()];
                if scratch.continues() || row > 0 {
                    let kept = &scratch.samples()[..input.width()];
                    assert!(kept.iter().zip(above).all(|(a, b)| a.to_bits() == b.to_bits()));
                }
                let centre = &input.row(0, row)[PAD..][..input.width()];
                scratch.samples()[..input.width()].copy_from_slice(centre);
            }
            for index in 0..input.channels() {
                for fine_row in 0..1usize << scale.vertical {
                    let [to] = output.get([(index, (row as usize) << scale.vertical | fine_row)])?;
                    for (fine_x, to) in to.iter_mut().enumerate() {
                        let (x, phase) = (fine_x >> scale.horizontal, fine_x % (1 << scale.horizontal));
                        let mut sum = 0.0;
                        for other in 0..input.channels() {
                            for dy in -rows..=rows {
                                let from = input.row(other, row + dy);
                                for dx in -columns..=columns {
                                    let weight = 7 * dx + 3 * dy + 5 * (other as isize - index as isize) + 11;
                                    let weight = weight as f32 / 64.0 + phase as f32 - fine_row as f32 / 8.0;
                                    sum += weight * from[(PAD as isize + x as isize + dx) as usize];
                                }
                            }
                        }
                        *to = sum / 16.0 + input.channel(index) as f32;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Adds something of place and other channels to all channels it touches.
#[derive(Debug)]
pub(super) struct Tint {
    pub(super) channels: Vec<usize>,
}

impl PointStage for Tint {
    fn name(&self) -> &'static str {
        "artificial tint"
    }

    fn touches(&self, channel: usize) -> bool {
        self.channels.contains(&channel)
    }

    fn run(&self, rows: &mut PointRows<'_>) -> Result<(), Error> {
        let (x0, y, width) = (rows.x(), rows.y(), rows.width());
        for &channel in &self.channels {
            for (x, sample) in rows.row(channel)?[..width].iter_mut().enumerate() {
                *sample = *sample * 0.75 + ((x0 + x) * 3 + y * 5) as f32 / 256.0;
            }
        }
        if let [first, .., last] = self.channels[..] {
            // Named against their order in memory, too.
            let [last, first] = rows.rows([last, first])?;
            for (last, first) in last.iter_mut().zip(first) {
                *last += *first / 4.0;
            }
        }
        Ok(())
    }
}

/// One of the above.
#[derive(Debug)]
pub(super) enum Link {
    Filter(Filter),
    Tint(Tint),
    Tap,
}

impl Link {
    pub(super) fn stage(&self) -> Stage<'_> {
        match self {
            Self::Filter(filter) => Stage::Window(filter),
            Self::Tint(tint) => Stage::Point(tint),
            Self::Tap => Stage::Tap,
        }
    }
}

/// A random chain for channels of the given shifts, that brings all of them to full resolution.
pub(super) fn random_chain(random: &mut Random, shifts: &[Shift]) -> Vec<Link> {
    let mut shifts = shifts.to_vec();
    let mut chain = Vec::new();
    for _ in 0..random.below(4) {
        chain.extend(random_link(random, &shifts));
    }
    while let Some(channel) = shifts.iter().position(|&shift| shift != Shift::default()) {
        let shift = shifts[channel];
        let channels: Vec<usize> = (0..shifts.len()).filter(|&c| shifts[c] == shift).collect();
        let part = |random: &mut Random, shift: u8| shift - random.below(usize::from(shift) + 1) as u8;
        let scale =
            Shift { horizontal: part(random, shift.horizontal), vertical: part(random, shift.vertical) };
        for &channel in &channels {
            shifts[channel].horizontal -= scale.horizontal;
            shifts[channel].vertical -= scale.vertical;
        }
        let (columns, rows) = (random.below(3) as u8, random.below(3) as u8);
        let joint = channels.len() <= MAX_JOINT && random.below(2) == 0;
        let reach = Reach { columns, rows, scale };
        chain.push(Link::Filter(Filter {
            channels,
            reach,
            joint,
            scratch: rows > 0 && random.below(2) == 0,
        }));
        if random.below(3) == 0 {
            chain.extend(random_link(random, &shifts));
        }
    }
    for _ in 0..random.below(4) {
        chain.extend(random_link(random, &shifts));
    }
    for _ in 0..random.below(3) {
        chain.push(Link::Tap);
        chain.push(Link::Tint(Tint { channels: (0..shifts.len()).collect() }));
    }
    chain
}

/// A filter or a tint of channels that have the same shift.
fn random_link(random: &mut Random, shifts: &[Shift]) -> Option<Link> {
    let shift = shifts[random.below(shifts.len())];
    let mut channels: Vec<usize> = (0..shifts.len()).filter(|&c| shifts[c] == shift).collect();
    if random.below(3) == 0 {
        channels.truncate(1 + random.below(channels.len()));
    }
    if random.below(3) == 0 {
        return Some(Link::Tint(Tint { channels }));
    }
    let reach = Reach { columns: random.below(4) as u8, rows: random.below(4) as u8, scale: Shift::both(0) };
    let joint = channels.len() <= MAX_JOINT && random.below(2) == 0;
    let scratch = reach.rows > 0 && random.below(2) == 0;
    Some(Link::Filter(Filter { channels, reach, joint, scratch }))
}
