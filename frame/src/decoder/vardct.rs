//! A VarDCT frame: its coefficients become samples group by group, and go straight into the rendering chain.

use super::frame::{FrameJob, ModularFrame, RenderFrame, Scene};
use super::integers::IntegerSample;
use super::output::Output;
use super::samples::{DecodedRows, ExtraChannels, ModularRows};
use crate::composition::Slots;
use crate::error::{Invalid, Result};
use crate::frame_header::MAX_PASSES;
use crate::geometry::Section;
use crate::modular::global::{GroupWorkspace, ModularGlobal, Tiles};
use crate::modular::sub_bitstream::ModularContext;
use crate::render::stages::Sigma;
use crate::render::{Extent, GroupInput, Origin, RowSource};
use crate::vardct::{PassGroup, SIGMA_VALUES, VarDctFrame};
use jxlake_entropy::BitReader;
use jxlake_util::{Axis, Buffer, Lease, Matrix2, Purpose, Scratch, Shape2};
use std::sync::{Mutex, PoisonError};

/// Memory for VarDCT frames, one after another.
#[derive(Default)]
pub(super) struct VarDctParts {
    pub(super) frame: VarDctFrame,
    /// One for each worker.
    pub(super) pass_groups: Scratch<PassGroup>,
    /// One for each group, where all groups are decoded before the first is rendered.
    kept: Vec<Mutex<PassGroup>>,
}

impl VarDctParts {
    /// Gives all leases back.
    pub(super) fn clear(&mut self) {
        self.frame.clear();
        self.kept.iter().for_each(|kept| lock(kept).give_back());
    }
}

impl std::fmt::Debug for VarDctParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VarDctParts").finish_non_exhaustive()
    }
}

/// Where the samples of the extra channels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExtraPlace {
    /// In LfGlobal, or there are none.
    Global,
    /// Each group can finish its own, which are in this pass.
    Groups(usize),
    /// In sections, to be put together before any can be shown.
    Sections,
}

impl ExtraPlace {
    pub(super) fn of<S: IntegerSample>(global: &ModularGlobal<S>) -> Self {
        if let Some(pass) = global.group_local() {
            return Self::Groups(pass);
        }
        let complete =
            global.channels().iter().all(|channel| channel.samples.is_some() || channel.shape.is_empty());
        if complete { Self::Global } else { Self::Sections }
    }
}

/// Decodes a VarDCT frame whose extra channels have samples of type `S`.
pub(super) fn decode<S: IntegerSample>(
    job: &FrameJob<'_>,
    scene: &mut Scene<'_>,
    modular: &mut ModularFrame<S>,
    output: &mut dyn Output,
) -> Result<()> {
    let decoded = decode_with_lf(job, scene, modular, output);
    // Later frames may want it too, and so does this one if it is decoded again with more of the file.
    if let (Some(frame), Some(slot)) = (scene.vardct.frame.take_lf_frame(), job.header.lf_source()) {
        scene.slots.lf[slot] = frame;
    }
    decoded
}

