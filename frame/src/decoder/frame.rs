//! One frame: its sections are decoded and what they hold is saved, blended, shown.

use super::banded::BandedSections;
use super::canvas::{self, BlendingTable};
use super::chain::{self, Chain, Destinations, Given};
use super::consumer::{Destination, FrameConsumer};
use super::integers::{self, IntegerSample};
use super::jpeg;
use super::output::{DisplayedFrame, Output, Partition};
use super::samples::{DecodedRows, ModularRows};
use super::vardct::{self, VarDctParts};
use crate::composition::{Blending, COLOUR_CHANNELS, FrameCounters, SavedFrame, Slots};
use crate::decoder::{Context, Showing};
use crate::error::{Error, Result};
use crate::features::{BaseCorrelation, FeatureContext, Features, NoiseCells};
use crate::frame_header::{Encoding, FrameHeader, FrameType};
use crate::geometry::{FrameGeometry, Section};
use crate::image_header::{ImageHeader, UpsamplingWeights};
use crate::modular::channel::Sample;
use crate::modular::global::{GroupWorkspace, ModularGlobal};
use crate::modular::global_tree::GlobalTree;
use crate::modular::sub_bitstream::ModularContext;
use crate::render::oracle;
use crate::render::stages::{Sigma, UpsamplingKernels};
use crate::render::{ChannelPlan, GroupInput, Origin, Plan, RenderJob, RowSource, StreamingState};
use crate::toc::Toc;
use crate::vardct::{JpegCoefficients, LfChannelDequantization};
use jxlake_entropy::BitReader;
use jxlake_util::{Axis, Rect, Scratch};

/// A frame to be decoded, with what it depends on.
pub(super) struct FrameJob<'f> {
    /// The bytes of the frame, its header included.
    pub(super) data: &'f [u8],
    pub(super) image: &'f ImageHeader,
    pub(super) header: &'f FrameHeader,
    pub(super) geometry: &'f FrameGeometry,
    pub(super) toc: &'f Toc,
    pub(super) counters: FrameCounters,
    /// Number of displayed frames before this one.
    pub(super) index: u64,
    pub(super) showing: Showing,
    pub(super) context: &'f Context,
}

impl<'f> FrameJob<'f> {
    /// A reader of the bytes of a section.
    pub(super) fn section(&self, section: Section) -> BitReader<'f> {
        BitReader::new(self.data.get(self.toc.section(section)).unwrap_or_default())
    }

    /// What its modular sub-bitstreams are decoded with.
    pub(super) fn modular<'a>(&'a self, tree: &'a GlobalTree) -> ModularContext<'a> {
        ModularContext {
            tree,
            geometry: self.geometry,
            bit_depth: self.image.bit_depth.bits_per_sample(),
            limits: &self.context.limits,
            pool: &self.context.pool,
            level: self.context.level,
        }
    }

    /// What its features depend on.
    pub(super) fn features<'a>(&'a self, slots: &'a Slots) -> FeatureContext<'a> {
        FeatureContext {
            image: self.image,
            header: self.header,
            geometry: self.geometry,
            slots,
            limits: &self.context.limits,
            pool: &self.context.pool,
        }
    }

    /// Number of channels that later stages see: three of colour, and the extra ones.
    pub(super) fn channels(&self) -> usize {
        COLOUR_CHANNELS + self.image.extra_channels.len()
    }

    /// The frame as its output is told of it.
    pub(super) fn displayed(&self) -> DisplayedFrame<'f> {
        let size = match self.showing {
            Showing::Composed => self.image.size,
            Showing::Layers => self.geometry.upsampled,
        };
        DisplayedFrame { image: self.image, header: self.header, size, index: self.index }
    }

    /// Whether the frame's own pixels are those that are shown: nothing below it shows through, or shall.
    pub(super) fn shown_directly(&self) -> bool {
        self.showing.shows(self.header) && (self.showing == Showing::Layers || !self.header.needs_blending())
    }

    /// Whether the canvas is shown, onto which the frame is blended.
    fn shown_composed(&self) -> bool {
        self.showing == Showing::Composed && self.header.visible() && self.header.needs_blending()
    }

    pub(super) fn destinations(&self) -> Destinations {
        let header = self.header;
        let saved = header.can_be_referenced();
        Destinations {
            before: header.frame_type == FrameType::Lf || (saved && header.save_before_colour_transform),
            after: self.shown_composed() || (saved && !header.save_before_colour_transform),
            shown: self.shown_directly(),
        }
    }
}

/// Memory for decoding frames, one after another.
#[derive(Debug, Default)]
pub(super) struct FrameDecoder {
    tree: GlobalTree,
    narrow: ModularFrame<i16>,
    wide: ModularFrame<i32>,
    vardct: VarDctParts,
    features: Features,
    renderer: Renderer,
}

