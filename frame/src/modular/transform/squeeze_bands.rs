//! Undoing a squeeze of a whole frame in bands: whatever a row of groups completes is joined when it is decoded, and no plane
//! of the frame's size is needed.
//!
//! A squeeze halves channels again and again, so each channel before it is the root of a tree whose leaves are coded channels.
//! Every node keeps the rows that the node above it has not taken yet. Two rows are joined when the row of averages behind
//! them is there; therefore each level stays a few rows *behind* the groups, and the picture stays behind all of them.

use jxlake_util::{Buffer, Lease, Pool, Purpose, Rect, View2};

use super::band_plan::{BandPlan, Made, Node};
use super::squeeze_layout::join_strip;
use super::undo::{MISSING, UndoContext};
use super::unsqueeze::{LANES, join_rows};
use crate::error::{Error, Result};
use crate::modular::channel::Sample;

/// The bands of a squeeze and of the colour transforms before it.
#[derive(Debug)]
pub(in crate::modular) struct SqueezeBands<S: Sample> {
    pub(in crate::modular) plan: BandPlan,
    /// The rows of all stores; behind them the last row that each node of joined rows has made.
    samples: Option<Lease<Buffer<S>>>,
}

impl<S: Sample> Default for SqueezeBands<S> {
    fn default() -> Self {
        Self { plan: BandPlan::default(), samples: None }
    }
}

impl<S: Sample> SqueezeBands<S> {
    /// Bytes that the rows of all bands take from the pool.
    pub(in crate::modular) fn bytes(&self) -> u64 {
        Pool::bytes_of_buffer::<S>(self.plan.stored.saturating_add(self.plan.above))
    }

    /// Leases memory for the rows of all bands.
    ///
    /// # Errors
    ///
    /// [`Error::Pool`] if there is none.
    pub(in crate::modular) fn lease(&mut self, pool: &Pool) -> Result<()> {
        self.clear();
        self.plan.restart();
        let samples = self.plan.stored.saturating_add(self.plan.above);
        self.samples = Some(pool.buffer(Purpose::Modular, samples)?);
        Ok(())
    }

    /// Gives all rows back.
    pub(in crate::modular) fn clear(&mut self) {
        self.samples = None;
    }