/// As [`decode`]; the frame keeps the LF frame if it uses one.
fn decode_with_lf<S: IntegerSample>(
    job: &FrameJob<'_>,
    scene: &mut Scene<'_>,
    ModularFrame { global, groups }: &mut ModularFrame<S>,
    output: &mut dyn Output,
) -> Result<()> {
    let Scene { tree, vardct, features, renderer, slots } = scene;
    let VarDctParts { frame, pass_groups, kept } = &mut **vardct;
    let mut bits = job.section(Section::LfGlobal);
    frame.begin(job.header, job.image, job.geometry);
    features.read(&mut bits, &job.features(slots))?;
    frame.read_lf_global(&mut bits)?;
    features.prepare(frame.correlation().into(), &job.features(slots))?;
    tree.read(&mut bits, job.image, job.header, job.geometry)?;
    let modular = job.modular(tree);
    global.read(&mut bits, job.header, &modular)?;
    let place = ExtraPlace::of(global);
    let extra = if place == ExtraPlace::Sections { Some(global.tiles(&modular)?) } else { None };

    let sections = Sections { job, modular: &modular, groups };
    sections.lf(frame, extra.as_ref(), slots, &mut bits)?;
    let sigma = BlockSigma::new(job, frame)?;
    let hf_bits = &mut job.section(Section::HfGlobal);
    frame.read_hf_global(if job.geometry.is_single_section() { &mut bits } else { hf_bits }, &modular)?;

    let frame = &*frame;
    let reader = GroupReader { job, modular: &modular, groups, frame, single_section: Mutex::new(bits) };
    if let Some(tiles) = &extra {
        reader.keep_all(kept, tiles)?;
    }
    drop(extra);
    if !matches!(place, ExtraPlace::Groups(_)) {
        global.finish(&modular, &job.context.threads)?;
    }
    let global = &*global;
    let bring = |group: usize, input: &mut GroupInput<'_>| {
        if place == ExtraPlace::Sections {
            let mut pass_group = lock(&kept[group]);
            reader.render(group, &pass_group, input)?;
            pass_group.give_back();
            return Ok(());
        }
        let mut pass_group = pass_groups.take();
        let mut bits = std::array::from_fn::<_, MAX_PASSES, _>(|pass| reader.bits(pass, group));
        let bits = &mut bits[..job.geometry.num_passes];
        reader.decode_and_render(group, bits, &mut pass_group, input)?;
        if let ExtraPlace::Groups(pass) = place
            && let Some(bits) = bits.get_mut(pass)
        {
            let mut workspace = groups.take();
            global.decode_group((pass, group), bits, &modular, &mut workspace)?;
            ExtraChannels::of(job).write(workspace.channels(), input)?;
            workspace.clear();
        }
        Ok(())
    };
    let rows = ModularRows::new(job, DecodedRows::Whole(global.channels()), frame.lf_dequantization());
    let sigma = match &sigma {
        Some(BlockSigma { indices, values }) => Sigma::Blocks { indices: indices.view(), values },
        None => Sigma::Constant(f32::NEG_INFINITY),
    };
    let extra = if matches!(place, ExtraPlace::Groups(_)) { Origin::Group } else { Origin::Rows };
    let source: Option<&dyn RowSource> = Some(&rows);
    let colour = Origin::Group;
    let rendering = RenderFrame { sigma, colour, extra, source, rows: None, bring: &bring, features };
    renderer.render(job, rendering, slots, output)
}

/// What decoding and rendering groups takes.
pub(super) struct GroupReader<'a, S: IntegerSample> {
    pub(super) job: &'a FrameJob<'a>,
    pub(super) modular: &'a ModularContext<'a>,
    pub(super) groups: &'a Scratch<GroupWorkspace<S>>,
    pub(super) frame: &'a VarDctFrame,
    /// Where the only group begins, if the frame has a single section.
    pub(super) single_section: Mutex<BitReader<'a>>,
}

impl<S: IntegerSample> GroupReader<'_, S> {
    fn bits(&self, pass: usize, group: usize) -> BitReader<'_> {
        if self.job.geometry.is_single_section() {
            return lock(&self.single_section).clone();
        }
        self.job.section(Section::PassGroup { pass, group })
    }

    /// Decodes all passes of a group; `modular` reads what follows the coefficients in each.
    pub(super) fn decode(
        &self,
        group: usize,
        pass_group: &mut PassGroup,
        mut modular: impl FnMut(usize, &mut BitReader<'_>) -> Result<()>,
    ) -> Result<()> {
        self.frame.begin_group(group, self.modular.pool, pass_group)?;
        for pass in 0..self.job.geometry.num_passes {
            let mut bits = self.bits(pass, group);
            self.frame.decode_pass_group(pass, &mut bits, self.modular.level, pass_group)?;
            modular(pass, &mut bits)?;
        }
        Ok(())
    }

    /// Decodes all groups, each into its own place, because extra channels must be complete before the first is rendered.
    fn keep_all(&self, kept: &mut Vec<Mutex<PassGroup>>, tiles: &Tiles<'_, S>) -> Result<()> {
        let count = self.job.geometry.num_groups();
        if kept.len() < count {
            kept.resize_with(count, Mutex::default);
        }
        self.job.context.threads.run(count, |group| {
            self.decode(group, &mut lock(&kept[group]), |pass, bits| {
                tiles.decode(Section::PassGroup { pass, group }, bits, self.modular, &mut self.groups.take())
            })
        })
    }

    /// Decodes the coefficients of a group, whose passes begin at `bits`, and writes its samples to its place in the chain.
    fn decode_and_render(
        &self,
        group: usize,
        bits: &mut [BitReader<'_>],
        pass_group: &mut PassGroup,
        input: &mut GroupInput<'_>,
    ) -> Result<()> {
        let mut colour = input.channels([0, 1, 2], Extent::Padded)?;
        let ModularContext { pool, level, .. } = *self.modular;
        self.frame.decode_and_render_group(group, bits, pass_group, &mut colour, (pool, level))?;
        self.job.context.watch.step()
    }

    /// Writes the samples of a group to its place in the chain.
    fn render(&self, group: usize, pass_group: &PassGroup, input: &mut GroupInput<'_>) -> Result<()> {
        let mut colour = input.channels([0, 1, 2], Extent::Padded)?;
        self.frame.render_group(group, pass_group, &mut colour, self.modular.pool, self.modular.level)?;
        self.job.context.watch.step()
    }
}

/// What decoding the sections of LF groups takes.
pub(super) struct Sections<'a, S: IntegerSample> {
    pub(super) job: &'a FrameJob<'a>,
    pub(super) modular: &'a ModularContext<'a>,
    pub(super) groups: &'a Scratch<GroupWorkspace<S>>,
}

