//! GlobalModular: the modular image of a frame, whose samples are spread over all sections.
//!
//! There are three ways to decode it. If the transforms allow ([`ModularGlobal::group_local`]), each group is finished by
//! itself while it is in the cache ([`ModularGlobal::decode_group`]), and no matrix of the frame's size is needed; nor is
//! it if each row of groups completes rows of the picture ([`ModularGlobal::bands`]). Otherwise the sections store their
//! tiles into such matrices ([`ModularGlobal::tiles`]), and the transforms are undone at the end
//! ([`ModularGlobal::finish`]).

use jxlake_entropy::BitReader;
use jxlake_util::{Axis, Grid, Pool, Release, Shape2, Threads, ViewMut2};

use super::channel::{Channel, ChannelShape, Sample};
use super::global_bands::BandMemory;
use super::partition::{Partition, Place};
use super::stream_index::ModularStream;
use super::sub_bitstream::{
    ModularContext, ModularWorkspace, SampleWorkspace, SubBitstream, SubBitstreamHeader, decode_samples,
    undo_context,
};
use super::transform::{MISSING, SqueezeLayout, Transform};
use crate::error::{Error, Result};
use crate::frame_header::{Encoding, FrameHeader};
use crate::geometry::{FrameGeometry, Section};

/// The modular image of a frame: colour channels, unless they are coded as VarDCT, and extra channels.
///
/// It keeps the memory of its lists from frame to frame. The samples are leases of the pool; [`clear`](Self::clear) and
/// `drop` give them back.
#[derive(Debug)]
pub struct ModularGlobal<S: Sample> {
    pub(super) plan: Plan,
    /// Coded channels, those with tiles without samples. [`ModularGlobal::tiles`] gathers them; after
    /// [`ModularGlobal::finish`] they are the channels of the frame.
    pub(super) channels: Vec<Channel<S>>,
    /// Storage of the list of grids while there are none.
    grids: Grids<'static, S>,
    /// Storage of the list of places while there are none.
    places: Places<'static, S>,
    pub(super) samples: SampleWorkspace,
    pub(super) bands: BandMemory<S>,
}

/// Bytes that the modular image of a frame takes from the pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModularMemory {
    /// Planes of the frame's size or the rows of its bands, and whatever LfGlobal holds.
    pub planes: u64,
    /// More while transforms of the whole frame are undone.
    pub undo: u64,
    /// The tiles of a group, for each worker.
    pub per_worker: u64,
    /// More for each worker beyond the first.
    pub per_further_worker: u64,
}

/// A grid for each coded channel that has tiles.
type Grids<'a, S> = Vec<Option<Grid<'a, S>>>;

/// The samples of each coded channel.
type Places<'a, S> = Vec<ViewMut2<'a, S>>;

/// What sections need to know to decode their part.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The channels of the frame.
    pub(super) initial: Vec<ChannelShape>,
    pub(super) header: SubBitstreamHeader,
    pub(super) partition: Partition,
    group_local: Option<usize>,
    /// That of the last squeeze.
    layout: SqueezeLayout,
}

/// Memory for decoding sections one after another, and the channels of the last group.
#[derive(Debug)]
pub struct GroupWorkspace<S: Sample> {
    modular: ModularWorkspace,
    shapes: Vec<ChannelShape>,
    decoded: Vec<Channel<S>>,
    channels: Vec<Channel<S>>,
}

impl<S: Sample> Default for GroupWorkspace<S> {
    fn default() -> Self {
        let (decoded, channels) = (Vec::new(), Vec::new());
        Self { modular: ModularWorkspace::default(), shapes: Vec::new(), decoded, channels }
    }
}

impl<S: Sample> GroupWorkspace<S> {
    /// The part of the frame's channels, in their order, that [`ModularGlobal::decode_group`] decoded. A channel that is
    /// subsampled may have no samples in the group.
    pub fn channels(&self) -> &[Channel<S>] {
        &self.channels
    }

