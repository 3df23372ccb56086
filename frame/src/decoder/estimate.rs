//! How much memory a codestream will take, known from its headers.

use super::canvas::BlendingTable;
use super::chain::{self, Chain, Given};
use super::frame::{Bring, FrameJob, RenderFrame};
use super::integers::{self, IntegerSample};
use super::{Codestream, Context, Showing};
use crate::composition::{SavedFrame, Slots};
use crate::error::Result;
use crate::features::Features;
use crate::frame_header::{Encoding, FrameHeader, FrameRole};
use crate::geometry::{FrameGeometry, Section};
use crate::image_header::{ImageHeader, Size};
use crate::modular::global::{ModularGlobal, ModularMemory};
use crate::modular::global_tree::GlobalTree;
use crate::render::stages::{Sigma, UpsamplingKernels};
use crate::render::{ChannelPlan, Origin, Plan};
use crate::toc::Toc;
use crate::vardct::{LfChannelDequantization, PART, SIGMA_VALUES, VarDctFrame, buffer_len};
use jxlake_entropy::BitReader;
use jxlake_util::{Pool, Shape2};

/// Bytes that decoding a frame takes from the pool, whole size classes, the picture's own memory not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameMemory {
    /// Whatever the number of workers.
    pub shared: u64,
    /// More for each worker.
    pub per_worker: u64,
    /// More for each worker but the first.
    pub per_further_worker: u64,
}

impl FrameMemory {
    /// Bytes with so many workers.
    pub fn with_workers(self, workers: usize) -> u64 {
        let workers = workers.max(1) as u64;
        let further = self.per_further_worker.saturating_mul(workers - 1);
        self.shared.saturating_add(self.per_worker.saturating_mul(workers)).saturating_add(further)
    }
}

/// What the estimates of frames work in, and what they found for each.
#[derive(Default)]
pub(super) struct Estimator {
    header: FrameHeader,
    toc: Toc,
    tree: GlobalTree,
    narrow: ModularGlobal<i16>,
    wide: ModularGlobal<i32>,
    vardct: VarDctFrame,
    features: Features,
    kernels: Option<UpsamplingKernels>,
    plan: Plan,
    channels: Vec<ChannelPlan>,
    blending: BlendingTable,
    /// Sizes of the frames that later frames may want; they have no samples.
    slots: Slots,
    frames: Vec<FrameMemory>,
}

impl std::fmt::Debug for Estimator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Estimator").field("frames", &self.frames).finish_non_exhaustive()
    }
}

