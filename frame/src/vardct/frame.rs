//! A VarDCT frame, section by section.

use std::sync::OnceLock;

use fearless_simd::{Level, dispatch};
use jxlake_entropy::{BitReader, Lz77Window};
use jxlake_util::{Buffer, Lease, Pool, Purpose, Release, Scratch, ViewMut2};

use super::dequant_matrices::RawTables;
use super::hf_coefficients::{Accumulator, GroupContext, PassStream, Varblock};
use super::hf_contexts::HfClusters;
use super::hf_global::{HfGlobal, HfGlobalContext, ceil_log2};
use super::lf_global::{HfBlockContext, LfChannelCorrelation, LfChannelDequantization, Quantizer};
use super::lf_group::{LfCoefficients, LfGroup, LfGroupContext, LfGroupWorkspace};
use super::lf_image::{LfContext, LfDequantisation, LfImage};
use super::pass_group::{GroupLayout, NOT_BEGUN, NoSink, Parts, PassGroup, PassStreams};
use super::render_group::{Renderer, RenderingSink, buffer_len};
use super::{TransformType, VarDctFault};
use crate::composition::SavedFrame;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::frame_header::{FrameHeader, Passes, RestorationFilter};
use crate::geometry::FrameGeometry;
use crate::image_header::ImageHeader;
use crate::modular::channel::{Channel, ChannelShape};
use crate::modular::stream_index::ModularStream;
use crate::modular::sub_bitstream::{ModularContext, SubBitstream};

/// How many values sigma can have in a frame: those of all `HfMul`, for each of the 8 kinds of sharpness.
pub(crate) const SIGMA_VALUES: usize = 8 * 256;

/// A frame coded as VarDCT: what its sections hold, and the way from there to samples.
///
/// Calls come in the order of the data: [`begin`](Self::begin), [`read_lf_global`](Self::read_lf_global), all LF groups
/// (from any threads), [`finish_lf`](Self::finish_lf) and [`read_hf_global`](Self::read_hf_global) in either order, then
/// for each group (from any threads) [`begin_group`](Self::begin_group), its passes and
/// [`render_group`](Self::render_group). In a frame of one section the parts follow each other in one bit reader.
///
/// The value is kept from frame to frame for its storage; [`clear`](Self::clear) gives all leases back.
#[derive(Default)]
pub struct VarDctFrame {
    parameters: Option<Parameters>,
    dequantization: LfChannelDequantization,
    quantizer: Quantizer,
    block_context: HfBlockContext,
    pub(super) correlation: LfChannelCorrelation,
    /// By LF group, those of this frame; set when they are decoded.
    lf_groups: Vec<OnceLock<LfGroup>>,
    lf_image: LfImage,
    pub(super) hf_global: HfGlobal,
    lf_workspaces: Scratch<LfGroupWorkspace>,
    render_workspaces: Scratch<RenderWorkspace>,
}

/// What the headers say that matters here.
#[derive(Clone, Copy)]
pub(super) struct Parameters {
    pub(super) geometry: FrameGeometry,
    pub(super) passes: Passes,
    /// Factors of the quantisation of X, Y, B.
    qm: [f32; 3],
    quant_biases: [f32; 4],
    use_lf_frame: bool,
    smoothing: bool,
    is_subsampled: bool,
}

/// The buffers of a group being rendered: its LF samples, and those of a varblock.
#[derive(Default)]
struct RenderWorkspace {
    tile: Option<Lease<Buffer<f32>>>,
    buffer: Option<Lease<Buffer<f32>>>,
}

impl Release for VarDctFrame {
    fn release(mut self) {
        self.clear();
    }
}

impl VarDctFrame {
    /// Begins a frame; all of the frame before is forgotten, and its leases are given back.
    pub fn begin(&mut self, header: &FrameHeader, image: &ImageHeader, geometry: &FrameGeometry) {
        self.clear();
        let qm = |scale: u32| 0.8f32.powi(scale as i32 - 2);
        self.parameters = Some(Parameters {
            geometry: *geometry,
            passes: header.passes,
            qm: [qm(header.x_qm_scale), 1.0, qm(header.b_qm_scale)],
            quant_biases: image.opsin_inverse_matrix.quant_biases,
            use_lf_frame: header.flags.use_lf_frame(),
            smoothing: !header.flags.use_lf_frame() && !header.flags.skip_adaptive_lf_smoothing(),
            is_subsampled: !header.subsampling.is_none(),
        });
        self.lf_groups.resize_with(geometry.num_lf_groups(), OnceLock::new);
    }