    /// As [`channels`](Self::channels), to work on.
    pub fn channels_mut(&mut self) -> &mut [Channel<S>] {
        &mut self.channels
    }

    /// The decoded tiles of a section.
    pub(super) fn decoded_mut(&mut self) -> &mut Vec<Channel<S>> {
        &mut self.decoded
    }

    /// Gives the samples back.
    pub fn clear(&mut self) {
        self.decoded.clear();
        self.channels.clear();
    }
}

impl<S: Sample> Default for ModularGlobal<S> {
    fn default() -> Self {
        let (plan, samples, bands) = (Plan::default(), SampleWorkspace::default(), BandMemory::default());
        Self { plan, channels: Vec::new(), grids: Vec::new(), places: Vec::new(), samples, bands }
    }
}

impl<S: Sample> Release for ModularGlobal<S> {
    fn release(mut self) {
        self.clear();
    }
}

impl<S: Sample> ModularGlobal<S> {
    /// Reads the global sub-bitstream, the last part of the LfGlobal section after the global tree, with the samples that
    /// it holds.
    ///
    /// # Errors
    ///
    /// Errors of the stream; [`Error::SampleOverflow`] if 16 bits do not suffice, [`Error::Pool`] if there is no memory.
    pub fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        frame: &FrameHeader,
        context: &ModularContext<'_>,
    ) -> Result<()> {
        self.read_plan(bits, frame, context)?;
        let Self { plan, channels, samples, .. } = self;
        let globals = plan.partition.globals();
        for (index, &shape) in plan.header.channels.shapes().iter().enumerate() {
            channels.push(match index < globals {
                true => Channel::lease(context.pool, shape)?,
                false => Channel { shape, samples: None },
            });
        }
        let globals = &mut channels[..globals];
        decode_samples(bits, (&plan.header, ModularStream::Global), globals, context, samples)
    }

    /// Reads the header of the global sub-bitstream, from which the memory that it takes is known, and no samples.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_plan(
        &mut self,
        bits: &mut BitReader<'_>,
        frame: &FrameHeader,
        context: &ModularContext<'_>,
    ) -> Result<()> {
        self.clear();
        let plan = &mut self.plan;
        frame_channels(frame, context.geometry, &mut plan.initial);
        match plan.initial.is_empty() {
            true => plan.header.clear(&[]),
            false => plan.header.read(bits, &plan.initial, context.limits)?,
        }
        let coded = &plan.header.channels;
        plan.partition.cut(coded.shapes(), coded.meta(), context.geometry, &frame.passes)?;
        plan.group_local = plan.find_group_local();
        plan.layout.lay_out(plan.header.transforms.last_squeeze(), coded.shapes().iter().copied())
    }

    /// What the plan that was read takes from the pool.
    pub fn memory(&mut self, frame: &FrameHeader, geometry: &FrameGeometry) -> ModularMemory {
        let in_bands = match frame.encoding {
            Encoding::Modular => self.bands.bytes(&self.plan, frame, geometry),
            Encoding::VarDct => None,
        };
        let Plan { initial, header, partition, .. } = &self.plan;
        let coded = header.channels.shapes();
        let bytes = |shape: &ChannelShape| Pool::bytes_of::<S>(shape.matrix());
        let tiles: u64 = (0..coded.len())
            .filter_map(|channel| {
                let (tile, whole) =
                    (partition.tile_size(channel, &coded[channel], geometry)?, coded[channel].matrix());
                Some(Shape2::new(tile.rows.min(whole.rows), tile.cols.min(whole.cols)))
            })
            .map(Pool::bytes_of::<S>)
            .sum();
        let whole = initial.iter().map(bytes).sum();
        let in_place = !header.transforms.last_squeeze().is_empty();
        let transforms = header.transforms.transforms().split_last();
        // Beside the planes that are undone: the colours of a palette, what a squeeze before other transforms is gathered in.
        let undo = match transforms {
            Some((_, others)) if others.iter().any(Transform::takes_planes) => whole,
            Some((last, _)) if !in_place && last.takes_planes() => whole,
            _ => 0,
        };
        let strip = if in_place {
            initial.iter().map(|shape| bytes(&SqueezeLayout::strip(shape))).max()
        } else {
            None
        };
        let global = coded[..partition.globals()].iter().map(bytes).sum::<u64>();
        if let Some([rows, waiting]) = in_bands {
            let per_worker = tiles + strip.unwrap_or(0);
            return ModularMemory { planes: global + rows, undo: 0, per_worker, per_further_worker: waiting };
        }
        let in_groups = coded.iter().skip(partition.globals()).map(bytes).sum::<u64>();
        match self.group_local().is_some() {
            true => {
                let expanded = |shape: &ChannelShape| {
                    let dim = geometry.group_dim;
                    Pool::bytes_of::<S>(Shape2::new(dim >> shape.vshift.max(0), dim >> shape.hshift.max(0)))
                };
                let expanded = if undo > 0 { initial.iter().map(expanded).sum() } else { 0 };
                ModularMemory { planes: global, undo: 0, per_worker: tiles + expanded, per_further_worker: 0 }
            }
            false => {
                let planes = if in_place { whole } else { in_groups };
                let per_worker = tiles + strip.unwrap_or(0);
                ModularMemory { planes: global + planes, undo, per_worker, per_further_worker: 0 }
            }
        }
    }

    /// The shapes of the frame's channels: colour, if the frame is coded as Modular, then extra channels.
    pub fn shapes(&self) -> &[ChannelShape] {
        &self.plan.initial
    }

    /// The pass in which each group can be finished by itself: no transform needs samples of other groups, and no other
    /// section has samples of them. `None` if that is not so, or there are no samples in groups at all.
    pub fn group_local(&self) -> Option<usize> {
        self.plan.group_local
    }

    /// Decodes a group and undoes all transforms; [`GroupWorkspace::channels`] has the result. There are no channels in
    /// other passes than [`group_local`](Self::group_local), and no bits are read.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`Error::Misuse`] if the frame is not group-local.
    pub fn decode_group(
        &self,
        (pass, group): (usize, usize),
        bits: &mut BitReader<'_>,
        context: &ModularContext<'_>,
        workspace: &mut GroupWorkspace<S>,
    ) -> Result<()> {
        workspace.clear();
        match self.plan.group_local {
            None => return Err(Error::Misuse("a group of a frame whose groups are not independent")),
            Some(local) if local != pass => return Ok(()),
            Some(_) => {}
        }
        let section = Section::PassGroup { pass, group };
        self.plan.decode_section(section, bits, context, workspace)?;
        let GroupWorkspace { decoded, channels, .. } = workspace;
        // Transforms count channels without samples in this group too.
        let coded = &self.plan.header.channels;
        for shape in &coded.shapes()[coded.meta()..] {
            channels.push(Channel { shape: ChannelShape { width: 0, height: 0, ..*shape }, samples: None });
        }
        let tiles = self.plan.partition.tiles(coded.shapes(), section, context.geometry);
        for (tile, channel) in tiles.zip(decoded.drain(..)) {
            channels[tile.channel - coded.meta()] = channel;
        }
        self.undo_group(channels, context)
    }

    /// Undoes the global transforms of the channels of one group, which are without meta-channels.
    fn undo_group(&self, channels: &mut Vec<Channel<S>>, context: &ModularContext<'_>) -> Result<()> {
        let header = &self.plan.header;
        let undo = undo_context(header, context, &Threads::Calling, &self.samples);
        let mut tables = self.channels[..header.channels.meta()].iter();
        for transform in header.transforms.transforms().iter().rev() {
            match transform {
                Transform::Rct(rct) => rct.undo(channels, rct.begin() - tables.len(), &undo)?,
                Transform::Palette(palette) => {
                    let table = tables.next().ok_or(MISSING)?;
                    palette.undo(table, channels, palette.begin() - tables.len(), &undo)?;
                }
                Transform::Squeeze(_) => return Err(MISSING),
            }
        }
        Ok(())
    }

    /// Leases matrices for the channels whose samples are in other sections, to be stored there by tiles.
    ///
    /// # Errors
    ///
    /// [`Error::Pool`] if there is no memory.
    pub fn tiles(&mut self, context: &ModularContext<'_>) -> Result<Tiles<'_, S>> {
        let Self { plan, channels, grids: storage, places: unused, .. } = self;
        plan.layout.gather(channels, context.pool)?;
        let mut tiles = Tiles { plan, grids: recycle(std::mem::take(storage)), storage };
        let mut places = recycle(std::mem::take(unused));
        plan.layout.split(plan.header.transforms.last_squeeze(), channels, &mut places);
        let coded = plan.header.channels.shapes();
        for (index, (place, shape)) in places.drain(..).zip(coded).enumerate() {
            let size = plan.partition.tile_size(index, shape, context.geometry);
            let grid = size.map(|size| {
                let (rows, cols) = (Axis::Every(size.rows), Axis::Every(size.cols));
                place.into_grid(context.pool, rows, cols)
            });
            tiles.grids.push(grid.transpose()?);
        }
        *unused = recycle(places);
        Ok(tiles)
    }

    /// Undoes the transforms when all sections have stored their tiles; [`channels`](Self::channels) then are those of
    /// the frame.
    ///
    /// # Errors
    ///
    /// [`Error::SampleOverflow`] if 16 bits do not suffice, [`Error::Pool`] if there is no memory.
    pub fn finish(&mut self, context: &ModularContext<'_>, threads: &Threads) -> Result<()> {
        let Plan { header, layout, .. } = &self.plan;
        layout.gather(&mut self.channels, context.pool)?;
        let undo = undo_context(header, context, threads, &self.samples);
        header.transforms.undo_gathered(layout, &mut self.channels, &undo)
    }

    /// The frame's channels after [`finish`](Self::finish); before, the coded ones.
    pub fn channels(&self) -> &[Channel<S>] {
        &self.channels
    }

    /// As [`channels`](Self::channels), to work on, or to take the samples out.
    pub fn channels_mut(&mut self) -> &mut [Channel<S>] {
        &mut self.channels
    }

    /// Gives all samples back.
    pub fn clear(&mut self) {
        self.channels.clear();
        self.bands.clear();
    }
}

