//! The chain of stages that a frame's header asks for.

use super::delivery::{DeliveryStage, NOT_CONVERTIBLE, associated_alpha};
use super::frame::{FrameJob, GroupRows, RenderFrame};
use crate::colour::{Curve, EncodingConversion, LinearTarget, Transfer, XybToLinear, output_encoding_of_xyb};
use crate::composition::{COLOUR_CHANNELS, ExtraChannelRole, Slots};
use crate::error::{Error, Invalid, Result};
use crate::features::{AddNoise, ConvolveNoise, DrawPatches, DrawSplines, Features};
use crate::frame_header::FrameType;
use crate::image_header::{ColourEncoding, ColourSpace, ExtraChannelKind, ImageHeader, TransferFunction};
use crate::render::stages::{
    ChromaUpsamplingHorizontal, ChromaUpsamplingVertical, EdgePreservingFilter, EpfParameters, EpfStep,
    Gaborish, Sigma, Upsampled, Upsampling, UpsamplingKernels, XybScaling, XybToRgb, YcbcrToRgb,
};
use crate::render::{ChannelPlan, FrameShape, Origin, PointRows, PointStage, Shift, Stage, WindowStage};

/// Most stages and taps a chain can have.
const MAX_STAGES: usize = 20;

/// What is done with the rows of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Destinations {
    /// They are saved as they are before the colour transform.
    pub(super) before: bool,
    /// They are saved, or blended onto the canvas, in the delivered encoding.
    pub(super) after: bool,
    /// They are shown as they come out of the chain.
    pub(super) shown: bool,
}

/// What the stages of a frame work with, besides its header.
#[derive(Clone, Copy)]
pub(super) struct Given<'f> {
    /// How strongly the edge-preserving filter, if there is one, smooths.
    pub(super) sigma: Sigma<'f>,
    pub(super) kernels: &'f UpsamplingKernels,
    pub(super) features: &'f Features,
    /// Where patches are taken from.
    pub(super) slots: &'f Slots,
    /// Roles of the extra channels.
    pub(super) roles: &'f [ExtraChannelRole],
}

/// The stages of a frame, in their order.
pub(super) struct Chain<'f> {
    chroma_horizontal: Option<ChromaUpsamplingHorizontal>,
    chroma_vertical: Option<ChromaUpsamplingVertical>,
    gaborish: Option<Gaborish>,
    epf: [Option<EdgePreservingFilter<'f>>; 3],
    early_upsampling: Option<Upsampling<'f>>,
    patches: Option<DrawPatches<'f>>,
    splines: Option<DrawSplines<'f>>,
    upsampling: Option<Upsampling<'f>>,
    noise: Option<(ConvolveNoise, AddNoise)>,
    colour: Option<ColourTransform>,
    spot: Option<SpotColours<'f>>,
    delivery: Option<DeliveryStage<'f>>,
    destinations: Destinations,
}

/// From the coded colour space to the delivered encoding.
#[derive(Debug, Clone, Copy)]
enum ColourTransform {
    Xyb(XybToRgb),
    Scaled(XybScaling),
    Ycbcr(YcbcrToRgb),
}

impl<'f> Chain<'f> {
    /// The chain of a frame.
    pub(super) fn new(job: &FrameJob<'f>, destinations: Destinations, given: Given<'f>) -> Result<Self> {
        let Given { sigma, kernels, features, slots, roles } = given;
        let (header, image) = (job.header, job.image);
        let filter = &header.restoration_filter;
        let frame_shift = header.upsampling.trailing_zeros() as u8;
        let subsampled = !header.subsampling.is_none();
        let step = |used: bool, step, step_scale| {
            let parameters = EpfParameters {
                channel_scale: filter.epf_channel_scale,
                step_scale,
                border_scale: filter.epf_border_sad_mul,
            };
            used.then(|| EdgePreservingFilter::new(step, parameters, sigma)).transpose()
        };
        let epf = [
            step(filter.epf_iters >= 3, EpfStep::Zero, filter.epf_pass0_sigma_scale)?,
            step(filter.epf_iters >= 1, EpfStep::One, 1.0)?,
            step(filter.epf_iters >= 2, EpfStep::Two, filter.epf_pass2_sigma_scale)?,
        ];
        let channels = COLOUR_CHANNELS + image.extra_channels.len();
        let late = header.extra_upsampling.iter().all(|&factor| factor == header.upsampling);
        let early = !late && header.extra_upsampling.iter().any(|&factor| factor > 1);
        let upsampling = |channels| Upsampling { kernels, channels };
        let spot = if destinations.shown { SpotColours::of(job) } else { None };
        let (colour, delivery) = match destinations {
            Destinations { shown: true, after: false, .. } if spot.is_none() => straight_to_delivery(job)?,
            Destinations { shown: true, .. } => (ColourTransform::of(job)?, DeliveryStage::of(job)?),
            Destinations { after: true, .. } => (ColourTransform::of(job)?, None),
            _ => (None, None),
        };
        Ok(Self {
            chroma_horizontal: subsampled.then_some(ChromaUpsamplingHorizontal { frame_shift }),
            chroma_vertical: subsampled.then_some(ChromaUpsamplingVertical { frame_shift }),
            gaborish: filter.gab.then(|| Gaborish::new(filter.gab_weights)),
            epf,
            early_upsampling: early.then(|| upsampling(Upsampled::Channels(COLOUR_CHANNELS, channels))),
            patches: features.patches(slots, roles),
            splines: features.splines(),
            upsampling: (header.upsampling > 1)
                .then(|| upsampling(if late { Upsampled::All } else { Upsampled::Colour })),
            noise: features.noise(channels),
            colour,
            spot,
            delivery,
            destinations,
        })
    }