impl Codestream {
    /// What each frame of the codestream takes from the pool, known from the headers of the frames and of their Modular images;
    /// no samples are decoded. Frames that are not in `data` are left out.
    ///
    /// # Errors
    ///
    /// Errors of the first frame's headers.
    pub fn memory(&mut self, data: &[u8], context: &Context) -> Result<&[FrameMemory]> {
        let Self { image, first_frame, estimator, .. } = self;
        estimator.frames.clear();
        estimator.slots.clear();
        let mut start = *first_frame;
        while let Some(begin) = start {
            let frame = data.get(begin..).unwrap_or_default();
            match estimator.frame(image, frame, context) {
                Ok((memory, length)) => {
                    estimator.frames.push(memory);
                    start = (!estimator.header.is_last).then_some(begin.saturating_add(length));
                }
                Err(error) if estimator.frames.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(&estimator.frames)
    }
}

impl Estimator {
    /// What the frame at the start of `data` takes, and its length in bytes.
    fn frame(&mut self, image: &ImageHeader, data: &[u8], context: &Context) -> Result<(FrameMemory, usize)> {
        let mut bits = BitReader::new(data);
        self.header.read(&mut bits, image, FrameRole::Main, &context.limits)?;
        let geometry = FrameGeometry::new(&self.header, &context.limits)?;
        self.toc.read(&mut bits, &geometry)?;
        let Self {
            header,
            toc,
            tree,
            narrow,
            wide,
            vardct,
            features,
            kernels,
            plan,
            channels,
            blending,
            slots,
            ..
        } = self;
        let job = FrameJob {
            data,
            image,
            header,
            geometry: &geometry,
            toc,
            counters: Default::default(),
            index: 0,
            showing: Showing::Composed,
            context,
        };
        let kernels = kernels.get_or_insert_with(|| UpsamplingKernels::new(&image.upsampling_weights));
        let mut parts = Parts { tree, vardct, features, kernels, plan, channels, blending, slots };
        let mut memory = match image.modular_16bit_buffers {
            true => parts.frame(&job, narrow)?,
            false => parts.frame(&job, wide)?,
        };
        // Claims of tiles and the like: small, and many.
        let small = 1024 + 4 * geometry.num_groups() as u64 + memory.shared / 128;
        let saved = parts.save(&job);
        memory.shared = memory.shared.saturating_add(saved).saturating_add(small);
        Ok((memory, toc.end() as usize))
    }
}

/// What an estimate works in, whatever the samples are.
struct Parts<'e> {
    tree: &'e mut GlobalTree,
    vardct: &'e mut VarDctFrame,
    features: &'e mut Features,
    kernels: &'e UpsamplingKernels,
    plan: &'e mut Plan,
    channels: &'e mut Vec<ChannelPlan>,
    blending: &'e mut BlendingTable,
    slots: &'e mut Slots,
}

impl Parts<'_> {
    /// What a frame takes beside those that are saved.
    fn frame<S: IntegerSample>(
        &mut self,
        job: &FrameJob<'_>,
        global: &mut ModularGlobal<S>,
    ) -> Result<FrameMemory> {
        let is_vardct = job.header.encoding == Encoding::VarDct;
        let mut bits = job.section(Section::LfGlobal);
        self.features.read(&mut bits, &job.features(self.slots))?;
        if is_vardct {
            self.vardct.begin(job.header, job.image, job.geometry);
            self.vardct.read_lf_global(&mut bits)?;
        } else {
            LfChannelDequantization::read(&mut bits)?;
        }
        self.tree.read(&mut bits, job.image, job.header, job.geometry)?;
        let modular = job.modular(self.tree);
        global.read_plan(&mut bits, job.header, &modular)?;
        let ModularMemory { planes, undo, per_worker, per_further_worker } =
            global.memory(job.header, job.geometry);
        let window =
            if modular.tree.tree().is_some_and(|tree| tree.codes().uses_lz77()) { WINDOW } else { 0 };
        let per_worker = per_worker + window + PALETTES;
        let mut memory = FrameMemory { shared: planes, per_worker, per_further_worker };
        if !is_vardct && integers::can_show(job) {
            memory.shared += undo;
            return Ok(memory);
        }
        let [waiting, rendering, early] = self.rendering(job, global.group_local().is_some())?;
        memory.per_further_worker += early;
        if is_vardct {
            let frame = vardct(job, global.group_local().is_none() && planes > 0);
            memory.shared += undo + waiting + frame.shared;
            memory.per_worker += rendering + frame.per_worker;
        } else {
            // Tiles, then transforms, then rendering: the planes stay, the rest comes one after the other.
            memory.shared += undo.max(waiting);
            memory.per_worker = memory.per_worker.max(rendering);
        }
        Ok(memory)
    }

    /// What rendering takes; see [`Plan::memory`].
    fn rendering(&mut self, job: &FrameJob<'_>, extra_in_groups: bool) -> Result<[u64; 3]> {
        let Self { features, kernels, plan, channels, blending, slots, .. } = self;
        let is_vardct = job.header.encoding == Encoding::VarDct;
        blending.read(job.image, job.header);
        let sigma = Sigma::Constant(-1.0);
        let given = Given { sigma, kernels, features, slots, roles: &blending.roles };
        let chain = Chain::new(job, job.destinations(), given)?;
        let (stages, used) = chain.stages();
        let colour = if is_vardct { Origin::Group } else { Origin::Rows };
        let extra = if is_vardct && extra_in_groups { Origin::Group } else { Origin::Rows };
        let bring: &Bring<'_> = &|_, _| Ok(());
        let frame = RenderFrame { sigma, colour, extra, source: None, rows: None, bring, features };
        chain::channel_plans(job, &frame, channels);
        plan.build(chain::frame_shape(job, &frame), channels, &stages[..used])?;
        Ok(plan.memory())
    }