/// Memory for the modular image of a frame.
#[derive(Debug, Default)]
pub(super) struct ModularFrame<S: Sample> {
    pub(super) global: ModularGlobal<S>,
    pub(super) groups: Scratch<GroupWorkspace<S>>,
}

impl FrameDecoder {
    /// Decodes a frame, shows it if it is to be shown, and stores it if later frames may want it.
    pub(super) fn decode(
        &mut self,
        job: &FrameJob<'_>,
        slots: &mut Slots,
        output: &mut dyn Output,
    ) -> Result<()> {
        let Self { tree, narrow, wide, vardct, features, renderer } = self;
        job.context.watch.begin(job.geometry.num_groups() * job.geometry.num_passes);
        let mut scene = Scene { tree, vardct, features, renderer, slots };
        if job.image.modular_16bit_buffers {
            match scene.decode(job, narrow, output) {
                Err(Error::SampleOverflow) => {}
                decoded => return decoded,
            }
        }
        scene.decode(job, wide, output)
    }

    /// Decodes the coefficients of a frame that was a JPEG.
    pub(super) fn decode_jpeg(
        &mut self,
        job: &FrameJob<'_>,
        slots: &mut Slots,
        coefficients: &mut JpegCoefficients,
    ) -> Result<()> {
        let Self { tree, wide, vardct, features, renderer, .. } = self;
        job.context.watch.begin(job.geometry.num_groups());
        let mut scene = Scene { tree, vardct, features, renderer, slots };
        jpeg::decode(job, &mut scene, wide, coefficients)
    }

    /// Gives back what a frame that could not be decoded has left.
    pub(super) fn clear(&mut self) {
        self.narrow.global.clear();
        self.wide.global.clear();
        self.vardct.clear();
        self.features.clear();
        self.renderer.clear();
    }
}

/// What decoding a frame works in, whatever its samples are.
pub(super) struct Scene<'s> {
    pub(super) tree: &'s mut GlobalTree,
    pub(super) vardct: &'s mut VarDctParts,
    pub(super) features: &'s mut Features,
    pub(super) renderer: &'s mut Renderer,
    pub(super) slots: &'s mut Slots,
}

impl Scene<'_> {
    /// Decodes a frame with modular samples of type `S`.
    fn decode<S: IntegerSample>(
        &mut self,
        job: &FrameJob<'_>,
        modular: &mut ModularFrame<S>,
        output: &mut dyn Output,
    ) -> Result<()> {
        let decoded = match job.header.encoding {
            Encoding::Modular => decode_modular(job, self, modular, output),
            Encoding::VarDct => vardct::decode(job, self, modular, output),
        };
        self.features.clear();
        decoded
    }
}

