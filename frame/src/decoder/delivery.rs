//! In which colours pictures are delivered, if not in those that the image has.

use super::frame::FrameJob;
use crate::colour::{EncodingConversion, ImageLight, output_encoding_of_xyb};
use crate::composition::COLOUR_CHANNELS;
use crate::error::{Error, Result, Unsupported};
use crate::image_header::{ColourEncoding, ExtraChannelKind, ImageHeader, TransferFunction};
use crate::render::{PointRows, PointStage};
use fearless_simd::Level;
use std::fmt::Debug;
use std::sync::Arc;

/// A conversion between the colours of two ICC profiles.
pub trait ProfileTransform: Debug + Send + Sync {
    /// The extra channel that the conversion reads as the fourth ink.
    fn black(&self) -> Option<usize> {
        None
    }

    /// Converts three rows of colour in place, for which `black` has the fourth ink's samples if there is one.
    ///
    /// # Errors
    ///
    /// Misuse if the rows are not equally long.
    fn convert_rows(&self, rows: [&mut [f32]; 3], black: Option<&[f32]>) -> Result<()>;
}

/// In which colours pictures are delivered. By default in the image's own, if it is XYB in
/// [`output_encoding_of_xyb`]'s.
///
/// Frames are composed in the image's own colours; what is here comes afterwards, in the order of the fields. Colours that are
/// multiplied by alpha are converted as what they are without it.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// For images whose colours only an ICC profile describes: their conversion, and the encoding that it yields.
    pub before: Option<(Arc<dyn ProfileTransform>, ColourEncoding)>,
    /// The encoding that is delivered, or handed to `after`. XYB, scaled to about 0 ..= 1, can be had of frames that are coded
    /// in it and neither blended nor saved.
    pub encoding: Option<ColourEncoding>,
    /// The peak of the display that the picture is for, in nits. Works with `encoding` only.
    pub display_peak: Option<f32>,
    /// The conversion to the caller's ICC profile.
    pub after: Option<Arc<dyn ProfileTransform>>,
}

impl Delivery {
    /// Whether pictures are delivered in the image's own colours.
    pub fn is_plain(&self) -> bool {
        self.before.is_none() && self.encoding.is_none() && self.after.is_none()
    }

    /// What is known of the light of `image`.
    pub(super) fn light(&self, image: &ImageHeader) -> ImageLight {
        let encoding = &image.colour_encoding;
        ImageLight {
            original: if encoding.want_icc { TransferFunction::Unknown } else { encoding.transfer_function },
            intensity_target: image.tone_mapping.intensity_target,
            display_peak: self.display_peak,
        }
    }
}

/// The encoding has no numbers to convert by.
pub(super) const NOT_CONVERTIBLE: Error = Error::Unsupported(Unsupported::ColourConversion);

/// Colours are divided by this where alpha is smaller.
const SMALLEST_ALPHA: f32 = 1.0 / 67_108_864.0;

/// The alpha channel of an image, among the extra channels, by which its colours are multiplied.
pub(super) fn associated_alpha(image: &ImageHeader) -> Option<usize> {
    let index = image.alpha_channel()?;
    matches!(image.extra_channels[index].kind, ExtraChannelKind::Alpha { associated: true }).then_some(index)
}

/// What is done to the composed rows of a frame that is shown.
#[derive(Debug)]
pub(super) struct DeliveryStage<'f> {
    pub(super) before: Option<&'f dyn ProfileTransform>,
    pub(super) encoding: Option<EncodingConversion>,
    pub(super) after: Option<&'f dyn ProfileTransform>,
    /// The extra channel that colours are multiplied by: they are divided by it before they are converted, and multiplied
    /// again afterwards.
    pub(super) alpha: Option<usize>,
}

