//! LfGroup: quantised LF samples of 2048 x 2048 pixels, and what the transforms of their HF coefficients are.

use jxlake_entropy::BitReader;
use jxlake_util::{Lease, Matrix3, Purpose, Rect, Release, Shape3, View2, ViewMut2};

use super::hf_coefficients::Varblock;
use super::hf_global::ceil_log2;
use super::lf_global::HfBlockContext;
use super::transforms::Extent;
use super::{TransformType, VarDctFault};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::geometry::FrameGeometry;
use crate::modular::channel::{Channel, ChannelShape, Sample};
use crate::modular::stream_index::ModularStream;
use crate::modular::sub_bitstream::{ModularContext, ModularWorkspace, SubBitstream};

/// Blocks along the side of a group; varblocks lie in one group.
const GROUP_BLOCKS: usize = 32;

/// In the plane of transform types: a block that no varblock covers yet, and one that is not the first of its varblock.
const FREE: u8 = 0xff;
const COVERED: u8 = 0xfe;

const OTHER_CHANNELS: Error = Error::Misuse("a sub-bitstream decoded to other channels");

/// Memory for decoding one LF group after another.
#[derive(Debug, Default)]
pub(super) struct LfGroupWorkspace {
    modular: ModularWorkspace,
    narrow: Vec<Channel<i16>>,
    wide: Vec<Channel<i32>>,
}

/// The channels of a Modular sub-bitstream, in 16 bits if they fit. Clear them after use.
enum Decoded<'w> {
    Narrow(&'w mut Vec<Channel<i16>>),
    Wide(&'w mut Vec<Channel<i32>>),
}

impl LfGroupWorkspace {
    /// Decodes a Modular sub-bitstream; clear the channels after use.
    pub(super) fn decode_wide(
        &mut self,
        bits: &mut BitReader<'_>,
        sub_bitstream: &SubBitstream<'_>,
        context: &ModularContext<'_>,
    ) -> Result<&mut Vec<Channel<i32>>> {
        sub_bitstream.decode(bits, context, &mut self.modular, &mut self.wide)?;
        Ok(&mut self.wide)
    }

    /// Decodes a Modular sub-bitstream in 16 bits, and what does not go well once more in 32, whose error counts.
    fn decode(
        &mut self,
        bits: &mut BitReader<'_>,
        sub_bitstream: &SubBitstream<'_>,
        context: &ModularContext<'_>,
    ) -> Result<Decoded<'_>> {
        let start = bits.clone();
        if sub_bitstream.decode(bits, context, &mut self.modular, &mut self.narrow).is_ok() {
            return Ok(Decoded::Narrow(&mut self.narrow));
        }
        self.narrow.clear();
        *bits = start;
        self.decode_wide(bits, sub_bitstream, context).map(Decoded::Wide)
    }
}

/// Quantised LF samples of an LF group.
#[derive(Debug)]
pub(super) struct LfCoefficients {
    /// The samples are divided by two to this power.
    pub(super) extra_precision: u32,
    samples: LfChannels,
}

/// Samples by slot X, Y, B, in 16 bits if they fit.
#[derive(Debug)]
enum LfChannels {
    Narrow([Channel<i16>; 3]),
    Wide([Channel<i32>; 3]),
}

/// A decoded LF group.
#[derive(Debug)]
pub(super) struct LfGroup {
    /// Its blocks in the frame.
    pub(super) blocks: Rect,
    /// `None` if the LF samples come from an LF frame.
    pub(super) lf: Option<LfCoefficients>,
    /// Planes, by block.
    blocks_info: Lease<Matrix3<u8>>,
    /// Planes of factors of X and of B, by tile of 8 x 8 blocks.
    factors: Lease<Matrix3<i8>>,
    /// Bit set of the transform types that occur.
    pub(super) used_types: u32,
}

impl Release for LfGroup {}

/// Planes of `blocks_info`.
#[derive(Clone, Copy)]
enum Plane {
    /// The type at the first block of a varblock, [`COVERED`] at its other blocks.
    Transform,
    /// `HfMul` minus 1.
    HfMul,
    Sharpness,
    /// Index of LF thresholds; not there if it is 0 everywhere.
    LfIndex,
}

/// What reading an LF group needs of its frame.
#[derive(Clone, Copy)]
pub(super) struct LfGroupContext<'a> {
    pub(super) geometry: &'a FrameGeometry,
    pub(super) block_context: &'a HfBlockContext,
    pub(super) modular: &'a ModularContext<'a>,
    pub(super) lf_group: usize,
}

impl LfGroupContext<'_> {
    fn is_subsampled(&self) -> bool {
        self.geometry.hshift != [0; 3] || self.geometry.vshift != [0; 3]
    }
}