impl Plan {
    /// See [`ModularGlobal::group_local`].
    fn find_group_local(&self) -> Option<usize> {
        let coded = &self.header.channels;
        let mut places = self.partition.places()[coded.meta()..].iter();
        let Place::Groups { pass } = *places.next()? else { return None };
        if places.any(|place| *place != Place::Groups { pass }) {
            return None;
        }
        let mut meta = 0;
        for transform in self.header.transforms.transforms() {
            let local = match transform {
                Transform::Rct(rct) => rct.begin() >= meta,
                Transform::Palette(palette) => palette.begin() >= meta && palette.is_pixel_local(),
                Transform::Squeeze(_) => false,
            };
            if !local {
                return None;
            }
            meta += usize::from(matches!(transform, Transform::Palette(_)));
        }
        Some(pass)
    }

    /// Decodes the sub-bitstream of a section and undoes its own transforms, into `workspace.decoded`.
    pub(super) fn decode_section<S: Sample>(
        &self,
        section: Section,
        bits: &mut BitReader<'_>,
        context: &ModularContext<'_>,
        workspace: &mut GroupWorkspace<S>,
    ) -> Result<()> {
        let stream = match section {
            Section::LfGroup(lf_group) => ModularStream::LfGroup(lf_group),
            Section::PassGroup { pass, group } => ModularStream::PassGroup { pass, group },
            _ => return Err(Error::Misuse("a section without tiles")),
        };
        workspace.clear();
        let GroupWorkspace { modular, shapes, decoded, .. } = workspace;
        shapes.clear();
        let tiles = self.partition.tiles(self.header.channels.shapes(), section, context.geometry);
        shapes.extend(tiles.map(|tile| tile.shape));
        SubBitstream { shapes, stream }.decode(bits, context, modular, decoded)
    }
}