impl<'f> DeliveryStage<'f> {
    /// The conversion from the image's own colours to those that the caller wants; `None` if they are the same.
    pub(super) fn of(job: &FrameJob<'f>) -> Result<Option<Self>> {
        let delivery = &job.context.delivery;
        if delivery.is_plain() {
            return Ok(None);
        }
        let own = match &delivery.before {
            Some((_, encoding)) => *encoding,
            None if job.image.xyb_encoded => output_encoding_of_xyb(&job.image.colour_encoding),
            None => job.image.colour_encoding,
        };
        let conversion = |target| EncodingConversion::new(&own, target, &delivery.light(job.image));
        let encoding = match &delivery.encoding {
            Some(target) => Some(conversion(target).ok_or(NOT_CONVERTIBLE)?),
            None => None,
        };
        Ok(Some(Self {
            before: delivery.before.as_ref().map(|(transform, _)| &**transform),
            encoding,
            after: delivery.after.as_deref(),
            alpha: associated_alpha(job.image),
        }))
    }

    /// The extra channel that is the fourth ink.
    fn black(&self) -> Option<usize> {
        self.before.and_then(|transform| transform.black())
    }

    /// Converts a row of all channels, `width` samples each, one channel after the other.
    pub(super) fn apply(&self, level: Level, samples: &mut [f32], width: usize) -> Result<()> {
        let too_short = Error::Misuse("rows of a canvas");
        let split = samples.split_at_mut_checked(COLOUR_CHANNELS * width);
        let (colour, extra) = split.ok_or_else(|| too_short.clone())?;
        let of_extra = |index: usize| extra.get(index * width..(index + 1) * width);
        let (black, alpha) = (self.black().and_then(of_extra), self.alpha.and_then(of_extra));
        let mut rows = colour.chunks_exact_mut(width.max(1));
        match [rows.next(), rows.next(), rows.next()] {
            [Some(r), Some(g), Some(b)] => self.convert(level, [r, g, b], black, alpha),
            _ => Err(too_short),
        }
    }

    fn convert(
        &self,
        level: Level,
        [r, g, b]: [&mut [f32]; 3],
        black: Option<&[f32]>,
        alpha: Option<&[f32]>,
    ) -> Result<()> {
        let scale = |rows: [&mut [f32]; 3], by: fn(f32, f32) -> f32| {
            for row in rows {
                for (v, alpha) in row.iter_mut().zip(alpha.unwrap_or_default()) {
                    *v = by(*v, alpha.max(SMALLEST_ALPHA));
                }
            }
        };
        scale([&mut *r, &mut *g, &mut *b], |v, alpha| v / alpha);
        if let Some(transform) = self.before {
            transform.convert_rows([&mut *r, &mut *g, &mut *b], black)?;
        }
        if let Some(conversion) = &self.encoding {
            conversion.convert_rows(level, [&mut *r, &mut *g, &mut *b]);
        }
        if let Some(transform) = self.after {
            transform.convert_rows([&mut *r, &mut *g, &mut *b], None)?;
        }
        scale([r, g, b], |v, alpha| v * alpha);
        Ok(())
    }
}

impl PointStage for DeliveryStage<'_> {
    fn name(&self) -> &'static str {
        "delivered colours"
    }

    fn touches(&self, channel: usize) -> bool {
        let needed = |extra: Option<usize>| extra.is_some_and(|extra| channel == COLOUR_CHANNELS + extra);
        channel < COLOUR_CHANNELS || needed(self.black()) || needed(self.alpha)
    }

    fn run(&self, rows: &mut PointRows<'_>) -> Result<()> {
        let level = rows.level();
        match (self.black(), self.alpha) {
            (Some(black), Some(alpha)) => {
                let channels = [0, 1, 2, COLOUR_CHANNELS + black, COLOUR_CHANNELS + alpha];
                let [r, g, b, black, alpha] = rows.rows(channels)?;
                self.convert(level, [r, g, b], Some(black), Some(alpha))
            }
            (Some(black), None) => {
                let [r, g, b, black] = rows.rows([0, 1, 2, COLOUR_CHANNELS + black])?;
                self.convert(level, [r, g, b], Some(black), None)
            }
            (None, Some(alpha)) => {
                let [r, g, b, alpha] = rows.rows([0, 1, 2, COLOUR_CHANNELS + alpha])?;
                self.convert(level, [r, g, b], None, Some(alpha))
            }
            (None, None) => self.convert(level, rows.rows([0, 1, 2])?, None, None),
        }
    }
}
