//! A frame whose transforms are undone in bands: each row of groups completes rows of the picture, and planes of the frame's
//! size are not needed.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jxlake_entropy::BitReader;
use jxlake_util::{Pool, Threads, View2};

use super::channel::{Channel, Sample};
use super::global::{GroupWorkspace, ModularGlobal, Plan};
use super::partition::Place;
use super::sub_bitstream::{ModularContext, SampleWorkspace, undo_context};
use super::transform::SqueezeBands;
use crate::error::{Error, Result};
use crate::frame_header::FrameHeader;
use crate::geometry::{FrameGeometry, Section};

/// Rows above a band that filters may need once more.
const MOST_FILTERED: usize = 20;

/// Memory for frames in bands.
#[derive(Debug)]
pub(super) struct BandMemory<S: Sample> {
    squeeze: SqueezeBands<S>,
    waiting: Vec<Waiting<S>>,
    /// Sections of each row of groups that are not decoded yet.
    missing: Vec<usize>,
    /// The rows that divide the picture into bands.
    edges: Vec<usize>,
}

/// A decoded tile that waits for its band.
#[derive(Debug)]
struct Waiting<S: Sample> {
    band: usize,
    place: TilePlace,
    samples: Channel<S>,
}

/// Where a tile is: the coded channel, and the row and column in it.
type TilePlace = (usize, [usize; 2]);

impl<S: Sample> Default for BandMemory<S> {
    fn default() -> Self {
        let squeeze = SqueezeBands::default();
        Self { squeeze, waiting: Vec::new(), missing: Vec::new(), edges: Vec::new() }
    }
}

impl<S: Sample> BandMemory<S> {
    /// Gives all samples back.
    pub(super) fn clear(&mut self) {
        self.squeeze.clear();
        self.waiting.clear();
    }

    /// Lays out the bands of a frame, if it can be decoded so: gives how many rows stay behind.
    fn lay_out(&mut self, plan: &Plan, geometry: &FrameGeometry) -> Option<usize> {
        let coded = &plan.header.channels;
        let shapes = coded.shapes();
        if coded.meta() > 0 || geometry.is_single_section() {
            return None;
        }
        let rows_in_group = |channel: usize| match plan.partition.places().get(channel)? {
            Place::Groups { .. } => {
                Some(plan.partition.tile_size(channel, shapes.get(channel)?, geometry)?.rows)
            }
            Place::Global | Place::LfGroups => None,
        };
        let dim = geometry.group_dim;
        self.squeeze.plan.lay_out(&plan.header.transforms, &plan.initial, dim, rows_in_group)
    }

    /// Bytes that bands take from the pool, if they can be made: their rows; and the tiles of one band, which may have to
    /// wait when there is more than one worker.
    pub(super) fn bytes(
        &mut self,
        plan: &Plan,
        frame: &FrameHeader,
        geometry: &FrameGeometry,
    ) -> Option<[u64; 2]> {
        let behind = self.lay_out(plan, geometry)?;
        let filter = &frame.restoration_filter;
        let filtered = if filter.gab || filter.epf_iters > 0 { MOST_FILTERED } else { 0 };
        self.squeeze.plan.keep(behind + filtered);
        let shapes = plan.header.channels.shapes();
        let columns = u64::from(geometry.groups.width);
        let tile = |(channel, shape)| plan.partition.tile_size(channel, shape, geometry);
        let tiles = plan.partition.places().iter().zip(shapes.iter().enumerate());
        let tiles = tiles.filter(|(place, _)| matches!(place, Place::Groups { .. }));
        let tiles = tiles.filter_map(|(_, channel)| tile(channel)).map(Pool::bytes_of::<S>).sum::<u64>();
        Some([self.squeeze.bytes(), tiles * columns])
    }
}