/// Decodes a Modular frame with samples of type `S`.
fn decode_modular<S: IntegerSample>(
    job: &FrameJob<'_>,
    scene: &mut Scene<'_>,
    ModularFrame { global, groups }: &mut ModularFrame<S>,
    output: &mut dyn Output,
) -> Result<()> {
    let Scene { tree, features, renderer, slots, .. } = scene;
    let mut bits = job.section(Section::LfGlobal);
    features.read(&mut bits, &job.features(slots))?;
    features.prepare(BaseCorrelation::default(), &job.features(slots))?;
    let factors = LfChannelDequantization::read(&mut bits)?;
    tree.read(&mut bits, job.image, job.header, job.geometry)?;
    let modular = job.modular(tree);
    global.read(&mut bits, job.header, &modular)?;
    if integers::can_show(job) {
        return integers::show(job, global, groups, &modular, bits, output);
    }
    let sigma = Sigma::Constant(Sigma::reciprocal(job.header.restoration_filter.epf_sigma_for_modular));
    let mut render = |source: &dyn RowSource, rows: Option<&dyn GroupRows>| {
        let (colour, extra) = (Origin::Rows, Origin::Rows);
        let (source, bring) = (Some(source), &|_: usize, _: &mut GroupInput<'_>| Ok(()));
        renderer.render(
            job,
            RenderFrame { sigma, colour, extra, source, rows, bring, features },
            slots,
            output,
        )
    };
    if !job.context.oracle
        && let Some(bands) = &global.bands(job.geometry)
    {
        let sections = BandedSections { job, bands, groups, modular: &modular };
        render(&ModularRows::new(job, DecodedRows::Bands(bands), &factors), Some(&sections))?;
    } else {
        decode_sections(job, global, groups, &modular, bits)?;
        render(&ModularRows::new(job, DecodedRows::Whole(global.channels()), &factors), None)?;
    }
    global.clear();
    Ok(())
}

/// Decodes all sections of a Modular frame behind LfGlobal and undoes the transforms of the whole frame.
pub(super) fn decode_sections<S: Sample>(
    job: &FrameJob<'_>,
    global: &mut ModularGlobal<S>,
    groups: &Scratch<GroupWorkspace<S>>,
    modular: &ModularContext<'_>,
    mut bits: BitReader<'_>,
) -> Result<()> {
    let geometry = job.geometry;
    let tiles = global.tiles(modular)?;
    if geometry.is_single_section() {
        let mut workspace = groups.take();
        tiles.decode(Section::LfGroup(0), &mut bits, modular, &mut workspace)?;
        tiles.decode(Section::PassGroup { pass: 0, group: 0 }, &mut bits, modular, &mut workspace)?;
    } else {
        let lf_groups = geometry.num_lf_groups();
        let sections = lf_groups + geometry.num_groups() * geometry.num_passes;
        job.context.threads.run(sections, |index| {
            let section = match index.checked_sub(lf_groups) {
                None => Section::LfGroup(index),
                Some(index) => {
                    let (pass, group) = (index / geometry.num_groups(), index % geometry.num_groups());
                    Section::PassGroup { pass, group }
                }
            };
            tiles.decode(section, &mut job.section(section), modular, &mut groups.take())?;
            if index < lf_groups { Ok(()) } else { job.context.watch.step() }
        })?;
    }
    drop(tiles);
    global.finish(modular, &job.context.threads)
}

/// What a frame brings to be rendered.
pub(super) struct RenderFrame<'f> {
    /// Strength of the edge-preserving filter.
    pub(super) sigma: Sigma<'f>,
    /// Where the colour channels come from.
    pub(super) colour: Origin,
    /// Where the extra channels come from.
    pub(super) extra: Origin,
    /// Gives the channels that groups do not bring.
    pub(super) source: Option<&'f dyn RowSource>,
    /// What decodes the rows that the source gives, if they are not there at once.
    pub(super) rows: Option<&'f dyn GroupRows>,
    /// Writes the samples of a group.
    pub(super) bring: &'f Bring<'f>,
    /// What is drawn onto the frame.
    pub(super) features: &'f Features,
}

/// Samples that are decoded row of groups by row of groups, while what is decoded is rendered.
pub(super) trait GroupRows: Sync {
    /// How many rows the samples that are there end above the row of groups that was decoded last.
    fn behind(&self) -> usize;

    /// Decodes all rows of groups, and hands the number of each to `show` when it is there; of those before, `kept` rows
    /// above its end stay there for the next one.
    fn decode(&self, kept: usize, show: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()>;
}

/// Writes the samples of a group, counted row by row, if groups bring any.
pub(super) type Bring<'f> = dyn Fn(usize, &mut GroupInput<'_>) -> Result<()> + Sync + 'f;

/// Memory for rendering frames, one after another.
#[derive(Debug, Default)]
pub(super) struct Renderer {
    plan: Plan,
    channels: Vec<ChannelPlan>,
    streaming: StreamingState,
    kernels: Option<Box<(UpsamplingWeights, UpsamplingKernels)>>,
    before: SavedFrame,
    canvas: SavedFrame,
    blending: BlendingTable,
    edges: Edges,
    saved: Scratch<Vec<f32>>,
}

/// Where the regions of a frame begin, and where the last one ends, in columns and rows of what they are saved to.
#[derive(Debug, Default)]
struct Edges {
    before: [Vec<usize>; 2],
    after: [Vec<usize>; 2],
}

/// Fills `edges` with the edges of the regions, as far as they reach the `length` samples from `start` on; each sample of
/// the frame takes `step` of them.
fn place_edges(edges: &mut Vec<usize>, regions: &[usize], [start, length, step]: [usize; 3]) {
    edges.clear();
    edges.extend(regions.iter().map(|&edge| (edge.clamp(start, start + length) - start) * step));
}

impl Renderer {
    /// Gives back what a frame that could not be rendered has left.
    fn clear(&mut self) {
        self.before.clear();
        self.canvas.clear();
    }