    /// The stages as the executors take them.
    pub(super) fn stages(&'f self) -> ([Stage<'f>; MAX_STAGES], usize) {
        let mut stages = [Stage::Tap; MAX_STAGES];
        let mut count = 0;
        let mut push = |stage: Option<Stage<'f>>| {
            if let Some(stage) = stage {
                stages[count] = stage;
                count += 1;
            }
        };
        fn window<'f, W: WindowStage>(stage: &'f Option<W>) -> Option<Stage<'f>> {
            stage.as_ref().map(|stage| Stage::Window(stage))
        }
        push(window(&self.chroma_horizontal));
        push(window(&self.chroma_vertical));
        push(window(&self.gaborish));
        self.epf.iter().for_each(|step| push(window(step)));
        push(window(&self.early_upsampling));
        push(self.patches.as_ref().map(|stage| Stage::Point(stage)));
        push(self.splines.as_ref().map(|stage| Stage::Point(stage)));
        push(window(&self.upsampling));
        push(self.noise.as_ref().map(|(convolve, _)| Stage::Window(convolve)));
        push(self.noise.as_ref().map(|(_, add)| Stage::Point(add)));
        push(self.destinations.before.then_some(Stage::Tap));
        push(self.colour.as_ref().map(|colour| match colour {
            ColourTransform::Xyb(stage) => Stage::Point(stage),
            ColourTransform::Scaled(stage) => Stage::Point(stage),
            ColourTransform::Ycbcr(stage) => Stage::Point(stage),
        }));
        push(self.destinations.after.then_some(Stage::Tap));
        push(self.spot.as_ref().map(|stage| Stage::Point(stage)));
        push(self.delivery.as_ref().map(|stage| Stage::Point(stage)));
        (stages, count)
    }
}

impl ColourTransform {
    fn of(job: &FrameJob<'_>) -> Result<Option<Self>> {
        if job.header.do_ycbcr {
            return Ok(Some(Self::Ycbcr(YcbcrToRgb)));
        }
        if !job.image.xyb_encoded {
            return Ok(None);
        }
        let target = output_encoding_of_xyb(&job.image.colour_encoding);
        xyb_to(job.image, &target).map(|stage| Some(Self::Xyb(stage)))
    }
}

/// The colour transform of a frame whose samples are not needed in the image's own encoding: XYB goes to the delivered
/// one at once, unless its colours are multiplied by alpha, which they are in their own encoding.
fn straight_to_delivery<'f>(
    job: &FrameJob<'f>,
) -> Result<(Option<ColourTransform>, Option<DeliveryStage<'f>>)> {
    let delivery = &job.context.delivery;
    let (true, false, Some(target)) = (job.image.xyb_encoded, job.header.do_ycbcr, &delivery.encoding) else {
        return Ok((ColourTransform::of(job)?, DeliveryStage::of(job)?));
    };
    if target.colour_space == ColourSpace::Xyb {
        return Ok((Some(ColourTransform::Scaled(XybScaling)), None));
    }
    if associated_alpha(job.image).is_some() {
        return Ok((ColourTransform::of(job)?, DeliveryStage::of(job)?));
    }
    let mut linear =
        xyb_to(job.image, &ColourEncoding { transfer_function: TransferFunction::Linear, ..*target })?;
    let encoding =
        EncodingConversion::of_linear(target, &delivery.light(job.image)).ok_or(NOT_CONVERTIBLE)?;
    let after = delivery.after.as_deref();
    let mut stage = DeliveryStage { before: None, encoding: Some(encoding), after, alpha: None };
    if let Some(transfer) = encoding.only_encoding() {
        linear.transfer = transfer;
        stage.encoding = None;
    }
    let stage = (stage.encoding.is_some() || after.is_some()).then_some(stage);
    Ok((Some(ColourTransform::Xyb(linear)), stage))
}