impl LfCoefficients {
    /// Reads the first part of an LF group that has LF coefficients.
    ///
    /// # Errors
    ///
    /// What Modular sub-bitstreams give.
    pub(super) fn read(
        bits: &mut BitReader<'_>,
        context: &LfGroupContext<'_>,
        workspace: &mut LfGroupWorkspace,
    ) -> Result<Self> {
        let LfGroupContext { geometry, modular, lf_group, .. } = context;
        let extra_precision = bits.u(2)?;
        let blocks = geometry.lf_group_blocks(*lf_group);
        let shape = |slot: usize| {
            let (width, height) =
                (blocks.width >> geometry.hshift[slot], blocks.height >> geometry.vshift[slot]);
            ChannelShape::new(width as u32, height as u32)
        };
        let stream = ModularStream::LfCoefficients(*lf_group);
        let sub_bitstream = SubBitstream { shapes: &[shape(1), shape(0), shape(2)], stream };
        let samples = match workspace.decode(bits, &sub_bitstream, modular)? {
            Decoded::Narrow(channels) => by_slot(channels).map(LfChannels::Narrow),
            Decoded::Wide(channels) => by_slot(channels).map(LfChannels::Wide),
        };
        Ok(Self { extra_precision, samples: samples.ok_or(OTHER_CHANNELS)? })
    }

    /// The samples of a channel from column `x` of row `y` of the LF group on.
    pub(super) fn row(&self, channel: usize, (x, y): (usize, usize)) -> impl Iterator<Item = i32> {
        let (narrow, wide) = match &self.samples {
            LfChannels::Narrow(channels) => (row_from(&channels[channel], (x, y)), &[][..]),
            LfChannels::Wide(channels) => (&[][..], row_from(&channels[channel], (x, y))),
        };
        narrow.iter().map(|sample| i32::from(*sample)).chain(wide.iter().copied())
    }

    /// Dequantises samples of a channel, from column `x` of row `y` of the LF group on.
    #[inline(always)]
    pub(super) fn dequantise(&self, channel: usize, (x, y): (usize, usize), step: f32, out: &mut [f32]) {
        let step = step / (1u32 << self.extra_precision) as f32;
        match &self.samples {
            LfChannels::Narrow(channels) => dequantise(&channels[channel], (x, y), step, out),
            LfChannels::Wide(channels) => dequantise(&channels[channel], (x, y), step, out),
        }
    }

    /// Writes the index of the LF thresholds of every block.
    fn fill_lf_indices(&self, context: &LfGroupContext<'_>, indices: ViewMut2<'_, u8>) {
        match &self.samples {
            LfChannels::Narrow(channels) => fill_lf_indices(channels, context, indices),
            LfChannels::Wide(channels) => fill_lf_indices(channels, context, indices),
        }
    }
}

/// Channels in the order in which they are coded, Y, X, B, put into slots.
fn by_slot<S: Sample>(channels: &mut Vec<Channel<S>>) -> Option<[Channel<S>; 3]> {
    let (b, x, y) = (channels.pop()?, channels.pop()?, channels.pop()?);
    Some([x, y, b])
}

#[inline(always)]
fn row_from<S: Sample>(channel: &Channel<S>, (x, y): (usize, usize)) -> &[S] {
    channel.view().map_or(&[], |view| &view.row(y)[x..])
}

#[inline(always)]
fn dequantise<S: Sample>(channel: &Channel<S>, (x, y): (usize, usize), step: f32, out: &mut [f32]) {
    for (sample, quantised) in out.iter_mut().zip(row_from(channel, (x, y))) {
        *sample = quantised.to_i32() as f32 * step;
    }
}

/// As [`LfCoefficients::fill_lf_indices`].
fn fill_lf_indices<S: Sample>(
    channels: &[Channel<S>; 3],
    context: &LfGroupContext<'_>,
    mut indices: ViewMut2<'_, u8>,
) {
    let FrameGeometry { hshift, vshift, .. } = context.geometry;
    let thresholds = context.block_context.lf_thresholds();
    for y in 0..indices.rows() {
        let row = indices.row_mut(y);
        row.fill(0);
        // The order of the channels from the most to the least significant: X, B, Y.
        for slot in [0, 2, 1] {
            let Some(samples) = channels[slot].view() else { continue };
            let samples = samples.row(y >> vshift[slot]);
            for (x, index) in row.iter_mut().enumerate() {
                let exceeded = thresholds[slot].exceeded(samples[x >> hshift[slot]].to_i32());
                // Below 64: the product of all cases is at most that.
                *index = *index * thresholds[slot].cases() as u8 + exceeded as u8;
            }
        }
    }
}

