//! Image features: patches, splines and noise, which are drawn onto the decoded samples of a frame.
//!
//! Their descriptions come first in LfGlobal. [`Features`] reads them and gives the stages that draw them.

mod draw_patches;
mod draw_splines;
mod fault;
mod noise;
mod noise_stages;
mod numbers;
mod patches;
mod spline_curve;
mod splines;
mod tiles;

pub use draw_patches::{DrawPatches, PatchRow};
pub use draw_splines::DrawSplines;
pub use fault::FeatureFault;
pub use noise::{NoiseCells, NoiseParameters};
pub use noise_stages::{AddNoise, ConvolveNoise};
pub use patches::PatchList;
pub use splines::SplineList;

use crate::composition::{ExtraChannelRole, Slots};
use crate::error::Result;
use crate::frame_header::FrameHeader;
use crate::geometry::FrameGeometry;
use crate::image_header::ImageHeader;
use crate::limits::Limits;
use crate::vardct::LfChannelCorrelation;
use jxlake_entropy::BitReader;
use jxlake_util::{Pool, Scratch};
use numbers::NumberCodes;

/// What the features of a frame depend on.
#[derive(Clone, Copy)]
pub struct FeatureContext<'a> {
    /// The header of the image.
    pub image: &'a ImageHeader,
    /// The header of the frame.
    pub header: &'a FrameHeader,
    /// The sizes of the frame.
    pub geometry: &'a FrameGeometry,
    /// The frames that patches are taken from.
    pub slots: &'a Slots,
    /// What a file may ask for.
    pub limits: &'a Limits,
    /// Where memory comes from.
    pub pool: &'a Pool,
}

/// How much of luma is in the chroma of what is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaseCorrelation {
    /// Of the second colour channel in the first.
    pub x: f32,
    /// Of the second colour channel in the third.
    pub b: f32,
}

impl From<&LfChannelCorrelation> for BaseCorrelation {
    fn from(correlation: &LfChannelCorrelation) -> Self {
        Self { x: correlation.base_correlation_x, b: correlation.base_correlation_b }
    }
}

impl Default for BaseCorrelation {
    /// That of frames that do not code it.
    fn default() -> Self {
        Self::from(&LfChannelCorrelation::default())
    }
}

/// The features of a frame; kept from frame to frame for its memory.
#[derive(Debug, Default)]
pub struct Features {
    codes: NumberCodes,
    patches: PatchList,
    splines: SplineList,
    noise: Option<NoiseParameters>,
    correlation: BaseCorrelation,
    patch_rows: Scratch<PatchRow>,
}

impl Features {
    /// Reads the features that the frame's flags announce; those of the frame before are forgotten.
    ///
    /// # Errors
    ///
    /// [`FeatureFault`]s, entropy-coding errors, [`Limits::patch_area`], memory, the end of the input.
    pub fn read(&mut self, bits: &mut BitReader<'_>, context: &FeatureContext<'_>) -> Result<()> {
        self.clear();
        let flags = context.header.flags;
        if flags.patches() {
            self.patches.read(bits, &mut self.codes, context)?;
        }
        if flags.splines() {
            self.splines.read(bits, &mut self.codes, context)?;
        }
        if flags.noise() {
            self.noise = NoiseParameters::read(bits)?;
        }
        Ok(())
    }

    /// Computes what is drawn, once the bundles behind the features are read: `correlation` is that of a VarDCT frame, and
    /// the default for Modular frames.
    ///
    /// # Errors
    ///
    /// [`FeatureFault`]s of splines that cover too much, [`Limits::spline_area`], memory.
    pub fn prepare(&mut self, correlation: BaseCorrelation, context: &FeatureContext<'_>) -> Result<()> {
        self.correlation = correlation;
        self.patches.prepare(context)?;
        self.splines.prepare(correlation, context)
    }

    /// Forgets the features and gives leases back; lists keep their storage.
    pub fn clear(&mut self) {
        self.codes.clear();
        self.patches.clear();
        self.splines.clear();
        self.noise = None;
    }

    /// The patches as a stage, if there are any. `roles` are those of the extra channels.
    pub fn patches<'f>(&'f self, slots: &'f Slots, roles: &'f [ExtraChannelRole]) -> Option<DrawPatches<'f>> {
        let stage = || DrawPatches { list: &self.patches, slots, roles, scratch: &self.patch_rows };
        (!self.patches.is_empty()).then(stage)
    }

    /// The splines as a stage, if any is drawn.
    pub fn splines(&self) -> Option<DrawSplines<'_>> {
        (!self.splines.is_empty()).then_some(DrawSplines { splines: &self.splines })
    }

    /// The noise as stages, if there is any: first the filter of the three channels of random numbers from channel `first`
    /// on, which are of the full resolution and follow all others; then the addition.
    pub fn noise(&self, first: usize) -> Option<(ConvolveNoise, AddNoise)> {
        let parameters = self.noise?;
        Some((ConvolveNoise { first }, AddNoise { first, parameters, correlation: self.correlation }))
    }

    /// Whether noise is added, so that its random numbers are needed.
    pub fn has_noise(&self) -> bool {
        self.noise.is_some()
    }
}