    /// Renders a frame.
    pub(super) fn render(
        &mut self,
        job: &FrameJob<'_>,
        frame: RenderFrame<'_>,
        slots: &mut Slots,
        output: &mut dyn Output,
    ) -> Result<()> {
        let Self { plan, channels, streaming, kernels, before, canvas, blending, edges, saved } = self;
        let Context { pool, threads, level, .. } = job.context;
        let destinations = job.destinations();
        let size = job.geometry.upsampled;
        let count = job.channels();
        let weights = &job.image.upsampling_weights;
        let kernels = match kernels {
            Some(kept) if kept.0 == *weights => kept,
            _ => kernels.insert(Box::new((weights.clone(), UpsamplingKernels::new(weights)))),
        };
        let kernels = &kernels.1;
        blending.read(job.image, job.header);
        let given =
            Given { sigma: frame.sigma, kernels, features: frame.features, slots, roles: &blending.roles };
        let chain = Chain::new(job, destinations, given)?;
        let (stages, used) = chain.stages();
        let stages = &stages[..used];
        chain::channel_plans(job, &frame, channels);
        let shape = chain::frame_shape(job, &frame);
        plan.build(shape, channels, stages)?;

        let whole = [size.width, size.height].map(|side| side as usize);
        let regions = [plan.column_edges(), plan.row_edges()];
        place_edges(&mut edges.before[0], regions[0], [0, whole[0], 1]);
        place_edges(&mut edges.before[1], regions[1], [0, whole[1], count]);
        let mut grid_before = None;
        if destinations.before {
            before.lease(pool, count, size, true)?;
            let [columns, rows] = &edges.before;
            let view = before.view_mut().ok_or(NO_MEMORY)?;
            grid_before = Some(view.into_grid(pool, Axis::Edges(rows), Axis::Edges(columns))?);
        }
        let mut grid_after = None;
        let mut part = Rect::new(0, 0, whole[0], whole[1]);
        if destinations.after {
            canvas.lease(pool, count, job.image.size, false)?;
            let mut start = [0, 0];
            if job.header.needs_blending() {
                canvas::fill_background(canvas, slots, job.header, job.context)?;
                (part, start) = canvas::part_on_canvas(job.header, size, job.image.size);
            }
            place_edges(&mut edges.after[0], regions[0], [part.x, part.width, 1]);
            place_edges(&mut edges.after[1], regions[1], [part.y, part.height, count]);
            let [columns, rows] = &edges.after;
            let view = canvas.view_mut().ok_or(NO_MEMORY)?;
            let view = view.into_sub(Rect::new(start[0], start[1] * count, part.width, part.height * count));
            grid_after = Some(view.into_grid(pool, Axis::Edges(rows), Axis::Edges(columns))?);
        }
        let blending = Blending { colour: blending.colour, extra: &blending.extra, roles: &blending.roles };
        let destination = |grid, part, blending| Destination { grid, channels: count, part, blending };
        let to_before = grid_before.map(|grid| destination(grid, Rect::new(0, 0, whole[0], whole[1]), None));
        let to_after =
            grid_after.map(|grid| destination(grid, part, job.header.needs_blending().then_some(blending)));
        let consumer =
            FrameConsumer { before: to_before.as_ref(), after: to_after.as_ref(), writer: None, saved };
        let noise =
            NoiseCells { counters: job.counters, side: job.geometry.group_dim, group_side: shape.group_size };
        let noise = frame.features.has_noise().then_some(noise);
        let bring: &Bring<'_> = &|group, input| {
            (frame.bring)(group, input)?;
            noise.map_or(Ok(()), |noise| noise.bring(count, input, *level))
        };
        let executor = streaming.begin(RenderJob { plan, stages, source: frame.source, pool, level: *level });
        let render = |consumer: &FrameConsumer<'_>| {
            if job.context.oracle {
                return oracle::run(&executor, channels, bring, consumer);
            }
            let submit = |group: usize| {
                let mut input = executor.lease_group(group)?;
                bring(group, &mut input)?;
                executor.submit(input, consumer)
            };
            match frame.rows {
                None => threads.run(job.geometry.num_groups(), submit),
                Some(rows) => rows.decode(plan.source_rows_kept(), &|row| {
                    let in_row = plan.groups()[0];
                    threads.run(in_row, |column| submit(row * in_row + column))
                }),
            }
        };
        if destinations.shown {
            let partition = Partition { columns: Axis::Edges(regions[0]), rows: Axis::Edges(regions[1]) };
            output.show(job.displayed(), partition, &mut |writer| {
                render(&FrameConsumer { writer: Some(writer), ..consumer })
            })?;
        } else {
            render(&consumer)?;
        }
        drop(executor);
        drop((to_before, to_after));

        if job.shown_composed() {
            output.show(job.displayed(), canvas::partition(job.image.size), &mut |writer| {
                canvas::show(canvas, job, threads, writer, saved)
            })?;
        }
        if destinations.before {
            slots.store(job.header, std::mem::take(before));
        } else if job.header.can_be_referenced() {
            slots.store(job.header, std::mem::take(canvas));
        }
        canvas.clear();
        Ok(())
    }
}

const NO_MEMORY: Error = Error::Misuse("no memory leased");