    /// Puts the frame where its header says; bytes of all frames that are held while this one is decoded.
    fn save(&mut self, job: &FrameJob<'_>) -> u64 {
        let held = |slots: &Slots| -> u64 {
            slots
                .reference
                .iter()
                .chain(&slots.lf)
                .filter(|slot| !slot.is_empty())
                .map(SavedFrame::bytes)
                .sum()
        };
        let mut bytes = held(self.slots);
        let (destinations, channels) = (job.destinations(), job.channels());
        let before = SavedFrame::announced(channels, job.geometry.upsampled, true);
        let canvas = SavedFrame::announced(channels, job.image.size, false);
        bytes += if destinations.before { before.bytes() } else { 0 };
        bytes += if destinations.after { canvas.bytes() } else { 0 };
        if destinations.before {
            self.slots.store(job.header, before);
        } else if job.header.can_be_referenced() {
            self.slots.store(job.header, canvas);
        }
        bytes
    }
}

/// Bytes of the palettes of a group, which its own header announces.
const PALETTES: u64 = 8 << 10;

/// Bytes of a window for copies that holds the integers of a group.
const WINDOW: u64 = 1 << 20;

/// What a VarDCT frame takes besides its Modular channels and its rendering. If groups are `kept`, all are decoded before the
/// first is rendered.
fn vardct(job: &FrameJob<'_>, kept: bool) -> FrameMemory {
    let geometry = job.geometry;
    let shape = |size: Size| Shape2::new(size.height as usize, size.width as usize);
    let sigma = match job.header.restoration_filter.epf_iters {
        0 => 0,
        _ => Pool::bytes_of::<u16>(shape(geometry.blocks)) + Pool::bytes_of_buffer::<f32>(SIGMA_VALUES),
    };
    let (mut lf_samples, mut maps, mut metadata) = (0, 0, 0);
    for lf_group in 0..geometry.num_lf_groups() {
        let blocks = geometry.lf_group_blocks(lf_group).shape();
        let stacked = |planes: usize| Shape2::new(planes * blocks.rows, blocks.cols);
        maps += Pool::bytes_of::<u8>(stacked(4));
        if job.header.lf_source().is_none() {
            lf_samples += (0..3)
                .map(|c| Shape2::new(blocks.rows >> geometry.vshift[c], blocks.cols >> geometry.hshift[c]))
                .map(Pool::bytes_of::<i16>)
                .sum::<u64>();
        }
        metadata = metadata.max(
            Pool::bytes_of::<i16>(blocks)
                + Pool::bytes_of::<i16>(Shape2::new(2, blocks.elements().unwrap_or(0) / 4)),
        );
    }
    // Which transforms are used is not known yet: the largest that fits.
    let longest = |blocks: u32| 1 << (8 * blocks.clamp(1, 32)).ilog2();
    let transform = buffer_len(longest(geometry.blocks.width) * longest(geometry.blocks.height));
    let side = geometry.group_dim as u32 / 8;
    let most_blocks = side.min(geometry.blocks.width) * side.min(geometry.blocks.height);
    let of_group = 3 * 64 * most_blocks as usize;
    // Without need to keep them as much as the largest transform has, or a part.
    let coefficients = if kept { of_group } else { of_group.max(3 * PART) };
    // What a worker takes more for coefficients that do not fit 16 bits is less than the largest transform, and hardly a
    // file has both.
    let coefficients = match kept || job.header.passes.num_passes() > 1 {
        true => Pool::bytes_of_buffer::<i32>(coefficients),
        false => Pool::bytes_of_buffer::<i16>(coefficients),
    };
    let groups = if kept { geometry.num_groups() as u64 } else { 0 };
    let per_worker = if kept { 0 } else { coefficients }
        + Pool::bytes_of_buffer::<f32>(VarDctFrame::lf_tile_len(geometry))
        + Pool::bytes_of_buffer::<f32>(transform);
    FrameMemory {
        shared: sigma + lf_samples + maps + coefficients.saturating_mul(groups),
        // Each worker has given back the metadata of LF groups before it begins the first group.
        per_worker: per_worker.max(metadata),
        per_further_worker: 0,
    }
}