    /// Gives all leases back. Lists keep their storage.
    pub fn clear(&mut self) {
        self.parameters = None;
        self.lf_groups.iter_mut().for_each(|group| drop(group.take()));
        self.lf_groups.clear();
        self.lf_image = LfImage::Missing;
        self.hf_global.clear();
    }

    /// Reads VarDCT's part of LfGlobal: after patches, splines and noise, before the global tree.
    ///
    /// # Errors
    ///
    /// [`VarDctFault`]s of the bundles, broken context maps, the end of the input.
    pub fn read_lf_global(&mut self, bits: &mut BitReader<'_>) -> Result<()> {
        self.dequantization = LfChannelDequantization::read(bits)?;
        self.quantizer = Quantizer::read(bits)?;
        self.block_context.read(bits)?;
        self.correlation = LfChannelCorrelation::read(bits)?;
        Ok(())
    }

    /// How much of luma is in the chroma channels: splines are drawn with its base correlations.
    pub fn correlation(&self) -> &LfChannelCorrelation {
        &self.correlation
    }

    /// The factors of LF samples.
    pub fn lf_dequantization(&self) -> &LfChannelDequantization {
        &self.dequantization
    }

    /// The scales of quantised values.
    pub fn quantizer(&self) -> &Quantizer {
        &self.quantizer
    }