impl LfGroup {
    /// Reads the last part of an LF group, the HF metadata, and joins it with the LF coefficients, if there are any.
    ///
    /// # Errors
    ///
    /// What Modular sub-bitstreams give; [`VarDctFault`]s of varblocks and of the sharpness.
    pub(super) fn read(
        bits: &mut BitReader<'_>,
        context: &LfGroupContext<'_>,
        lf: Option<LfCoefficients>,
        workspace: &mut LfGroupWorkspace,
    ) -> Result<Self> {
        let blocks = context.geometry.lf_group_blocks(context.lf_group);
        let (width, height) = (blocks.width as u32, blocks.height as u32);
        let varblocks = 1 + bits.u(ceil_log2(u64::from(width) * u64::from(height)))?;
        let factors = ChannelShape::new(width.div_ceil(8), height.div_ceil(8)).with_shifts(3, 3);
        let shapes = [factors, factors, ChannelShape::new(varblocks, 2), ChannelShape::new(width, height)];
        let stream = ModularStream::HfMetadata(context.lf_group);
        let channels = workspace.decode(bits, &SubBitstream { shapes: &shapes, stream }, context.modular)?;

        let pool = context.modular.pool;
        let with_indices = lf.as_ref().filter(|_| context.block_context.uses_lf());
        let planes = 3 + usize::from(with_indices.is_some());
        let mut group = Self {
            blocks,
            lf: None,
            blocks_info: pool.matrix3(Purpose::Metadata, Shape3::new(planes, blocks.height, blocks.width))?,
            factors: pool.matrix3(
                Purpose::Metadata,
                Shape3::new(2, blocks.height.div_ceil(8), blocks.width.div_ceil(8)),
            )?,
            used_types: 0,
        };
        if let Some(lf) = with_indices {
            lf.fill_lf_indices(context, group.blocks_info.plane_mut(Plane::LfIndex as usize));
        }
        match channels {
            Decoded::Narrow(channels) => group.store(channels, context.is_subsampled())?,
            Decoded::Wide(channels) => group.store(channels, context.is_subsampled())?,
        }
        group.lf = lf;
        Ok(group)
    }

    /// Stores the HF metadata, and clears the channels.
    fn store<S: Sample>(&mut self, channels: &mut Vec<Channel<S>>, is_subsampled: bool) -> Result<()> {
        let [Some(x_from_y), Some(b_from_y), Some(block_info), Some(sharpness)] =
            [0, 1, 2, 3].map(|i| channels.get(i).and_then(Channel::view))
        else {
            return Err(OTHER_CHANNELS);
        };
        self.store_factors([x_from_y, b_from_y]);
        self.store_sharpness(sharpness)?;
        self.place_varblocks(block_info, is_subsampled)?;
        channels.clear();
        Ok(())
    }

    fn store_factors<S: Sample>(&mut self, sources: [View2<'_, S>; 2]) {
        for (mut plane, source) in self.factors.planes_mut().zip(sources) {
            for (y, source) in source.iter_rows().enumerate() {
                for (factor, value) in plane.row_mut(y).iter_mut().zip(source) {
                    *factor = value.to_i32().clamp(-128, 127) as i8;
                }
            }
        }
    }

    fn store_sharpness<S: Sample>(&mut self, source: View2<'_, S>) -> Result<()> {
        let mut plane = self.blocks_info.plane_mut(Plane::Sharpness as usize);
        for (y, source) in source.iter_rows().enumerate() {
            for (sharpness, value) in plane.row_mut(y).iter_mut().zip(source) {
                let value = value.to_i32();
                if !(0..8).contains(&value) {
                    return Err(VarDctFault::Sharpness { value }.into());
                }
                *sharpness = value as u8;
            }
        }
        Ok(())
    }

    /// Gives every varblock the first free place in raster order. `block_info` has a column for each, with its type and
    /// its `HfMul`.
    fn place_varblocks<S: Sample>(&mut self, block_info: View2<'_, S>, is_subsampled: bool) -> Result<()> {
        let Some([mut types, mut hf_muls]) = first_planes(&mut self.blocks_info) else {
            return Err(OTHER_CHANNELS);
        };
        let (rows, cols) = (types.rows(), types.cols());
        types.fill(FREE);
        let mut coded = block_info.row(0).iter().zip(block_info.row(1));
        for y in 0..rows {
            for x in 0..cols {
                if types.row(y)[x] != FREE {
                    continue;
                }
                let Some((code, hf_mul)) = coded.next() else {
                    return Err(VarDctFault::TooFewVarblocks { varblocks: block_info.cols() as u32 }.into());
                };
                let (code, hf_mul) = (code.to_i32(), hf_mul.to_i32());
                let ty = TransformType::from_code(code).ok_or(VarDctFault::TransformType { value: code })?;
                let hf_mul = hf_mul.clamp(0, 255) as u8;
                let place = (x as u32, y as u32);
                let (block_rows, block_cols) = (ty.block_rows(), ty.block_cols());
                if ty.log_blocks() > 0 {
                    check_place(ty, place, (rows, cols), is_subsampled)?;
                }
                for row in y..y + block_rows {
                    let covered = &mut types.row_mut(row)[x..x + block_cols];
                    if covered.iter().any(|state| *state != FREE) {
                        return Err(VarDctFault::VarblockOverlap { x: place.0, y: place.1 }.into());
                    }
                    covered.fill(COVERED);
                    hf_muls.row_mut(row)[x..x + block_cols].fill(hf_mul);
                }
                types.row_mut(y)[x] = ty as u8;
                self.used_types |= 1 << ty as u32;
            }
        }
        Ok(())
    }

    /// A plane, by block of the LF group; `None` if it is zero everywhere.
    fn plane(&self, plane: Plane) -> Option<View2<'_, u8>> {
        ((plane as usize) < self.blocks_info.planes()).then(|| self.blocks_info.plane(plane as usize))
    }

