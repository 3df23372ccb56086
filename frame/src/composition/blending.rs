//! Blending of samples over samples: one procedure for frames on their canvas and for patches in a frame.
//!
//! A row of all channels is a view whose row `c` is channel `c`: three colour channels, then the extra channels.

use super::rows::ChannelRows;
use jxlake_util::ViewMut2;
use std::ops::Range;

/// Colour channels of a row of samples; the extra channels follow.
pub const COLOUR_CHANNELS: usize = 3;

/// How new samples `n` combine with old samples `o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlendOperation {
    /// `o`
    Keep,
    /// `n`
    #[default]
    Replace,
    /// `o + n`
    Add,
    /// `o * n`
    Multiply,
    /// `n` over `o`, by alpha
    Above,
    /// `o` over `n`, by alpha
    Below,
    /// `o + n * n's alpha`
    WeightedAddAbove,
    /// `n + o * o's alpha`
    WeightedAddBelow,
}

/// How one channel (or the three colour channels together) is blended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChannelBlending {
    /// What is done.
    pub operation: BlendOperation,
    /// Extra channel whose samples are the alpha, for the operations that need one.
    pub alpha_channel: usize,
    /// Whether the weight (alpha of the upper samples, or the factor) is clamped to 0..1.
    pub clamp: bool,
}

impl BlendOperation {
    /// What is done to colours if there is no alpha channel: alpha blending replaces, weighted addition adds.
    pub fn without_alpha(self) -> Self {
        match self {
            Self::Above | Self::Below => Self::Replace,
            Self::WeightedAddAbove | Self::WeightedAddBelow => Self::Add,
            operation => operation,
        }
    }
}

impl ChannelBlending {
    /// Whether results depend on no other channel.
    pub fn is_independent(&self) -> bool {
        use BlendOperation::{Add, Keep, Multiply, Replace};
        matches!(self.operation, Keep | Replace | Add | Multiply)
    }

    /// Combines rows of one channel by an operation that [depends on no other](Self::is_independent).
    pub fn combine(&self, old: &mut [f32], new: &[f32]) {
        blend_samples(self, old, new, Weights { old: &[], new: &[], associated: false });
    }
}

/// What blending needs to know about an extra channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtraChannelRole {
    /// Whether it is an alpha channel.
    pub is_alpha: bool,
    /// Whether colours are already multiplied by it.
    pub associated: bool,
}

/// Blending of all channels of one layer.
#[derive(Debug, Clone, Copy)]
pub struct Blending<'a> {
    /// The colour channels' blending.
    pub colour: ChannelBlending,
    /// Each extra channel's blending.
    pub extra: &'a [ChannelBlending],
    /// Each extra channel's role.
    pub roles: &'a [ExtraChannelRole],
}