    /// Decodes an LF group. `modular_lf_group` reads the Modular channels that are coded between its LF coefficients and
    /// its HF metadata.
    ///
    /// # Errors
    ///
    /// What Modular sub-bitstreams give, [`VarDctFault`]s of varblocks; [`Error::Misuse`] if the LF group was decoded
    /// before or does not exist.
    pub fn decode_lf_group(
        &self,
        lf_group: usize,
        bits: &mut BitReader<'_>,
        modular: &ModularContext<'_>,
        modular_lf_group: impl FnOnce(&mut BitReader<'_>) -> Result<()>,
    ) -> Result<()> {
        let parameters = self.parameters()?;
        let slot = self.lf_groups.get(lf_group).ok_or(Error::Misuse("an LF group that does not exist"))?;
        let geometry = &parameters.geometry;
        let context = LfGroupContext { geometry, block_context: &self.block_context, modular, lf_group };
        let mut workspace = self.lf_workspaces.take();
        let lf = match parameters.use_lf_frame {
            true => None,
            false => Some(LfCoefficients::read(bits, &context, &mut workspace)?),
        };
        modular_lf_group(bits)?;
        let decoded = LfGroup::read(bits, &context, lf, &mut workspace)?;
        slot.set(decoded).map_err(|_| Error::Misuse("an LF group that was decoded before"))
    }

    /// Lets the LF image come from the LF groups, of which those that are missing count as zero.
    ///
    /// For a frame that takes its LF image from an LF frame, [`set_lf_frame`](Self::set_lf_frame) does it.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] for such a frame.
    pub fn finish_lf(&mut self) -> Result<()> {
        let Parameters { use_lf_frame, smoothing, is_subsampled, .. } = *self.parameters()?;
        if use_lf_frame {
            return Err(Error::Misuse("the LF image comes from an LF frame"));
        }
        let LfChannelCorrelation { x_factor_lf, b_factor_lf, .. } = self.correlation;
        let from_luma = [self.correlation.k_x(x_factor_lf), self.correlation.k_b(b_factor_lf)];
        self.lf_image = LfImage::Coded(LfDequantisation {
            steps: self.quantizer.lf_steps(&self.dequantization),
            from_luma: (!is_subsampled).then_some(from_luma),
            smoothing: smoothing && !is_subsampled,
        });
        Ok(())
    }

    /// How many values of the LF image are made at a time, when a group is rendered.
    pub(crate) fn lf_tile_len(geometry: &FrameGeometry) -> usize {
        LfImage::tile_len(geometry)
    }

    /// Takes the LF frame that the LF image of a frame is, as it is before the colour transform; see
    /// [`take_lf_frame`](Self::take_lf_frame).
    ///
    /// # Errors
    ///
    /// [`VarDctFault::LfFrameSize`] if it is smaller than the frame in blocks; then it is not taken.
    pub fn set_lf_frame(&mut self, frame: &mut SavedFrame) -> Result<()> {
        let geometry = self.parameters()?.geometry;
        self.lf_image = LfImage::of_frame(frame, &geometry)?;
        Ok(())
    }

    /// Gives the LF frame back, if there is one.
    pub fn take_lf_frame(&mut self) -> Option<SavedFrame> {
        match std::mem::take(&mut self.lf_image) {
            LfImage::Frame(frame) => Some(frame),
            other => {
                self.lf_image = other;
                None
            }
        }
    }

    /// Reads HfGlobal. All LF groups must have been decoded: they tell which tables and orders are needed.
    ///
    /// # Errors
    ///
    /// [`VarDctFault`]s of dequantisation tables, broken permutations and distribution bundles.
    pub fn read_hf_global(&mut self, bits: &mut BitReader<'_>, modular: &ModularContext<'_>) -> Result<()> {
        let Parameters { geometry, passes, .. } = *self.parameters()?;
        let context = HfGlobalContext {
            num_groups: geometry.num_groups(),
            passes: &passes,
            num_block_contexts: self.block_context.num_contexts(),
            used_types: self.used_types(),
        };
        let mut workspace = self.lf_workspaces.take();
        let mut raw_tables = RawTableReader { modular, workspace: &mut workspace };
        self.hf_global.read(bits, &context, modular.pool, &mut raw_tables)
    }

    /// Makes `pass_group` that of a group, whose LF group was decoded and for which HfGlobal was read, with all
    /// coefficients zero.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the LF group is missing; if there is no memory.
    pub fn begin_group(&self, group: usize, pool: &Pool, pass_group: &mut PassGroup) -> Result<()> {
        self.begin_group_with(group, pool, pass_group, None)
    }

    /// As [`begin_group`](Self::begin_group), with room for so many coefficients of a channel instead of those of a group.
    fn begin_group_with(
        &self,
        group: usize,
        pool: &Pool,
        pass_group: &mut PassGroup,
        room: Option<usize>,
    ) -> Result<()> {
        let Parameters { geometry, passes, .. } = self.parameters()?;
        let lf_group = self.lf_group_of(group)?;
        let side = geometry.group_dim / 8;
        let most_blocks =
            side.min(geometry.blocks.width as usize) * side.min(geometry.blocks.height as usize);
        let layout = GroupLayout {
            blocks: geometry.group_blocks(group),
            hshift: geometry.hshift,
            vshift: geometry.vshift,
            most_blocks,
            room: room.unwrap_or(64 * most_blocks),
            // What does not fit is decoded again, which is simple if there is one pass.
            fits_i16: self.hf_global.fits_i16 || passes.num_passes() == 1,
        };
        pass_group.begin(&layout, pool)?;
        lf_group.list_varblocks(layout.blocks, &self.block_context, &mut pass_group.varblocks);
        Ok(())
    }

    /// Decodes the HF coefficients of a group in one pass, the first part of its PassGroup section, and adds them to those
    /// of earlier passes. The Modular channels of the group follow in the bit stream.
    ///
    /// # Errors
    ///
    /// [`VarDctFault::Preset`], [`VarDctFault::NonZeros`], a broken symbol stream, the end of the input. The group's
    /// coefficients are then worthless; begin it again.
    pub fn decode_pass_group(
        &self,
        pass: usize,
        bits: &mut BitReader<'_>,
        level: Level,
        pass_group: &mut PassGroup,
    ) -> Result<()> {
        let passes = CodedPasses { frame: self, first: pass, level };
        pass_group.decode(&passes, std::slice::from_mut(bits), None::<&mut NoSink>)
    }

    /// Calls `decode` with what the coefficients of a group are decoded with in a pass, behind the number of the preset.
    fn with_pass<R>(
        &self,
        pass: usize,
        bits: &mut BitReader<'_>,
        level: Level,
        decode: impl FnOnce(GroupContext<'_>, &mut BitReader<'_>) -> Result<R>,
    ) -> Result<R> {
        let Parameters { passes, geometry, .. } = self.parameters()?;
        if pass >= passes.num_passes() {
            return Err(Error::Misuse("a pass that does not exist"));
        }
        let presets = self.hf_global.presets;
        let pass = self.hf_global.pass(pass)?;
        let preset = bits.u(ceil_log2(presets.into()))?;
        if preset >= presets {
            return Err(VarDctFault::Preset { preset, presets }.into());
        }
        let num_contexts = self.block_context.num_contexts();
        let clusters = HfClusters::new(pass.codes.context_map(), preset as usize, num_contexts);
        let context = GroupContext {
            pass,
            clusters: &clusters,
            block_context: &self.block_context,
            hshift: geometry.hshift,
            vshift: geometry.vshift,
            level,
        };
        decode(context, bits)
    }

    /// Writes the samples of a group, with the passes decoded so far, to the upper left corner of the matrices of X, Y and
    /// B: all of its blocks, also those in the padding of the frame. A channel's matrix has at least `8 * (blocks >> shift)`
    /// rows and columns, with the [blocks of the group](FrameGeometry::group_blocks) and the channel's subsampling.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if a matrix is too small, or the LF image is not there; if there is no memory.
    pub fn render_group(
        &self,
        group: usize,
        pass_group: &PassGroup,
        dest: &mut [ViewMut2<'_, f32>; 3],
        pool: &Pool,
        level: Level,
    ) -> Result<()> {
        let blocks = self.parameters()?.geometry.group_blocks(group);
        if pass_group.blocks != blocks {
            return Err(NOT_BEGUN);
        }
        self.with_renderer(group, dest, (pool, level), |RenderingSink { renderer, buffer, dest, .. }| {
            let varblocks = &pass_group.varblocks[..];
            match pass_group.parts().ok_or(NOT_BEGUN)? {
                Parts::I16(parts) => {
                    dispatch!(level, simd => renderer.render(simd, (varblocks, parts), buffer, dest))
                }
                Parts::I32(parts) => {
                    dispatch!(level, simd => renderer.render(simd, (varblocks, parts), buffer, dest))
                }
            }
        })
    }

    /// Decodes the HF coefficients of a group in all passes, which begin at `bits`, and writes its samples, as
    /// [`render_group`](Self::render_group), part by part: room for some of its coefficients is enough. `pass_group` need not
    /// be begun, and has no coefficients afterwards. The Modular channels of the group follow in each bit stream.
    ///
    /// # Errors
    ///
    /// Those of [`begin_group`](Self::begin_group), [`decode_pass_group`](Self::decode_pass_group) and
    /// [`render_group`](Self::render_group); [`Error::Misuse`] if there are more or fewer passes.
    pub fn decode_and_render_group(
        &self,
        group: usize,
        bits: &mut [BitReader<'_>],
        pass_group: &mut PassGroup,
        dest: &mut [ViewMut2<'_, f32>; 3],
        (pool, level): (&Pool, Level),
    ) -> Result<()> {
        if bits.len() != self.parameters()?.passes.num_passes() {
            return Err(Error::Misuse("another number of passes"));
        }
        self.begin_group_with(group, pool, pass_group, Some(self.largest_varblock().max(PART)))?;
        self.with_renderer(group, dest, (pool, level), |mut sink| {
            pass_group.decode(&CodedPasses { frame: self, first: 0, level }, bits, Some(&mut sink))
        })
    }

    /// Calls `render` with all that turns coefficients of a group into samples.
    fn with_renderer(
        &self,
        group: usize,
        dest: &mut [ViewMut2<'_, f32>; 3],
        (pool, level): (&Pool, Level),
        render: impl FnOnce(RenderingSink<'_, '_>) -> Result<()>,
    ) -> Result<()> {
        let parameters = self.parameters()?;
        let geometry = &parameters.geometry;
        let blocks = geometry.group_blocks(group);
        for (channel, dest) in dest.iter().enumerate() {
            let rows = 8 * (blocks.height >> geometry.vshift[channel]);
            let cols = 8 * (blocks.width >> geometry.hshift[channel]);
            if dest.rows() < rows || dest.cols() < cols {
                return Err(Error::Misuse("a matrix smaller than the group"));
            }
        }
        let tile_len = LfImage::tile_len(geometry);
        let mut workspace = self.render_workspaces.take();
        let RenderWorkspace { tile, buffer } = &mut *workspace;
        let tile = sized(tile, tile_len, pool)?;
        let buffer = sized(buffer, buffer_len(self.largest_varblock()), pool)?;
        let context = LfContext { geometry, groups: &self.lf_groups, level };
        let step = self.quantizer.inverse_global_scale();
        let renderer = Renderer {
            blocks,
            hshift: geometry.hshift,
            vshift: geometry.vshift,
            lf_group: self.lf_group_of(group)?,
            lf: self.lf_image.tile(&context, blocks, tile)?,
            matrices: &self.hf_global.matrices,
            correlation: &self.correlation,
            quant_biases: &parameters.quant_biases,
            steps: parameters.qm.map(|qm| step * qm),
            is_subsampled: parameters.is_subsampled,
        };
        render(RenderingSink { renderer, buffer, dest, level })
    }

    /// The values that sigma of the edge-preserving filter can have; a block that is not to be filtered gets 0 or less.
    pub fn sigma_values(&self, filter: &RestorationFilter) -> impl Iterator<Item = f32> {
        let scale = self.quantizer.global_scale as f32 / 65536.0;
        (0..SIGMA_VALUES as u32).map(move |index| {
            let step = filter.epf_quant_mul / (scale * (1 + index / 8) as f32);
            step * filter.epf_sharp_lut[index as usize % 8]
        })
    }

    /// Writes which of the [`sigma_values`](Self::sigma_values) the blocks of an LF group have, from its upper left corner
    /// on.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the LF group is missing or `indices` is smaller than it.
    pub fn fill_sigma(&self, lf_group: usize, mut indices: ViewMut2<'_, u16>) -> Result<()> {
        let lf_group = self.lf_groups.get(lf_group).and_then(OnceLock::get).ok_or(MISSING_LF_GROUP)?;
        let blocks = lf_group.blocks;
        if indices.rows() < blocks.height || indices.cols() < blocks.width {
            return Err(Error::Misuse("a sigma plane smaller than the LF group"));
        }
        for (y, row) in indices.iter_rows_mut().take(blocks.height).enumerate() {
            for (index, (hf_mul, sharpness)) in row.iter_mut().zip(lf_group.filter_row(y)) {
                *index = 8 * u16::from(hf_mul) + u16::from(sharpness & 7);
            }
        }
        Ok(())
    }

    pub(super) fn parameters(&self) -> Result<&Parameters> {
        self.parameters.as_ref().ok_or(Error::Misuse("no frame was begun"))
    }

    /// The LF group that a group lies in.
    pub(super) fn lf_group_of(&self, group: usize) -> Result<&LfGroup> {
        let geometry = &self.parameters()?.geometry;
        if group >= geometry.num_groups() {
            return Err(Error::Misuse("a group that does not exist"));
        }
        self.lf_groups.get(geometry.lf_group_of(group)).and_then(OnceLock::get).ok_or(MISSING_LF_GROUP)
    }

    /// Coefficients of a channel of the largest varblock that there may be in the LF groups that were decoded.
    fn largest_varblock(&self) -> usize {
        let used = self.used_types();
        let sizes = TransformType::ALL.iter().filter(|&&ty| used >> ty as u32 & 1 != 0).map(|ty| ty.size());
        sizes.max().unwrap_or(64)
    }

    /// Bit set of the transform types in the LF groups that were decoded.
    pub(super) fn used_types(&self) -> u32 {
        self.lf_groups.iter().filter_map(OnceLock::get).fold(0, |used, group| used | group.used_types)
    }
}

/// Coefficients of a channel that are decoded before they are rendered, if varblocks are not larger: a row of blocks stays near
/// the core, and neither of the two loops is left often.
pub(crate) const PART: usize = 2048;

const MISSING_LF_GROUP: Error = Error::Misuse("an LF group that was not decoded");

/// The passes of a frame, from one on.
struct CodedPasses<'f> {
    frame: &'f VarDctFrame,
    first: usize,
    level: Level,
}

impl PassStreams for CodedPasses<'_> {
    fn begin<Q: Accumulator>(
        &self,
        bits: &mut [BitReader<'_>],
        windows: (&mut [Lz77Window], u64),
        decode: &mut dyn FnMut(&mut dyn PassStream<Q>) -> Result<bool>,
    ) -> Result<bool> {
        self.begin_behind(None, bits, windows, decode)
    }
}

impl CodedPasses<'_> {
    /// As [`begin`](PassStreams::begin), behind passes that have begun.
    fn begin_behind<Q: Accumulator>(
        &self,
        before: Option<&mut dyn PassStream<Q>>,
        bits: &mut [BitReader<'_>],
        (windows, symbols): (&mut [Lz77Window], u64),
        decode: &mut dyn FnMut(&mut dyn PassStream<Q>) -> Result<bool>,
    ) -> Result<bool> {
        let (Some((bits, later)), Some((window, windows))) =
            (bits.split_first_mut(), windows.split_first_mut())
        else {
            return before.map_or(Ok(true), decode);
        };
        let Self { frame, first, level } = *self;
        let others = CodedPasses { frame, first: first + 1, level };
        frame.with_pass(first, bits, level, |context, bits| {
            context.with_stream(bits, (window, symbols), |own| match before {
                None => others.begin_behind(Some(own), later, (windows, symbols), decode),
                Some(before) => {
                    others.begin_behind(Some(&mut Both(before, own)), later, (windows, symbols), decode)
                }
            })
        })
    }
}

/// Passes one after the other.
struct Both<'s, 't, Q>(&'s mut (dyn PassStream<Q> + 's), &'t mut (dyn PassStream<Q> + 't));

impl<Q> PassStream<Q> for Both<'_, '_, Q> {
    fn decode(&mut self, varblocks: &mut [Varblock], values: &mut [&mut [Q]; 3]) -> Result<bool> {
        Ok(self.0.decode(varblocks, values)? && self.1.decode(varblocks, values)?)
    }
}

/// A buffer of at least `len` values, unspecified: the one that is there if it is large enough.
fn sized<'a>(buffer: &'a mut Option<Lease<Buffer<f32>>>, len: usize, pool: &Pool) -> Result<&'a mut [f32]> {
    if buffer.as_ref().is_none_or(|buffer| buffer.len() < len) {
        // Given back before another one is leased.
        *buffer = None;
    }
    Ok(match buffer {
        Some(buffer) => buffer,
        None => buffer.insert(pool.buffer(Purpose::HfCoefficients, len)?),
    })
}

/// Reads the samples of dequantisation tables as Modular sub-bitstreams.
struct RawTableReader<'a> {
    modular: &'a ModularContext<'a>,
    workspace: &'a mut LfGroupWorkspace,
}

impl RawTables for RawTableReader<'_> {
    fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        table: usize,
        (width, height): (usize, usize),
        samples: &mut [i32],
    ) -> Result<()> {
        let context = ModularContext { bit_depth: 8, ..*self.modular };
        let shape = ChannelShape::new(width as u32, height as u32);
        let sub_bitstream =
            SubBitstream { shapes: &[shape; 3], stream: ModularStream::QuantisationTable(table) };
        let channels = self.workspace.decode_wide(bits, &sub_bitstream, &context)?;
        let rows = channels.iter().filter_map(Channel::view).flat_map(|view| view.iter_rows());
        for (out, row) in samples.chunks_exact_mut(width).zip(rows) {
            out.copy_from_slice(row);
        }
        channels.clear();
        Ok(())
    }
}