/// A frame in bands, of whose sections those that are decoded are joined row of groups by row of groups.
///
/// Sections are decoded from any thread and in any order; whichever thread brings the last section of a band joins it, and
/// those behind it that are complete. What comes for later bands meanwhile waits.
pub struct Bands<'a, S: Sample> {
    plan: &'a Plan,
    samples: &'a SampleWorkspace,
    edges: &'a [usize],
    /// Locked before `joined` if both are.
    progress: Mutex<Progress<'a, S>>,
    joined: RwLock<Joined<'a, S>>,
    behind: usize,
}

/// How far the bands have come.
struct Progress<'a, S: Sample> {
    missing: &'a mut [usize],
    waiting: &'a mut Vec<Waiting<S>>,
    /// The band that is joined next.
    next: usize,
    /// Whether a thread is joining it, and reads what is joined.
    busy: bool,
}

/// The rows that are joined so far, and not passed yet.
pub struct Joined<'a, S: Sample> {
    squeeze: &'a mut SqueezeBands<S>,
    /// The coded channels; those of LfGlobal have samples until the first band takes them.
    coded: &'a mut [Channel<S>],
}

impl<S: Sample> Joined<'_, S> {
    /// Copies a tile to its place.
    fn put(&mut self, (coded, at): TilePlace, samples: &Channel<S>) -> Result<()> {
        samples.view().map_or(Ok(()), |samples| self.squeeze.put(coded, at, samples))
    }

    /// The rows of one of the frame's channels, from [`first_row`](Self::first_row) on.
    pub fn channel(&self, index: usize) -> Option<View2<'_, S>> {
        self.squeeze.channel(index)
    }

    /// The row of the frame that each [`channel`](Self::channel) begins with.
    pub fn first_row(&self) -> usize {
        self.squeeze.first_row()
    }
}

impl<S: Sample> ModularGlobal<S> {
    /// The frame in bands, if its transforms can be undone so: a squeeze at last, colour transforms before it, and all
    /// channels of the frame's size.
    pub fn bands(&mut self, geometry: &FrameGeometry) -> Option<Bands<'_, S>> {
        let Self { plan, channels, samples, bands, .. } = self;
        let behind = bands.lay_out(plan, geometry)?;
        let BandMemory { squeeze, waiting, missing, edges } = bands;
        let (height, rows) = (geometry.coded.height as usize, geometry.groups.height as usize);
        missing.clear();
        missing.resize(rows, geometry.groups.width as usize * geometry.num_passes);
        edges.clear();
        edges.push(0);
        edges.extend((1..rows).map(|row| row * geometry.group_dim - behind));
        edges.push(height);
        // Room for the tiles of a band, so that a warm decode finds it whichever thread is first.
        waiting.reserve(plan.header.channels.len() * geometry.groups.width as usize);
        Some(Bands {
            plan,
            samples,
            edges,
            progress: Mutex::new(Progress { missing, waiting, next: 0, busy: false }),
            joined: RwLock::new(Joined { squeeze, coded: channels }),
            behind,
        })
    }
}

impl<'a, S: Sample> Bands<'a, S> {
    /// How many rows the joined ones end above the rows of groups.
    pub fn behind(&self) -> usize {
        self.behind
    }

    /// The rows that divide the picture into what each band completes: 0, where each but the last ends, the height.
    pub fn edges(&self) -> &[usize] {
        self.edges
    }

    /// Begins the frame, of which `kept` rows above the end of each row of groups are needed with the next one.
    ///
    /// # Errors
    ///
    /// [`Error::Pool`] if there is no memory.
    pub fn begin(&self, kept: usize, context: &ModularContext<'_>) -> Result<()> {
        let Joined { squeeze, coded } = &mut *self.write();
        squeeze.plan.keep(kept);
        squeeze.lease(context.pool)?;
        squeeze.begin(0);
        for (index, channel) in coded.iter_mut().enumerate() {
            if let Some(samples) = channel.samples.take() {
                squeeze.put(index, [0, 0], samples.view())?;
            }
        }
        Ok(())
    }