impl<S: IntegerSample> Sections<'_, S> {
    /// Decodes all LF groups and makes the LF image, or takes it from an LF frame.
    fn lf(
        &self,
        frame: &mut VarDctFrame,
        extra: Option<&Tiles<'_, S>>,
        slots: &mut Slots,
        bits: &mut BitReader<'_>,
    ) -> Result<()> {
        self.lf_groups(frame, extra, bits)?;
        let Some(slot) = self.job.header.lf_source() else {
            return frame.finish_lf();
        };
        match slots.lf.get_mut(slot).filter(|lf| lf.channels() >= 3) {
            Some(lf) => frame.set_lf_frame(lf),
            None => Err(Invalid::LfFrameMissing { level: slot as u32 + 1 }.into()),
        }
    }

    /// Decodes all LF groups. `bits` is where the only one begins, if the frame has a single section.
    pub(super) fn lf_groups(
        &self,
        frame: &VarDctFrame,
        extra: Option<&Tiles<'_, S>>,
        bits: &mut BitReader<'_>,
    ) -> Result<()> {
        let Self { job, modular, groups } = self;
        let decode = |lf_group: usize, bits: &mut BitReader<'_>| {
            frame.decode_lf_group(lf_group, bits, modular, |bits| match extra {
                Some(tiles) => tiles.decode(Section::LfGroup(lf_group), bits, modular, &mut groups.take()),
                None => Ok(()),
            })
        };
        if job.geometry.is_single_section() {
            return decode(0, bits);
        }
        job.context.threads.run(job.geometry.num_lf_groups(), |lf_group| {
            decode(lf_group, &mut job.section(Section::LfGroup(lf_group)))
        })
    }
}

/// The strength of the edge-preserving filter for each block of a frame; see [`Sigma::Blocks`].
struct BlockSigma {
    indices: Lease<Matrix2<u16>>,
    values: Lease<Buffer<f32>>,
}

impl BlockSigma {
    /// `None` if the frame has no such filter.
    fn new(job: &FrameJob<'_>, frame: &VarDctFrame) -> Result<Option<Self>> {
        let (filter, pool) = (&job.header.restoration_filter, &job.context.pool);
        if filter.epf_iters == 0 {
            return Ok(None);
        }
        let mut values = pool.buffer(Purpose::Filter, SIGMA_VALUES)?;
        for (value, sigma) in values.iter_mut().zip(frame.sigma_values(filter)) {
            *value = Sigma::reciprocal(sigma);
        }
        let blocks = job.geometry.blocks;
        let shape = Shape2::new(blocks.height as usize, blocks.width as usize);
        let mut indices = pool.matrix2(Purpose::Filter, shape)?;
        let side = Axis::Every(job.geometry.group_dim);
        let tiles = indices.view_mut().into_grid(pool, side, side)?;
        for lf_group in 0..job.geometry.num_lf_groups() {
            let (column, row) = job.geometry.lf_group_position(lf_group);
            if let Some(tile) = tiles.take(row, column) {
                frame.fill_sigma(lf_group, tile)?;
            }
        }
        drop(tiles);
        Ok(Some(Self { indices, values }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