/// Matrices of the frame's size, divided into tiles that sections store, from any thread and in any order.
pub struct Tiles<'a, S: Sample> {
    plan: &'a Plan,
    grids: Grids<'a, S>,
    storage: &'a mut Grids<'static, S>,
}

impl<S: Sample> Tiles<'_, S> {
    /// Decodes the sub-bitstream of a section, an LF group or a group in a pass, and stores its tiles. Reads nothing if
    /// there are none.
    ///
    /// # Errors
    ///
    /// As [`ModularGlobal::read`]; [`Error::Misuse`] for another section, or for one that was decoded before.
    pub fn decode(
        &self,
        section: Section,
        bits: &mut BitReader<'_>,
        context: &ModularContext<'_>,
        workspace: &mut GroupWorkspace<S>,
    ) -> Result<()> {
        self.plan.decode_section(section, bits, context, workspace)?;
        let shapes = self.plan.header.channels.shapes();
        let tiles = self.plan.partition.tiles(shapes, section, context.geometry);
        for (tile, channel) in tiles.zip(workspace.decoded.drain(..)) {
            let grid = self.grids.get(tile.channel).and_then(Option::as_ref);
            let target = grid.and_then(|grid| grid.take(tile.row, tile.column));
            match (target, channel.view()) {
                (Some(mut target), Some(samples)) if target.shape() == samples.shape() => {
                    target.copy_from(samples);
                }
                _ => return Err(Error::Misuse("a section is decoded twice")),
            }
        }
        Ok(())
    }

    /// Sets the tiles of all sections that were not decoded to zero: what a frame that is not complete shows there.
    pub fn zero_missing(&self) {
        for grid in self.grids.iter().flatten() {
            for tile in 0..grid.tiles() {
                if let Some(mut tile) = grid.take(tile / grid.cols(), tile % grid.cols()) {
                    tile.fill(S::ZERO);
                }
            }
        }
    }
}