/// The conversion of an image's XYB to an enumerated encoding.
fn xyb_to(image: &ImageHeader, target: &ColourEncoding) -> Result<XybToRgb> {
    const DEGENERATE: Error =
        Error::Invalid { what: Invalid::Value { field: "primaries", value: 0 }, bit: None };
    let intensity = image.tone_mapping.intensity_target;
    let light = LinearTarget::of(target).ok_or(DEGENERATE)?;
    let linear = XybToLinear::new(&image.opsin_inverse_matrix, &light, intensity).ok_or(DEGENERATE)?;
    let luminances = light.luminances().ok_or(DEGENERATE)?.map(|v| v as f32);
    let transfer = Curve::of(target.transfer_function, intensity)
        .filter(|&curve| curve != Curve::Linear)
        .map(|curve| Transfer::new(curve, luminances, intensity));
    Ok(XybToRgb { linear, transfer })
}

/// The finished frame and its groups.
pub(super) fn frame_shape(job: &FrameJob<'_>, frame: &RenderFrame<'_>) -> FrameShape {
    let size = job.geometry.upsampled;
    FrameShape {
        width: size.width as usize,
        height: size.height as usize,
        group_size: job.geometry.group_dim * job.header.upsampling as usize,
        behind: frame.rows.map_or(0, GroupRows::behind),
    }
}

/// The channels as they enter the chain: colour, extra channels, random numbers for noise.
pub(super) fn channel_plans(job: &FrameJob<'_>, frame: &RenderFrame<'_>, plans: &mut Vec<ChannelPlan>) {
    let RenderFrame { colour, extra, .. } = *frame;
    let upsampling = job.header.upsampling.trailing_zeros();
    plans.clear();
    plans.extend((0..COLOUR_CHANNELS).map(|channel| ChannelPlan {
        shift: Shift {
            horizontal: (upsampling + job.geometry.hshift[channel]) as u8,
            vertical: (upsampling + job.geometry.vshift[channel]) as u8,
        },
        origin: colour,
    }));
    plans.extend(
        job.header
            .extra_upsampling
            .iter()
            .map(|factor| ChannelPlan { shift: Shift::both(factor.trailing_zeros() as u8), origin: extra }),
    );
    if frame.features.has_noise() {
        plans.extend([ChannelPlan { shift: Shift::both(0), origin: Origin::Group }; 3]);
    }
}

/// Spot colours, mixed into the picture in the order of their channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpotColours<'f> {
    image: &'f ImageHeader,
}

impl<'f> SpotColours<'f> {
    /// The spot colours of a frame that is shown; `None` if it has none or the caller does not want them.
    pub(super) fn of(job: &FrameJob<'f>) -> Option<Self> {
        let spots = Self { image: job.image };
        let wanted = job.context.spot_colours && job.header.frame_type != FrameType::Lf;
        (wanted && spots.channels().next().is_some()).then_some(spots)
    }

    /// Index among the extra channels, colour and solidity of each.
    fn channels(self) -> impl Iterator<Item = (usize, [f32; 3], f32)> + use<'f> {
        self.image.extra_channels.iter().enumerate().filter_map(|(extra, channel)| match channel.kind {
            ExtraChannelKind::SpotColour { rgb, solidity } => Some((extra, rgb, solidity)),
            _ => None,
        })
    }

    /// Mixes the spot colours into a row of all channels, `width` samples each, one channel after the other.
    pub(super) fn mix(self, samples: &mut [f32], width: usize) {
        let Some((colour, extra)) = samples.split_at_mut_checked(COLOUR_CHANNELS * width) else { return };
        for (index, rgb, solidity) in self.channels() {
            let Some(spot) = extra.get(index * width..(index + 1) * width) else { continue };
            for (row, ink) in colour.chunks_exact_mut(width.max(1)).zip(rgb) {
                mix_row(row, spot, ink, solidity);
            }
        }
    }
}

fn mix_row(row: &mut [f32], spot: &[f32], ink: f32, solidity: f32) {
    for (sample, amount) in row.iter_mut().zip(spot) {
        let mix = solidity * amount;
        *sample = mix * ink + (1.0 - mix) * *sample;
    }
}

impl PointStage for SpotColours<'_> {
    fn name(&self) -> &'static str {
        "spot colours"
    }

    fn touches(&self, channel: usize) -> bool {
        channel < COLOUR_CHANNELS || self.channels().any(|(extra, ..)| COLOUR_CHANNELS + extra == channel)
    }

    fn run(&self, rows: &mut PointRows<'_>) -> Result<()> {
        for (extra, rgb, solidity) in self.channels() {
            for (channel, ink) in rgb.into_iter().enumerate() {
                let [row, spot] = rows.rows([channel, COLOUR_CHANNELS + extra])?;
                mix_row(row, spot, ink, solidity);
            }
        }
        Ok(())
    }
}
