//! The bands of a squeeze: which rows of which channel are there with each row of groups, and where they are kept.

use std::ops::Range;

use jxlake_util::ViewMut2;

use super::undo::MISSING;
use super::{Rct, Transform, TransformList};
use crate::error::Result;
use crate::modular::channel::{ChannelShape, Sample};

/// Rows begin at multiples of so many elements, for which vectors need no more cache lines than they are long.
const LINE: usize = 32;

/// Nodes times bands, which are gone through before the first sample is decoded: enough for any picture, not for a file that
/// claims to be endless.
const MOST_STEPS: usize = 1 << 24;

/// What is joined, where it is kept, and how far it has come.
#[derive(Debug, Default)]
pub(in crate::modular) struct BandPlan {
    /// Parents before children; first the channels before the squeeze.
    pub(super) nodes: Vec<Node>,
    /// The node of each coded channel.
    pub(super) leaves: Vec<usize>,
    /// First those of the frame's channels, in their order.
    pub(super) stores: Vec<Store>,
    /// Colour transforms in the order in which they are undone, and the nodes of their channels.
    pub(super) colours: Vec<(Rct, [usize; 3])>,
    pub(super) channels: usize,
    group_dim: usize,
    bands: usize,
    /// Rows of the frame's channels that are not there yet when a row of groups is.
    behind: usize,
    /// Elements of all stores.
    pub(super) stored: usize,
    /// Elements of all rows [`above`](Made::OfRows).
    pub(super) above: usize,
    /// Rows that are kept of what a band of groups should have completed.
    kept: usize,
    /// Rows of the frame's channels that were complete with the band before, and that are with this one.
    pub(super) complete: [usize; 2],
}

/// A channel: a coded one, or one that is joined.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) made: Made,
    pub(super) store: usize,
    /// First column in the store.
    pub(super) column: usize,
    /// Rows that were there with the band before, and that are with this one.
    pub(super) ready: [usize; 2],
}

/// Where the rows of a node come from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Made {
    /// Coded; so many rows come with a row of groups.
    InBands(usize),
    /// Coded; all rows come with the first row of groups.
    #[default]
    AtOnce,
    /// Joined of the columns of two nodes to the left and right in the same store.
    OfColumns { averages: usize, residuals: usize },
    /// Joined of the rows of two nodes; `above` is where the last row is kept for the next band.
    OfRows { averages: usize, residuals: usize, above: usize },
}

/// Rows of one node, and of all that it is joined of in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Store {
    owner: usize,
    /// The node that takes the rows; none takes those of the frame's channels.
    reader: Option<usize>,
    pub(super) cols: usize,
    /// Rows that there is room for.
    pub(super) rows: usize,
    /// The first element, and elements from row to row.
    pub(super) offset: usize,
    pub(super) stride: usize,
    /// The row of the owner that is kept first.
    pub(super) first: usize,
    /// Rows of any node in it that are there.
    pub(super) end: usize,
}

impl BandPlan {
    /// Lays out `transforms` of the channels `shapes` for a frame with groups of `group_dim` rows. `rows_in_group` tells how
    /// many rows of a coded channel come with each row of groups; `None` if all of them come with the first.
    ///
    /// Returns how many rows of the frame's channels are not there yet when a row of groups is; or `None` if the transforms
    /// need more than a band of the frame: those that are undone last are not all colour transforms, or not all channels have
    /// the frame's size, or there is only one band, or there are far too many.
    pub(in crate::modular) fn lay_out(
        &mut self,
        transforms: &TransformList,
        shapes: &[ChannelShape],
        group_dim: usize,
        rows_in_group: impl Fn(usize) -> Option<usize>,
    ) -> Option<usize> {
        let Self { nodes, leaves, stores, colours, .. } = self;
        nodes.clear();
        stores.clear();
        colours.clear();
        let [colour_transforms @ .., Transform::Squeeze(squeeze)] = transforms.transforms() else {
            return None;
        };
        let size = shapes.first()?.matrix();
        let alike = |shape: &ChannelShape| shape.matrix() == size && (shape.hshift, shape.vshift) == (0, 0);
        if !shapes.iter().all(alike) || size.is_empty() {
            return None;
        }

        // The places of channels, while colour transforms exchange them.
        let places = &mut *leaves;
        places.clear();
        places.extend(0..shapes.len());
        for transform in colour_transforms.iter().rev() {
            let Transform::Rct(rct) = transform else { return None };
            let three = places.get_mut(rct.begin()..)?.first_chunk_mut::<3>()?;
            colours.push((*rct, *three));
            rct.exchange(three);
        }
        let place = |channel: usize| places.iter().position(|&at| at == channel).unwrap_or(0);
        nodes.extend((0..shapes.len()).map(|channel| Node {
            rows: size.rows,
            cols: size.cols,
            store: place(channel),
            ..Node::default()
        }));
        stores.extend(places.iter().map(|&owner| Store::new(owner, None, size.cols)));

        let list = places;
        list.clear();
        list.extend(0..shapes.len());
        let mut above = 0;
        for step in transforms.steps(squeeze) {
            step.split(list, |node| halve(nodes, stores, &mut above, (node, step.horizontal)));
        }
        for (coded, &leaf) in leaves.iter().enumerate() {
            nodes[leaf].made = rows_in_group(coded).map_or(Made::AtOnce, Made::InBands);
        }
        (self.channels, self.group_dim, self.above) = (shapes.len(), group_dim, above);
        self.bands = size.rows.div_ceil(group_dim);
        if self.bands.saturating_mul(self.nodes.len()) > MOST_STEPS {
            return None;
        }
        self.find_behind()
    }

