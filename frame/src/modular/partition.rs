//! How the channels of a frame are cut into the tiles that sections hold.

use jxlake_util::Shape2;

use super::channel::ChannelShape;
use super::fault::ModularFault;
use crate::error::Result;
use crate::frame_header::Passes;
use crate::geometry::{FrameGeometry, Section};

/// Channels of at least this shift are in the sections of LF groups.
const LF_SHIFT: i32 = 3;

/// Where the samples of a coded channel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the LfGlobal section, or nowhere because there are none.
    Global,
    /// In the sections of LF groups.
    LfGroups,
    /// In the sections of groups in this pass.
    Groups {
        /// Number of the pass.
        pass: usize,
    },
}

/// How the coded channels of a frame are cut into tiles.
#[derive(Clone, Debug, Default)]
pub struct Partition {
    places: Vec<Place>,
    globals: usize,
}

/// The part of a channel that one section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Index of the channel in the list of coded channels.
    pub channel: usize,
    /// Column of the tile in the channel's grid of tiles.
    pub column: usize,
    /// Row of the tile in the channel's grid of tiles.
    pub row: usize,
    /// Size of the tile, and the channel's shifts.
    pub shape: ChannelShape,
}

impl Partition {
    /// Cuts the coded channels `shapes`, of which the first `meta` are meta-channels.
    ///
    /// # Errors
    ///
    /// [`ModularFault::GroupWithoutSamples`] if a channel is subsampled so much that a group holds less than a sample.
    pub fn cut(
        &mut self,
        shapes: &[ChannelShape],
        meta: usize,
        geometry: &FrameGeometry,
        passes: &Passes,
    ) -> Result<()> {
        let dim = geometry.group_dim;
        let is_large = |shape: &ChannelShape| shape.width as usize > dim || shape.height as usize > dim;
        // The first channel that is too large ends the global ones for good.
        self.globals = match shapes.iter().skip(meta).position(is_large) {
            Some(first) => meta + first,
            None => shapes.len(),
        };
        self.places.clear();
        self.places.resize(self.globals, Place::Global);
        for (channel, shape) in shapes.iter().enumerate().skip(self.globals) {
            let place = match shape.is_empty() {
                true => Place::Global,
                false => place_of(channel, shape, dim, passes)?,
            };
            self.places.push(place);
        }
        Ok(())
    }

    /// Number of coded channels whose samples are in the LfGlobal section: the first ones.
    pub fn globals(&self) -> usize {
        self.globals
    }

    /// Where the samples of each coded channel are.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Size of the tiles of a channel, but for those at its right and lower edge; `None` if it has no tiles.
    pub fn tile_size(
        &self,
        channel: usize,
        shape: &ChannelShape,
        geometry: &FrameGeometry,
    ) -> Option<Shape2> {
        let dim = match self.places.get(channel)? {
            Place::Global => return None,
            Place::LfGroups => 8 * geometry.group_dim,
            Place::Groups { .. } => geometry.group_dim,
        };
        Some(Shape2::new(dim >> shape.vshift, dim >> shape.hshift))
    }

    /// The tiles of a section, by channel; channels that have no samples there are left out. `shapes` are the coded
    /// channels.
    pub fn tiles<'a>(
        &'a self,
        shapes: &'a [ChannelShape],
        section: Section,
        geometry: &'a FrameGeometry,
    ) -> impl Iterator<Item = Tile> + 'a {
        let (place, (column, row)) = match section {
            Section::LfGroup(group) => (Some(Place::LfGroups), geometry.lf_group_position(group)),
            Section::PassGroup { pass, group } => {
                (Some(Place::Groups { pass }), geometry.group_position(group))
            }
            Section::LfGlobal | Section::HfGlobal => (None, (0, 0)),
        };
        let channels = self.places.iter().zip(shapes).enumerate().skip(self.globals);
        channels.filter(move |(_, (at, _))| Some(**at) == place).filter_map(move |(channel, (_, shape))| {
            let size = self.tile_size(channel, shape, geometry)?;
            let part = |whole: u32, side: usize, index: usize| {
                (whole as usize).saturating_sub(side.saturating_mul(index)).min(side) as u32
            };
            let width = part(shape.width, size.cols, column);
            let height = part(shape.height, size.rows, row);
            let shape = ChannelShape { width, height, ..*shape };
            (!shape.is_empty()).then_some(Tile { channel, column, row, shape })
        })
    }
}

/// The kind of section for a channel with samples that is not global.
fn place_of(channel: usize, shape: &ChannelShape, group_dim: usize, passes: &Passes) -> Result<Place> {
    let smaller = shape.hshift.min(shape.vshift);
    let larger = shape.hshift.max(shape.vshift);
    let dim = if smaller >= LF_SHIFT { 8 * group_dim } else { group_dim };
    let vanishes = smaller < 0 || dim.checked_shr(larger as u32).is_none_or(|side| side == 0);
    if vanishes {
        return Err(ModularFault::GroupWithoutSamples { channel: channel as u64, shift: larger }.into());
    }
    if smaller >= LF_SHIFT {
        return Ok(Place::LfGroups);
    }
    let pass = (0..passes.num_passes()).find(|&pass| passes.bracket(pass).contains(smaller));
    // The brackets of all passes cover every shift below that of LF groups.
    Ok(pass.map_or(Place::Global, |pass| Place::Groups { pass }))
}

#[cfg(test)]
mod tests {
    use jxlake_entropy::BitReader;
    use jxlake_entropy::test_support::Random;