    /// Lists the varblocks of a group, whose blocks in the frame are `group`, in the order of their first blocks.
    pub(super) fn list_varblocks(
        &self,
        group: Rect,
        block_context: &HfBlockContext,
        list: &mut Vec<Varblock>,
    ) {
        list.clear();
        let inside = Rect { x: group.x - self.blocks.x, y: group.y - self.blocks.y, ..group };
        let (types, hf_muls) = (
            self.blocks_info.plane(Plane::Transform as usize),
            self.blocks_info.plane(Plane::HfMul as usize),
        );
        let lf_indices = self.plane(Plane::LfIndex);
        for y in 0..inside.height {
            let columns = inside.x..inside.right();
            let types = &types.row(inside.y + y)[columns.clone()];
            let hf_muls = &hf_muls.row(inside.y + y)[columns.clone()];
            let lf_indices = lf_indices.map(|plane| &plane.row(inside.y + y)[columns]);
            for (x, (code, hf_mul)) in types.iter().zip(hf_muls).enumerate() {
                let Some(ty) = TransformType::from_code((*code).into()) else { continue };
                let lf_index = lf_indices.map_or(0, |row| row[x]);
                let hf_mul = 1 + u16::from(*hf_mul);
                let context = block_context.varblock(ty, hf_mul.into(), lf_index.into()) as u16;
                list.push(Varblock {
                    x: x as u8,
                    y: y as u8,
                    ty,
                    hf_mul,
                    context,
                    extents: [Extent::default(); 3],
                });
            }
        }
    }

    /// The factors of X and of B at a block of the frame.
    #[inline(always)]
    pub(super) fn factors(&self, x: usize, y: usize) -> [i32; 2] {
        let (x, y) = ((x - self.blocks.x) / 8, (y - self.blocks.y) / 8);
        [0, 1].map(|plane| self.factors.plane(plane).row(y)[x].into())
    }

    /// `HfMul` less one and sharpness of the blocks in row `y` of the LF group.
    pub(super) fn filter_row(&self, y: usize) -> impl Iterator<Item = (u8, u8)> {
        let hf_muls = self.blocks_info.plane(Plane::HfMul as usize).row(y);
        let sharpness = self.blocks_info.plane(Plane::Sharpness as usize).row(y);
        hf_muls.iter().copied().zip(sharpness.iter().copied())
    }
}

/// The planes of transform types and of `HfMul`.
fn first_planes(planes: &mut Matrix3<u8>) -> Option<[ViewMut2<'_, u8>; 2]> {
    let mut planes = planes.planes_mut();
    Some([planes.next()?, planes.next()?])
}

/// That a varblock of several blocks lies in its group and in the LF group of `(rows, cols)` blocks.
fn check_place(
    ty: TransformType,
    (x, y): (u32, u32),
    (rows, cols): (usize, usize),
    is_subsampled: bool,
) -> Result<()> {
    if is_subsampled {
        return Err(VarDctFault::SubsampledVarblock.into());
    }
    let end =
        |from: u32, limit: usize| (from as usize / GROUP_BLOCKS * GROUP_BLOCKS + GROUP_BLOCKS).min(limit);
    if x as usize + ty.block_cols() > end(x, cols) || y as usize + ty.block_rows() > end(y, rows) {
        return Err(VarDctFault::VarblockCrossesGroup { x, y }.into());
    }
    Ok(())
}