impl Blending<'_> {
    /// Blends columns `part` of the row `new` into the row `old`, which is as wide as `part`; both hold all channels.
    ///
    /// All results come from the samples as they were before; `saved` keeps what would be overwritten too early and is
    /// reused between calls.
    pub fn blend_row(
        &self,
        mut old: ViewMut2<'_, f32>,
        new: &dyn ChannelRows<f32>,
        part: Range<usize>,
        saved: &mut Vec<f32>,
    ) {
        let width = old.cols();
        let new_row = |c: usize| new.channel(c).get(part.clone()).unwrap_or_default();
        let has_alpha = self.roles.iter().any(|role| role.is_alpha);
        let colour = self.colour_without_alpha(has_alpha);
        saved.clear();
        for extra in 0..self.extra.len() {
            saved.extend_from_slice(old.row(COLOUR_CHANNELS + extra));
        }
        let old_alpha = |blending: &ChannelBlending| {
            saved
                .get(blending.alpha_channel * width..(blending.alpha_channel + 1) * width)
                .unwrap_or_default()
        };
        let new_alpha = |blending: &ChannelBlending| match self.extra.get(blending.alpha_channel) {
            Some(_) => new_row(COLOUR_CHANNELS + blending.alpha_channel),
            None => &[],
        };
        for c in 0..COLOUR_CHANNELS {
            let weights = Weights {
                old: old_alpha(&colour),
                new: new_alpha(&colour),
                associated: self.associated(&colour),
            };
            blend_samples(&colour, old.row_mut(c), new_row(c), weights);
        }
        for (extra, blending) in self.extra.iter().enumerate() {
            let c = COLOUR_CHANNELS + extra;
            let weights = Weights {
                old: old_alpha(blending),
                new: new_alpha(blending),
                associated: self.associated(blending),
            };
            if blending.alpha_channel == extra {
                blend_alpha(blending, old.row_mut(c), new_row(c));
            } else {
                blend_samples(blending, old.row_mut(c), new_row(c), weights);
            }
        }
        // Colours blended by alpha settle that alpha too, whatever its own channel says.
        if has_alpha
            && matches!(colour.operation, BlendOperation::Above | BlendOperation::Below)
            && colour.alpha_channel < self.extra.len()
        {
            let alpha = old.row_mut(COLOUR_CHANNELS + colour.alpha_channel);
            alpha.iter_mut().zip(old_alpha(&colour)).for_each(|(alpha, old)| *alpha = *old);
            blend_alpha(&colour, alpha, new_alpha(&colour));
        }
    }

    /// Without any alpha channel, alpha blending replaces and weighted addition adds.
    fn colour_without_alpha(&self, has_alpha: bool) -> ChannelBlending {
        let operation = self.colour.operation;
        let operation = if has_alpha { operation } else { operation.without_alpha() };
        ChannelBlending { operation, ..self.colour }
    }

    fn associated(&self, blending: &ChannelBlending) -> bool {
        self.roles.get(blending.alpha_channel).is_some_and(|role| role.associated)
    }
}

/// The alpha rows of both layers.
#[derive(Clone, Copy)]
struct Weights<'a> {
    old: &'a [f32],
    new: &'a [f32],
    associated: bool,
}

fn clamped(value: f32, clamp: bool) -> f32 {
    // Not-a-number becomes 0.
    if clamp { value.max(0.0).min(1.0) } else { value }
}

fn blend_samples(blending: &ChannelBlending, old: &mut [f32], new: &[f32], weights: Weights<'_>) {
    let clamp = blending.clamp;
    let alphas = weights.old.iter().zip(weights.new);
    let pairs = old.iter_mut().zip(new);
    match blending.operation {
        BlendOperation::Keep => {}
        BlendOperation::Replace => pairs.for_each(|(o, n)| *o = *n),
        BlendOperation::Add => pairs.for_each(|(o, n)| *o += n),
        BlendOperation::Multiply => pairs.for_each(|(o, n)| *o *= clamped(*n, clamp)),
        BlendOperation::Above => pairs.zip(alphas).for_each(|((o, n), (old_alpha, new_alpha))| {
            *o = over(
                Layer { sample: *o, alpha: *old_alpha },
                Layer { sample: *n, alpha: clamped(*new_alpha, clamp) },
                weights.associated,
            );
        }),
        BlendOperation::Below => pairs.zip(alphas).for_each(|((o, n), (old_alpha, new_alpha))| {
            *o = over(
                Layer { sample: *n, alpha: *new_alpha },
                Layer { sample: *o, alpha: clamped(*old_alpha, clamp) },
                weights.associated,
            );
        }),
        BlendOperation::WeightedAddAbove => {
            pairs.zip(weights.new).for_each(|((o, n), alpha)| *o += n * clamped(*alpha, clamp));
        }
        BlendOperation::WeightedAddBelow => {
            pairs.zip(weights.old).for_each(|((o, n), alpha)| *o = n + *o * clamped(*alpha, clamp));
        }
    }
}

/// Blends a channel that is its own alpha.
fn blend_alpha(blending: &ChannelBlending, old: &mut [f32], new: &[f32]) {
    let clamp = blending.clamp;
    let pairs = old.iter_mut().zip(new);
    match blending.operation {
        BlendOperation::Above => pairs.for_each(|(o, n)| *o = 1.0 - (1.0 - clamped(*n, clamp)) * (1.0 - *o)),
        BlendOperation::Below => pairs.for_each(|(o, n)| *o = 1.0 - (1.0 - clamped(*o, clamp)) * (1.0 - n)),
        BlendOperation::WeightedAddAbove => {}
        BlendOperation::WeightedAddBelow => pairs.for_each(|(o, n)| *o = *n),
        _ => blend_samples(blending, old, new, Weights { old: &[], new: &[], associated: false }),
    }
}