    use super::*;
    use crate::header_writer::random::{frame_header, image_header};
    use crate::image_header::Size;
    use crate::limits::Limits;
    use crate::modular::channel_list::ChannelList;
    use crate::modular::global::frame_channels;
    use crate::modular::transform::TransformList;

    /// The channels of a random frame, often transformed, and what cutting them needs.
    fn random_frame(random: &mut Random) -> (ChannelList, FrameGeometry, Passes) {
        let image = image_header(random);
        let mut frame = frame_header(random, &image);
        let [long, short] = [2500, 200].map(|bound| 1 + random.below(bound) as u32);
        frame.size = match random.one_in(2) {
            true => Size { width: long, height: short },
            false => Size { width: short, height: long },
        };
        frame.lf_level = 0;
        let geometry = FrameGeometry::new(&frame, &Limits::none()).unwrap();
        let mut shapes = Vec::new();
        frame_channels(&frame, &geometry, &mut shapes);
        let mut list = ChannelList::default();
        list.reset(&shapes);
        // The bits of one to three transforms, most often squeezes.
        for _ in 0..5 {
            let mut bytes: Vec<u8> = (0..40).map(|_| (random.next_u32() & random.next_u32()) as u8).collect();
            if random.one_in(2) {
                // The default squeeze alone.
                bytes[0] = 1 | 2 << 2;
            }
            let mut transformed = list.clone();
            let limits = Limits { modular_channels: 500, ..Limits::none() };
            let read = TransformList::default().read(&mut BitReader::new(&bytes), &mut transformed, &limits);
            if read.is_ok() {
                list = transformed;
                break;
            }
        }
        (list, geometry, frame.passes)
    }

    fn sections(geometry: &FrameGeometry) -> impl Iterator<Item = Section> {
        let (lf_groups, groups) = (geometry.num_lf_groups(), geometry.num_groups());
        let passes = 0..geometry.num_passes;
        let pass_groups =
            passes.flat_map(move |pass| (0..groups).map(move |group| Section::PassGroup { pass, group }));
        (0..lf_groups).map(Section::LfGroup).chain(pass_groups)
    }

    #[test]
    fn tiles_of_all_sections_cover_each_channel_once() {
        let mut random = Random::new(31);
        let mut partition = Partition::default();
        let mut seen = [0; 3];
        for _ in 0..400 {
            let (list, geometry, passes) = random_frame(&mut random);
            let shapes = list.shapes();
            if partition.cut(shapes, list.meta(), &geometry, &passes).is_err() {
                continue;
            }
            let mut covered: Vec<Vec<u8>> = shapes.iter().map(|s| vec![0; s.samples() as usize]).collect();
            for section in sections(&geometry) {
                for tile in partition.tiles(shapes, section, &geometry) {
                    let shape = &shapes[tile.channel];
                    let size = partition.tile_size(tile.channel, shape, &geometry).unwrap();
                    assert_eq!((tile.shape.hshift, tile.shape.vshift), (shape.hshift, shape.vshift));
                    for y in 0..tile.shape.height as usize {
                        let row = (size.rows * tile.row + y) * shape.width as usize;
                        let begin = row + size.cols * tile.column;
                        covered[tile.channel][begin..begin + tile.shape.width as usize]
                            .iter_mut()
                            .for_each(|count| *count += 1);
                    }
                }
            }
            for ((channel, counts), place) in covered.iter().enumerate().zip(partition.places()) {
                let expected = u8::from(*place != Place::Global);
                assert!(counts.iter().all(|&count| count == expected), "channel {channel} of {list:?}");
                seen[match place {
                    Place::Global => 0,
                    Place::LfGroups => 1,
                    Place::Groups { .. } => 2,
                }] += 1;
            }
        }
        assert!(seen.iter().all(|&count| count > 100), "{seen:?}");
    }

    #[test]
    fn the_first_large_channel_ends_the_global_ones() {
        let mut random = Random::new(32);
        let (_, mut geometry, _) = random_frame(&mut random);
        geometry.group_dim = 128;
        let [small, large] = [ChannelShape::new(128, 128), ChannelShape::new(129, 1)];
        let meta = ChannelShape::new(4000, 3).with_shifts(-1, -1);
        let mut partition = Partition::default();
        let mut globals = |shapes: &[ChannelShape], meta| {
            partition.cut(shapes, meta, &geometry, &Passes::default()).unwrap();
            partition.globals()
        };
        assert_eq!(globals(&[small, small], 0), 2);
        assert_eq!(globals(&[small, large, small], 0), 1);
        assert_eq!(globals(&[meta, small, large], 1), 2);
        assert_eq!(globals(&[meta, large], 1), 1);
    }

    #[test]
    fn channels_that_vanish_in_a_group_are_rejected() {
        let mut random = Random::new(33);
        let (_, mut geometry, _) = random_frame(&mut random);
        geometry.group_dim = 128;
        let mut partition = Partition::default();
        let mut cut = |hshift, vshift| {
            let shapes = [ChannelShape::new(200, 200).with_shifts(hshift, vshift)];
            partition.cut(&shapes, 0, &geometry, &Passes::default()).map(|()| partition.places()[0])
        };
        let vanishes = |shift| Err(ModularFault::GroupWithoutSamples { channel: 0, shift }.into());
        assert_eq!(cut(2, 7), Ok(Place::Groups { pass: 0 }));
        assert_eq!(cut(2, 8), vanishes(8));
        assert_eq!(cut(10, 3), Ok(Place::LfGroups));
        assert_eq!(cut(3, 11), vanishes(11));
        assert_eq!(cut(31, 31), vanishes(31));
    }
}