impl<S: Sample> Drop for Tiles<'_, S> {
    fn drop(&mut self) {
        *self.storage = recycle(std::mem::take(&mut self.grids));
    }
}

/// An empty list in the same memory, for what lives for another time.
fn recycle<A, B>(mut list: Vec<A>) -> Vec<B> {
    list.clear();
    // Collecting from a list of elements of the same layout reuses its memory.
    list.into_iter().filter_map(|_| None).collect()
}

/// The channels of a frame's modular image.
pub(super) fn frame_channels(frame: &FrameHeader, geometry: &FrameGeometry, shapes: &mut Vec<ChannelShape>) {
    shapes.clear();
    if frame.encoding == Encoding::Modular {
        shapes.extend((0..frame.colour_channels).map(|channel| {
            let size = geometry.channel_size(channel);
            let (hshift, vshift) = (geometry.hshift[channel] as i32, geometry.vshift[channel] as i32);
            ChannelShape { width: size.width, height: size.height, hshift, vshift }
        }));
    }
    shapes.extend(frame.extra_upsampling.iter().map(|&factor| {
        let shift = factor.trailing_zeros() as i32 - frame.upsampling.trailing_zeros() as i32;
        let size = geometry.upsampled.map(|side| side.div_ceil(factor));
        ChannelShape { width: size.width, height: size.height, hshift: shift, vshift: shift }
    }));
}