#[derive(Clone, Copy)]
struct Layer {
    sample: f32,
    alpha: f32,
}

/// `top` over `bottom`; the top's alpha is already clamped where that is asked for.
#[inline(always)]
fn over(bottom: Layer, top: Layer, associated: bool) -> f32 {
    if associated {
        return top.sample + bottom.sample * (1.0 - top.alpha);
    }
    let alpha = 1.0 - (1.0 - top.alpha) * (1.0 - bottom.alpha);
    if alpha > 0.0 {
        (top.sample * top.alpha + bottom.sample * bottom.alpha * (1.0 - top.alpha)) / alpha
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::StackedRow;
    use super::*;
    use jxlake_util::View2;

    const ALPHA: ExtraChannelRole = ExtraChannelRole { is_alpha: true, associated: false };

    fn blend(
        colour: ChannelBlending,
        extra: &[ChannelBlending],
        roles: &[ExtraChannelRole],
        old: &[f32],
        new: &[f32],
    ) -> Vec<f32> {
        let mut out = old.to_vec();
        let channels = COLOUR_CHANNELS + extra.len();
        let width = old.len() / channels;
        let view = ViewMut2::from_slice(&mut out, channels, width, width).unwrap();
        let new =
            StackedRow { x: 0, y: 0, channels: View2::from_slice(new, channels, width, width).unwrap() };
        Blending { colour, extra, roles }.blend_row(view, &new, 0..width, &mut Vec::new());
        out
    }

    fn operation(operation: BlendOperation) -> ChannelBlending {
        ChannelBlending { operation, alpha_channel: 0, clamp: false }
    }

    #[test]
    fn without_alpha_blending_replaces_and_weighted_addition_adds() {
        let (old, new) = ([0.25, 0.5, 0.75], [0.5, 0.25, 0.125]);
        assert_eq!(blend(operation(BlendOperation::Above), &[], &[], &old, &new), new);
        assert_eq!(blend(operation(BlendOperation::Below), &[], &[], &old, &new), new);
        let sum = [0.75, 0.75, 0.875];
        assert_eq!(blend(operation(BlendOperation::WeightedAddAbove), &[], &[], &old, &new), sum);
        assert_eq!(blend(operation(BlendOperation::WeightedAddBelow), &[], &[], &old, &new), sum);
    }

    #[test]
    fn colours_over_colours_settle_the_alpha_even_if_its_channel_is_kept() {
        let old = [1.0, 0.0, 0.5, 0.5];
        let new = [0.0, 1.0, 0.5, 0.5];
        let got =
            blend(operation(BlendOperation::Above), &[operation(BlendOperation::Keep)], &[ALPHA], &old, &new);
        let want = [0.25 / 0.75, 0.5 / 0.75, 0.375 / 0.75, 0.75];
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-6), "{got:?} {want:?}");
    }

    #[test]
    fn results_come_from_the_samples_as_they_were() {
        // Channel 3 is weighted by channel 4 and channel 4 by channel 3: neither may see the other's result.
        let by = |alpha_channel| ChannelBlending {
            operation: BlendOperation::WeightedAddAbove,
            alpha_channel,
            clamp: true,
        };
        let old = [0.0, 0.0, 0.0, 1.0, 10.0];
        let new = [0.0, 0.0, 0.0, 0.5, 3.0];
        let got = blend(operation(BlendOperation::Keep), &[by(1), by(0)], &[ALPHA, ALPHA], &old, &new);
        assert_eq!(got[3..], [1.0 + 0.5 * 1.0, 10.0 + 3.0 * 0.5]);
    }

    #[test]
    fn only_the_upper_alpha_is_clamped() {
        let clamp = ChannelBlending { operation: BlendOperation::Above, alpha_channel: 0, clamp: true };
        let got = blend(clamp, &[clamp], &[ALPHA], &[0.5, 0.5, 0.5, 3.0], &[1.0, 1.0, 1.0, 2.0]);
        assert_eq!(got, [1.0, 1.0, 1.0, 1.0]);
    }
}