    /// The joined rows, to be read while no band is joined.
    pub fn joined(&self) -> RwLockReadGuard<'_, Joined<'a, S>> {
        self.joined.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decodes the section of an LF group; all come before any group.
    ///
    /// # Errors
    ///
    /// As [`ModularGlobal::read`].
    pub fn decode_lf_group(
        &self,
        lf_group: usize,
        bits: &mut BitReader<'_>,
        context: &ModularContext<'_>,
        workspace: &mut GroupWorkspace<S>,
    ) -> Result<()> {
        let section = Section::LfGroup(lf_group);
        self.plan.decode_section(section, bits, context, workspace)?;
        let joined = &mut *self.write();
        self.tiles(section, context.geometry, workspace)
            .try_for_each(|(place, samples)| joined.put(place, &samples))
    }

    /// Decodes the section of a group in a pass, and joins the bands that are complete with it; `show` gets the number of each
    /// when its rows are joined. Other threads go on decoding meanwhile, but join nothing.
    ///
    /// # Errors
    ///
    /// As [`ModularGlobal::read`], and those of `show`; [`Error::Misuse`] for a section that was decoded before.
    pub fn decode_group(
        &self,
        (pass, group): (usize, usize),
        bits: &mut BitReader<'_>,
        context: &ModularContext<'_>,
        workspace: &mut GroupWorkspace<S>,
        show: &(dyn Fn(usize) -> Result<()> + Sync),
    ) -> Result<()> {
        let section = Section::PassGroup { pass, group };
        self.plan.decode_section(section, bits, context, workspace)?;
        let (_, band) = context.geometry.group_position(group);
        let mut progress = lock(&self.progress);
        let missing = progress.missing.get_mut(band).ok_or(AGAIN)?;
        *missing = missing.checked_sub(1).ok_or(AGAIN)?;
        let mut tiles = self.tiles(section, context.geometry, workspace);
        if band == progress.next && !progress.busy {
            let joined = &mut *self.write();
            tiles.try_for_each(|(place, samples)| joined.put(place, &samples))?;
        } else {
            progress.waiting.extend(tiles.map(|(place, samples)| Waiting { band, place, samples }));
        }
        self.join_complete(progress, context, show)
    }

    /// Joins all bands that are complete, one after the other, unless another thread does.
    fn join_complete<'p>(
        &'p self,
        mut progress: MutexGuard<'p, Progress<'a, S>>,
        context: &ModularContext<'_>,
        show: &(dyn Fn(usize) -> Result<()> + Sync),
    ) -> Result<()> {
        while !progress.busy && progress.missing.get(progress.next) == Some(&0) {
            let band = progress.next;
            progress.busy = true;
            drop(progress);
            let undo = undo_context(&self.plan.header, context, &Threads::Calling, self.samples);
            self.write().squeeze.join(&undo)?;
            show(band)?;
            progress = lock(&self.progress);
            (progress.next, progress.busy) = (band + 1, false);
            if band + 1 < progress.missing.len() {
                let joined = &mut *self.write();
                joined.squeeze.begin(band + 1);
                let come = progress.waiting.extract_if(.., |waiting| waiting.band == band + 1);
                for Waiting { place, samples, .. } in come {
                    joined.put(place, &samples)?;
                }
            }
        }
        Ok(())
    }

    /// The tiles of a section that was decoded, and where they belong.
    fn tiles<'t>(
        &'t self,
        section: Section,
        geometry: &'t FrameGeometry,
        workspace: &'t mut GroupWorkspace<S>,
    ) -> impl Iterator<Item = (TilePlace, Channel<S>)> + 't {
        let Plan { header, partition, .. } = self.plan;
        let shapes = header.channels.shapes();
        let tiles = partition.tiles(shapes, section, geometry).zip(workspace.decoded_mut().drain(..));
        tiles.filter_map(move |(tile, samples)| {
            let size = partition.tile_size(tile.channel, &shapes[tile.channel], geometry)?;
            Some(((tile.channel, [tile.row * size.rows, tile.column * size.cols]), samples))
        })
    }

    fn write(&self) -> RwLockWriteGuard<'_, Joined<'a, S>> {
        self.joined.write().unwrap_or_else(PoisonError::into_inner)
    }
}

const AGAIN: Error = Error::Misuse("a section is decoded twice");

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