    /// The rows of one of the frame's channels from [`first_row`](Self::first_row) on.
    pub(in crate::modular) fn channel(&self, index: usize) -> Option<View2<'_, S>> {
        let store = self.plan.stores.get(index).filter(|_| index < self.plan.channels)?;
        let samples = self.samples.as_ref()?.get(store.elements_from(store.first))?;
        View2::from_slice(samples, store.rows, store.cols, store.stride).ok()
    }

    /// The row of the frame that a [`channel`](Self::channel) begins with.
    pub(in crate::modular) fn first_row(&self) -> usize {
        self.plan.stores.first().map_or(0, |store| store.first)
    }

    /// Makes room for the rows of a band; those of bands before that are not needed any more are lost. Bands come in order.
    pub(in crate::modular) fn begin(&mut self, band: usize) {
        if let (Some(before), Some(samples)) = (band.checked_sub(1), &mut self.samples) {
            for index in 0..self.plan.stores.len() {
                let first = self.plan.first_kept(index, before);
                let store = &mut self.plan.stores[index];
                let from = store.elements_from(first).start;
                let end = store.elements_from(store.end).start;
                samples.copy_within(from..end, store.offset);
                store.first = first;
            }
        }
        self.plan.arrive(band);
    }

    /// Stores samples of a coded channel, from the row and column `at` on.
    ///
    /// # Errors
    ///
    /// Misuse if they do not come with this band.
    pub(in crate::modular) fn put(
        &mut self,
        coded: usize,
        at: [usize; 2],
        samples: View2<'_, S>,
    ) -> Result<()> {
        let node = *self.plan.leaves.get(coded).and_then(|&leaf| self.plan.nodes.get(leaf)).ok_or(MISSING)?;
        let rows = at[0]..at[0] + samples.rows();
        let fits = node.ready[0] <= rows.start && rows.end <= node.ready[1];
        if !fits || at[1] + samples.cols() > node.cols {
            return Err(MISSING);
        }
        let (plan, stores, _) = self.parts()?;
        let [store] = plan.views(stores, [(node, rows)])?;
        store.into_sub(Rect::new(at[1], 0, samples.cols(), samples.rows())).copy_from(samples);
        Ok(())
    }

    /// The plan, the samples of its stores, and those of the rows above.
    fn parts(&mut self) -> Result<(&BandPlan, &mut [S], &mut [S])> {
        let samples = self.samples.as_mut().ok_or(MISSING)?;
        let (stores, above) = samples.split_at_mut_checked(self.plan.stored).ok_or(MISSING)?;
        Ok((&self.plan, stores, above))
    }

    /// Joins what is there, when all samples of the band are stored: the rows of the frame's channels up to those that stay
    /// behind are complete then.
    ///
    /// # Errors
    ///
    /// [`Error::SampleOverflow`] for 16-bit samples that do not suffice, [`Error::Pool`] if there is no memory.
    pub(in crate::modular) fn join(&mut self, context: &UndoContext<'_>) -> Result<()> {
        for index in (0..self.plan.nodes.len()).rev() {
            let node = self.plan.nodes[index];
            let [before, ready] = node.ready;
            if before == ready {
                continue;
            }
            match node.made {
                Made::AtOnce | Made::InBands(_) => {}
                Made::OfColumns { .. } => {
                    let (plan, stores, _) = self.parts()?;
                    let [mut rest] = plan.views(stores, [(node, before..ready)])?;
                    while rest.rows() > 0 {
                        let rows = LANES.min(rest.rows());
                        let (strip, below) = rest.split_at_row(rows);
                        join_strip(strip, true, context)?;
                        rest = below;
                    }
                }
                Made::OfRows { averages, residuals, above } => {
                    self.join_rows(node, [averages, residuals], above, context)?;
                }
            }
        }
        self.undo_colours(context)
    }

    /// Joins rows of the two nodes `parts`.
    fn join_rows(
        &mut self,
        node: Node,
        parts: [usize; 2],
        above: usize,
        context: &UndoContext<'_>,
    ) -> Result<()> {
        let [before, ready] = node.ready;
        let [averages, residuals] = parts.map(|part| self.plan.nodes[part]);
        let pairs = before / 2..(ready / 2).min(residuals.rows);
        // The row behind the last pair, too, if there is one.
        let end = (pairs.end + 1).min(averages.rows);
        let nodes = [(averages, pairs.start..end), (residuals, pairs), (node, before..ready)];
        let (plan, stores, above_rows) = self.parts()?;
        let above = above_rows.get_mut(above..above + node.cols).ok_or(MISSING)?;
        let [averages, residuals, mut joined] = plan.views(stores, nodes)?;
        let overflows = join_rows(
            context.level,
            (before > 0).then_some(&*above),
            averages.into_view(),
            residuals.into_view(),
            joined.reborrow(),
        );
        above.copy_from_slice(joined.row(joined.rows() - 1));
        if overflows { Err(Error::SampleOverflow) } else { Ok(()) }
    }

    /// Undoes the colour transforms of the rows that are complete with this band.
    fn undo_colours(&mut self, context: &UndoContext<'_>) -> Result<()> {
        let [before, ready] = self.plan.complete;
        let (plan, stores, _) = self.parts()?;
        for (rct, channels) in &plan.colours {
            let channels = channels.map(|channel| (plan.nodes[channel], before..ready));
            rct.undo_rows(context.level, plan.views(stores, channels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Transform, TransformList};
    use super::*;
    use crate::limits::Limits;
    use crate::modular::channel::{Channel, ChannelShape};
    use crate::modular::channel_list::ChannelList;
    use crate::modular::testing::{BitWriter, Random, fill, rows};
    use crate::modular::weighted::WeightedHeader;
    use fearless_simd::Level;
    use jxlake_entropy::BitReader;
    use jxlake_util::{Scratch, Threads};

    const GROUP_DIM: usize = 32;

    /// The squeeze by default steps, and the channels that it makes of `shapes`.
    fn default_squeeze(shapes: &[ChannelShape]) -> (TransformList, ChannelList) {
        let mut list = ChannelList::default();
        list.reset(shapes);
        let mut bits = BitWriter::default();
        bits.put(2, 1).put(2, 2).put(2, 0);
        let mut transforms = TransformList::default();
        transforms.read(&mut BitReader::new(&bits.bytes()), &mut list, &Limits::none()).unwrap();
        (transforms, list)
    }

    /// How many rows of a coded channel come with a group; a channel that is much smaller than the frame comes at once.
    fn rows_in_group(shape: &ChannelShape) -> Option<usize> {
        let rows = GROUP_DIM >> shape.vshift;
        (shape.hshift.min(shape.vshift) < 3 && !shape.is_empty() && rows > 0).then_some(rows)
    }

    /// Random transforms, one of them a squeeze, and the channels that they make of `shapes`.
    fn transforms(random: &mut Random, shapes: &[ChannelShape]) -> (TransformList, ChannelList) {
        loop {
            let mut list = ChannelList::default();
            list.reset(shapes);
            let mut transforms = TransformList::default();
            let bytes: Vec<u8> = (0..60).map(|_| (random.next() & random.next()) as u8).collect();
            let read = transforms.read(&mut BitReader::new(&bytes), &mut list, &Limits::none());
            let squeezes = transforms.transforms().iter().filter(|t| matches!(t, Transform::Squeeze(_)));
            if read.is_ok() && squeezes.count() == 1 && list.shapes().iter().all(|shape| shape.vshift < 20) {
                return (transforms, list);
            }
        }
    }

    fn channels<S: Sample>(random: &mut Random, shapes: &[ChannelShape], bits: u32) -> Vec<Channel<S>> {
        let lease = |&shape: &ChannelShape| {
            let mut channel = Channel::lease(&Pool::new(), shape).unwrap();
            fill(&mut channel, || random.signed(bits));
            channel
        };
        shapes.iter().map(lease).collect()
    }

    /// Decodes random channels as a frame whose tiles come in bands, and compares with undoing the transforms of whole
    /// channels. Returns the rows behind, or `None` if there are no bands.
    fn check<S: Sample>(random: &mut Random, bands: &mut SqueezeBands<S>) -> Option<usize> {
        let pool = Pool::new();
        let (width, height) = (1 + random.below(90), 1 + random.below(230));
        let count = 1 + random.below(4) as usize;
        let shapes = vec![ChannelShape::new(width, height); count];
        let (transforms, list) = transforms(random, &shapes);
        let coded = list.shapes();
        let behind =
            bands.plan.lay_out(&transforms, &shapes, GROUP_DIM, |channel| rows_in_group(&coded[channel]))?;
        let kept = behind + random.below(9) as usize;
        bands.plan.keep(kept);
        bands.lease(&pool).unwrap();

        let mut whole = channels::<S>(random, coded, 6);
        let (weighted, states, layouts) = (WeightedHeader::default(), Scratch::new(), Scratch::new());
        let context = UndoContext {
            pool: &pool,
            threads: &Threads::Calling,
            level: Level::new(),
            bit_depth: 8,
            weighted: &weighted,
            weighted_states: &states,
            layouts: &layouts,
        };
        let height = height as usize;
        let mut shown: Vec<Vec<Vec<i64>>> = vec![Vec::new(); count];
        let last = height.div_ceil(GROUP_DIM) - 1;
        for band in 0..=last {
            bands.begin(band);
            for (index, channel) in whole.iter().enumerate() {
                let Some(view) = channel.view() else { continue };
                let (from, to) = match rows_in_group(&coded[index]) {
                    Some(rows) => ((band * rows).min(view.rows()), ((band + 1) * rows).min(view.rows())),
                    None => (0, if band == 0 { view.rows() } else { 0 }),
                };
                let middle = view.cols() / 2;
                for (x, cols) in [(0, middle), (middle, view.cols() - middle)] {
                    let tile = view.sub(Rect::new(x, from.min(to), cols, to.saturating_sub(from)));
                    if !tile.shape().is_empty() {
                        bands.put(index, [from, x], tile).unwrap();
                    }
                }
            }
            bands.join(&context).unwrap();
            let end = if band == last { height } else { (band + 1) * GROUP_DIM - behind };
            // Rows that are kept are there as long as that was asked for.
            assert!(bands.first_row() <= (band * GROUP_DIM).saturating_sub(kept));
            for (index, shown) in shown.iter_mut().enumerate() {
                let channel = bands.channel(index).unwrap();
                let samples = |row: usize| channel.row(row - bands.first_row()).iter();
                let wide = |row| samples(row).map(|&sample| i64::from(sample.to_i32())).collect();
                shown.extend((shown.len()..end).map(wide));
            }
        }
        transforms.undo(&mut whole, &context).unwrap();
        let expected: Vec<_> = whole.iter().map(rows).collect();
        assert!(shown == expected, "{width}x{height} {transforms:?}");
        Some(behind)
    }

    #[test]
    fn bands_are_joined_as_whole_channels_are() {
        let mut random = Random::new(5);
        let (mut narrow, mut wide) = (SqueezeBands::<i16>::default(), SqueezeBands::<i32>::default());
        let mut banded = 0;
        for _ in 0..300 {
            banded += usize::from(check(&mut random, &mut narrow).is_some());
            banded += usize::from(check(&mut random, &mut wide).is_some());
        }
        assert!((200..500).contains(&banded), "{banded}");
    }

    #[test]
    fn the_default_squeeze_stays_a_few_rows_behind_and_keeps_little() {
        let shapes = [ChannelShape::new(64, 640); 3];
        let (transforms, list) = default_squeeze(&shapes);
        let rows = |channel: usize| rows_in_group(&list.shapes()[channel]);
        let mut bands = SqueezeBands::<i16>::default();
        assert_eq!(bands.plan.lay_out(&transforms, &shapes, GROUP_DIM, rows), Some(6));
        bands.plan.keep(6);
        let whole = shapes.iter().map(|shape| Pool::bytes_of::<i16>(shape.matrix())).sum::<u64>();
        assert!(bands.bytes() * 5 < whole * 2, "{} of {whole}", bands.bytes());
    }

    #[test]
    fn there_are_no_endless_bands() {
        let shapes = [ChannelShape::new(1, 1 << 30)];
        let (transforms, _) = default_squeeze(&shapes);
        let mut bands = SqueezeBands::<i16>::default();
        assert_eq!(bands.plan.lay_out(&transforms, &shapes, GROUP_DIM, |_| None), None);
    }

    #[test]
    fn what_does_not_come_with_a_band_is_refused() {
        let shapes = [ChannelShape::new(40, 100)];
        let (transforms, list) = default_squeeze(&shapes);
        let rows = |channel: usize| rows_in_group(&list.shapes()[channel]);
        let mut bands = SqueezeBands::<i32>::default();
        assert_eq!(bands.plan.lay_out(&transforms, &shapes, GROUP_DIM, rows), Some(6));
        bands.plan.keep(31);
        bands.lease(&Pool::new()).unwrap();
        bands.begin(0);
        let samples = [0; 100];
        let view = |rows, cols| View2::from_slice(&samples, rows, cols, cols).unwrap();
        // 10 columns and 12 rows, of which 4 come with a group.
        assert!(bands.put(3, [0, 5], view(4, 5)).is_ok());
        assert!(bands.put(3, [1, 5], view(4, 5)).is_err(), "rows of the next band");
        assert!(bands.put(3, [0, 6], view(4, 5)).is_err(), "columns beyond the channel");
        assert!(bands.put(list.shapes().len(), [0, 0], view(1, 1)).is_err(), "no such channel");
    }
}
