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
    /// The decoded tiles of sections that wait for their band; lists for more sections keep their memory.
    tiles: Vec<Mutex<Vec<Channel<S>>>>,
    /// Sections of each row of groups that are not decoded yet.
    missing: Vec<usize>,
    /// The rows that divide the picture into bands.
    edges: Vec<usize>,
}

impl<S: Sample> Default for BandMemory<S> {
    fn default() -> Self {
        let squeeze = SqueezeBands::default();
        Self { squeeze, tiles: Vec::new(), missing: Vec::new(), edges: Vec::new() }
    }
}

impl<S: Sample> BandMemory<S> {
    /// Gives all samples back.
    pub(super) fn clear(&mut self) {
        self.squeeze.clear();
        self.tiles.iter_mut().for_each(|tiles| lock(tiles).clear());
    }

    /// Lays out the bands of a frame; see [`SqueezeBands::lay_out`].
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
        self.squeeze.lay_out(&plan.header.transforms, &plan.initial, dim, rows_in_group)
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
        self.squeeze.keep(behind + filtered);
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
    tiles: &'a [Mutex<Vec<Channel<S>>>],
    edges: &'a [usize],
    /// Locked before `joined` if both are.
    progress: Mutex<Progress<'a>>,
    joined: RwLock<Joined<'a, S>>,
    behind: usize,
}

/// How far the bands have come.
struct Progress<'a> {
    missing: &'a mut [usize],
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
        let BandMemory { squeeze, tiles, missing, edges } = bands;
        let (height, rows) = (geometry.coded.height as usize, geometry.groups.height as usize);
        let groups = geometry.num_groups();
        missing.clear();
        missing.resize(rows, geometry.groups.width as usize * geometry.num_passes);
        edges.clear();
        edges.push(0);
        edges.extend((1..rows).map(|row| row * geometry.group_dim - behind));
        edges.push(height);
        let sections = groups * geometry.num_passes;
        tiles.resize_with(sections.max(tiles.len()), Mutex::default);
        Some(Bands {
            plan,
            samples,
            tiles,
            edges,
            progress: Mutex::new(Progress { missing, next: 0, busy: false }),
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
        squeeze.keep(kept);
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
        workspace.clear();
        self.plan.decode_section(section, bits, context, workspace)?;
        self.put(&mut self.write(), section, workspace.decoded_mut(), context.geometry)
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
        let geometry = context.geometry;
        let section = Section::PassGroup { pass, group };
        workspace.clear();
        self.plan.decode_section(section, bits, context, workspace)?;

        let (_, row) = geometry.group_position(group);
        let mut progress = lock(&self.progress);
        let missing = progress.missing.get_mut(row).ok_or(AGAIN)?;
        *missing = missing.checked_sub(1).ok_or(AGAIN)?;
        if row == progress.next && !progress.busy {
            self.put(&mut self.write(), section, workspace.decoded_mut(), geometry)?;
        } else {
            let mut waiting = lock(&self.tiles[group * geometry.num_passes + pass]);
            waiting.clear();
            waiting.append(workspace.decoded_mut());
        }
        while !progress.busy && progress.missing.get(progress.next) == Some(&0) {
            let band = progress.next;
            progress.busy = true;
            drop(progress);
            let undo = undo_context(&self.plan.header, context, &Threads::Calling, self.samples);
            self.write().squeeze.join(&undo)?;
            show(band)?;
            progress = lock(&self.progress);
            (progress.next, progress.busy) = (band + 1, false);
            self.begin_band(band + 1, geometry)?;
        }
        Ok(())
    }

    /// Makes room for a band, and puts there what has waited for it.
    fn begin_band(&self, band: usize, geometry: &FrameGeometry) -> Result<()> {
        let [columns, rows] = [geometry.groups.width, geometry.groups.height].map(|count| count as usize);
        if band == rows {
            return Ok(());
        }
        let joined = &mut *self.write();
        joined.squeeze.begin(band);
        for group in band * columns..(band + 1) * columns {
            for pass in 0..geometry.num_passes {
                let mut waiting = lock(&self.tiles[group * geometry.num_passes + pass]);
                self.put(joined, Section::PassGroup { pass, group }, &mut waiting, geometry)?;
            }
        }
        Ok(())
    }

    /// Moves the tiles of a section to their places; there may be none yet.
    fn put(
        &self,
        joined: &mut Joined<'a, S>,
        section: Section,
        samples: &mut Vec<Channel<S>>,
        geometry: &FrameGeometry,
    ) -> Result<()> {
        let Plan { header, partition, .. } = self.plan;
        let shapes = header.channels.shapes();
        for (tile, channel) in partition.tiles(shapes, section, geometry).zip(samples.drain(..)) {
            let size = partition.tile_size(tile.channel, &shapes[tile.channel], geometry);
            if let (Some(size), Some(samples)) = (size, channel.view()) {
                joined.squeeze.put(tile.channel, [tile.row * size.rows, tile.column * size.cols], samples)?;
            }
        }
        Ok(())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Joined<'a, S>> {
        self.joined.write().unwrap_or_else(PoisonError::into_inner)
    }
}

const AGAIN: Error = Error::Misuse("a section is decoded twice");

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