    /// Finds how many rows the frame's channels stay behind; `None` if bands are of no use.
    fn find_behind(&mut self) -> Option<usize> {
        self.restart();
        let mut behind = 0;
        for band in 0..self.bands {
            self.arrive(band);
            if band + 1 < self.bands {
                behind = behind.max(((band + 1) * self.group_dim).saturating_sub(self.complete[1]));
            }
        }
        self.behind = behind;
        (self.bands > 1 && behind < self.group_dim).then_some(behind)
    }

    /// Decides that `kept` rows above the end of a row of groups and all that follow are still needed after its band: gives
    /// all stores their size and place.
    pub(in crate::modular) fn keep(&mut self, kept: usize) {
        self.kept = kept.max(self.behind);
        self.restart();
        for band in 0..self.bands {
            self.arrive(band);
            for store in &mut self.stores {
                store.rows = store.rows.max(store.end - store.first);
            }
            for index in 0..self.stores.len() {
                self.stores[index].first = self.first_kept(index, band);
            }
        }
        self.stored = 0;
        for store in &mut self.stores {
            store.offset = self.stored;
            self.stored = self.stored.saturating_add(store.rows.saturating_mul(store.stride));
        }
        self.restart();
    }

    /// Before the first band.
    pub(super) fn restart(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.ready = [0, 0]);
        self.stores.iter_mut().for_each(|store| (store.first, store.end) = (0, 0));
        self.complete = [0, 0];
    }

    /// Counts the rows that are there with this band.
    pub(super) fn arrive(&mut self, band: usize) {
        let mut complete = usize::MAX;
        for index in (0..self.nodes.len()).rev() {
            let node = self.nodes[index];
            let ready = |node: usize| self.nodes[node].ready[1];
            let now = match node.made {
                Made::AtOnce => node.rows,
                Made::InBands(rows) => node.rows.min(rows.saturating_mul(band + 1)),
                Made::OfColumns { averages, residuals } => ready(averages).min(ready(residuals)),
                Made::OfRows { averages, residuals, .. } => {
                    let all = ready(averages) == self.nodes[averages].rows;
                    let followed = if all { usize::MAX } else { ready(averages).saturating_sub(1) };
                    let pairs = ready(residuals).min(followed);
                    if all && pairs == self.nodes[residuals].rows { node.rows } else { 2 * pairs }
                }
            };
            self.nodes[index].ready = [node.ready[1], now];
            let store = &mut self.stores[node.store];
            store.end = store.end.max(now);
            if index < self.channels {
                complete = complete.min(now);
            }
        }
        self.complete = [self.complete[1], complete];
    }

    /// The first row of a store that is needed after a band.
    pub(super) fn first_kept(&self, store: usize, band: usize) -> usize {
        let Store { owner, reader, .. } = self.stores[store];
        let rows = self.nodes[owner].rows;
        match reader.map(|reader| self.nodes[reader]) {
            // The average behind the last pair is that of the next one.
            Some(reader) if reader.ready[1] < reader.rows => reader.ready[1] / 2,
            Some(_) => rows,
            None => ((band + 1) * self.group_dim).saturating_sub(self.kept).min(rows),
        }
    }

    /// Rows of nodes in different ones of the stores, whose `samples` these are.
    pub(super) fn views<'s, S: Sample, const N: usize>(
        &self,
        samples: &'s mut [S],
        nodes: [(Node, Range<usize>); N],
    ) -> Result<[ViewMut2<'s, S>; N]> {
        let stores = nodes.each_ref().map(|(node, rows)| self.stores[node.store].elements_from(rows.start));
        let stores = samples.get_disjoint_mut(stores).map_err(|_| MISSING)?;
        let mut nodes = nodes.into_iter();
        let views = stores.map(|samples| {
            let (node, rows) = nodes.next()?;
            let samples = samples.get_mut(node.column..)?;
            ViewMut2::from_slice(samples, rows.len(), node.cols, self.stores[node.store].stride).ok()
        });
        match views.iter().all(Option::is_some) {
            true => Ok(views.map(Option::unwrap_or_default)),
            false => Err(MISSING),
        }
    }
}

impl Store {
    fn new(owner: usize, reader: Option<usize>, cols: usize) -> Self {
        let stride = cols.next_multiple_of(LINE);
        Self { owner, reader, cols, rows: 0, offset: 0, stride, first: 0, end: 0 }
    }

    /// The elements of the rows from `row` of its nodes on.
    pub(super) fn elements_from(&self, row: usize) -> Range<usize> {
        self.offset + (row - self.first) * self.stride..self.offset + self.rows * self.stride
    }
}

/// Adds the averages and residuals that the node `index` is joined of.
fn halve(
    nodes: &mut Vec<Node>,
    stores: &mut Vec<Store>,
    above: &mut usize,
    (index, horizontal): (usize, bool),
) -> (usize, usize) {
    let Node { rows, cols, store, column, .. } = nodes[index];
    let (averages, residuals) = (nodes.len(), nodes.len() + 1);
    if horizontal {
        let left = cols.div_ceil(2);
        nodes[index].made = Made::OfColumns { averages, residuals };
        nodes.push(Node { rows, cols: left, store, column, ..Node::default() });
        nodes.push(Node { rows, cols: cols - left, store, column: column + left, ..Node::default() });
    } else {
        let top = rows.div_ceil(2);
        nodes[index].made = Made::OfRows { averages, residuals, above: *above };
        *above = above.saturating_add(cols);
        for (node, rows) in [(averages, top), (residuals, rows - top)] {
            nodes.push(Node { rows, cols, store: stores.len(), ..Node::default() });
            stores.push(Store::new(node, Some(index), cols));
        }
    }
    (averages, residuals)
}
