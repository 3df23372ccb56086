//! From what the caller wants to what is done to the pixels of a file.

use super::icc_profile::write_profile;
use super::profile_transform::{Ends, TransformCache};
use crate::error::Result;
use jxlake_frame::colour::output_encoding_of_xyb;
use jxlake_frame::decoder::Delivery;
use jxlake_frame::image_header::{
    ColourEncoding, ColourSpace, ImageHeader, Primaries, TransferFunction, WhitePoint,
};
use std::sync::Arc;

/// The colours that pictures are delivered in.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum OutputColour {
    /// The image's own; XYB images whose own cannot be made from XYB come as linear light of sRGB's primaries.
    #[default]
    Original,
    /// An encoding by its numbers, for example of [`colour_encoding_named`](super::colour_encoding_named). XYB only of frames
    /// that are coded in it and neither blended nor saved for later ones.
    Encoding(ColourEncoding),
    /// The colours of an ICC profile, of RGB or gray.
    Profile(Arc<[u8]>),
}

/// What the caller wants of colours.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColourRequest {
    pub(crate) colour: OutputColour,
    pub(crate) display_peak: Option<f32>,
}

/// What profiles convert from and to where the encoding itself is none that they describe well: wide and not linear.
const WIDE: ColourEncoding = ColourEncoding {
    want_icc: false,
    colour_space: ColourSpace::Rgb,
    white_point: WhitePoint::D65,
    primaries: Primaries::Bt2100,
    transfer_function: TransferFunction::Srgb,
    rendering_intent: jxlake_frame::image_header::RenderingIntent::Relative,
};

impl ColourRequest {
    /// What is to be done to the pixels of a file with this header and embedded profile.
    ///
    /// # Errors
    ///
    /// [`Error::Conversion`](crate::Error::Conversion) if a profile cannot be used,
    /// [`Error::Profile`](crate::Error::Profile) if there is none of an encoding.
    pub(crate) fn resolve(
        &self,
        image: &ImageHeader,
        icc: &[u8],
        cache: &mut TransformCache,
    ) -> Result<Delivery> {
        let mut delivery = Delivery { display_peak: self.display_peak, ..Delivery::default() };
        let own = own_encoding(image);
        match (&self.colour, own) {
            (OutputColour::Original, Some(own)) if self.maps_tones(image) => delivery.encoding = Some(own),
            (OutputColour::Original, _) => {}
            (OutputColour::Encoding(target), Some(own)) => {
                let same = ColourEncoding { rendering_intent: own.rendering_intent, ..*target } == own;
                delivery.encoding = (!same || self.maps_tones(image)).then_some(*target);
            }
            (OutputColour::Encoding(target), None) => {
                let yielded = if is_plain_rgb(target) { *target } else { WIDE };
                let profile = profile_of(&yielded)?;
                let ends = Ends { source: icc, target: &profile, embedded: true };
                delivery.before = Some((cache.transform(image, ends)?, yielded));
                delivery.encoding = (yielded != *target).then_some(*target);
            }
            (OutputColour::Profile(target), Some(own)) => {
                let handed = match own.colour_space {
                    ColourSpace::Grey => {
                        ColourEncoding { colour_space: ColourSpace::Grey, ..ColourEncoding::default() }
                    }
                    _ if is_plain_rgb(&own) && !image.xyb_encoded => own,
                    _ => WIDE,
                };
                let profile = profile_of(&handed)?;
                let ends = Ends { source: &profile, target, embedded: false };
                delivery.after = Some(cache.transform(image, ends)?);
                delivery.encoding = (handed != own || self.maps_tones(image)).then_some(handed);
            }
            (OutputColour::Profile(target), None) if **target == *icc => {}
            (OutputColour::Profile(target), None) => {
                let ends = Ends { source: icc, target, embedded: true };
                delivery.before = Some((cache.transform(image, ends)?, WIDE));
            }
        }
        Ok(delivery)
    }

    /// Whether what is delivered has one colour channel.
    pub(crate) fn is_gray(&self, image: &ImageHeader) -> bool {
        match &self.colour {
            OutputColour::Original => image.is_grey(),
            OutputColour::Encoding(target) => target.colour_space == ColourSpace::Grey,
            OutputColour::Profile(profile) => profile.get(16..20) == Some(b"GRAY"),
        }
    }

    /// The ICC profile of what is delivered.
    pub(crate) fn profile(&self, image: &ImageHeader, icc: &[u8]) -> Result<Vec<u8>> {
        match (&self.colour, own_encoding(image)) {
            (OutputColour::Original, Some(own)) => profile_of(&own),
            (OutputColour::Original, None) => Ok(icc.to_vec()),
            (OutputColour::Encoding(target), _) => profile_of(target),
            (OutputColour::Profile(profile), _) => Ok(profile.to_vec()),
        }
    }

    /// The encoding of what is delivered, if it is not one of an ICC profile.
    pub(crate) fn encoding(&self, image: &ImageHeader) -> Option<ColourEncoding> {
        match &self.colour {
            OutputColour::Original => own_encoding(image),
            OutputColour::Encoding(target) => Some(*target),
            OutputColour::Profile(_) => None,
        }
    }

    fn maps_tones(&self, image: &ImageHeader) -> bool {
        self.display_peak.is_some_and(|peak| peak != image.tone_mapping.intensity_target)
    }
}

/// The encoding in which the frames of an image are composed; `None` if only its ICC profile knows.
fn own_encoding(image: &ImageHeader) -> Option<ColourEncoding> {
    if image.xyb_encoded {
        return Some(output_encoding_of_xyb(&image.colour_encoding));
    }
    (!image.colour_encoding.want_icc).then_some(image.colour_encoding)
}

/// Whether profiles describe the encoding well: RGB, relative to white, and not linear, whose dark tones would suffer.
fn is_plain_rgb(encoding: &ColourEncoding) -> bool {
    use TransferFunction::{Bt709, Dci, Gamma, Srgb};
    encoding.colour_space == ColourSpace::Rgb
        && matches!(encoding.transfer_function, Srgb | Bt709 | Dci | Gamma { .. })
}

fn profile_of(encoding: &ColourEncoding) -> Result<Vec<u8>> {
    let mut profile = Vec::new();
    write_profile(encoding, &mut profile)?;
    Ok(profile)
}
