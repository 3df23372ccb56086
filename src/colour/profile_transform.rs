//! Conversions between ICC profiles, each built once.

use jxlake_frame::decoder::ProfileTransform;
use jxlake_frame::error::Error as FrameError;
use jxlake_frame::image_header::{ExtraChannelKind, ImageHeader};
use jxlake_util::Scratch;
use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformF32Executor, TransformOptions};
use std::sync::{Arc, Mutex, PoisonError};

/// Why colours cannot be converted by ICC profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConversionError {
    /// The embedded profile is damaged.
    #[error("the embedded ICC profile cannot be read")]
    Embedded,
    /// The caller's profile is damaged, or neither of RGB nor of gray.
    #[error("the ICC profile of the output cannot be used")]
    Output,
    /// The embedded profile is for another number of channels than the image has.
    #[error("the embedded ICC profile is not for the {channels} channels of the image")]
    Channels {
        /// Channels of colour, the black ink included.
        channels: usize,
    },
    /// Both profiles are readable, but nothing leads from one to the other.
    #[error("no conversion leads from one ICC profile to the other")]
    NoConnection,
}

/// The profiles of a conversion.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) source: &'a [u8],
    pub(super) target: &'a [u8],
    /// Whether the source is the profile of the file.
    pub(super) embedded: bool,
}

/// Conversions that have been used lately, shared by all clones; to build one takes longer than to convert a picture.
#[derive(Debug, Clone, Default)]
pub(crate) struct TransformCache {
    kept: Arc<Mutex<Vec<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    source: Vec<u8>,
    target: Vec<u8>,
    black: Option<usize>,
    transform: Arc<IccTransform>,
}

impl TransformCache {
    /// Conversions that are kept.
    const MOST: usize = 8;

    /// The conversion between two profiles for the channels of an image.
    pub(super) fn transform(
        &self,
        image: &ImageHeader,
        ends: Ends<'_>,
    ) -> Result<Arc<dyn ProfileTransform>, ConversionError> {
        let is_black = |kind| matches!(kind, ExtraChannelKind::Black);
        let black = image.extra_channels.iter().position(|channel| is_black(channel.kind));
        let same =
            |kept: &Kept| kept.source == ends.source && kept.target == ends.target && kept.black == black;
        // Held while a conversion is built, so that those who want the same wait for it instead of building another.
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.iter().find(|kept| same(kept)) {
            return Ok(Arc::clone(&kept.transform) as _);
        }
        let transform = Arc::new(IccTransform::new(image, ends, black)?);
        if all.len() == Self::MOST {
            all.remove(0);
        }
        let (source, target) = (ends.source.to_vec(), ends.target.to_vec());
        all.push(Kept { source, target, black, transform: Arc::clone(&transform) });
        Ok(transform)
    }
}

/// A conversion between two profiles. Samples beyond 0 ..= 1 are clamped: profiles say nothing of them.
struct IccTransform {
    executor: Arc<TransformF32Executor>,
    source_channels: usize,
    target_channels: usize,
    black: Option<usize>,
    /// Interleaved samples before and after.
    interleaved: Scratch<[Vec<f32>; 2]>,
}

impl std::fmt::Debug for IccTransform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { source_channels, target_channels, black, .. } = self;
        write!(f, "IccTransform({source_channels} to {target_channels} channels, black {black:?})")
    }
}

impl IccTransform {
    fn new(image: &ImageHeader, ends: Ends<'_>, black: Option<usize>) -> Result<Self, ConversionError> {
        let unreadable = if ends.embedded { ConversionError::Embedded } else { ConversionError::Output };
        let source = ColorProfile::new_from_slice(ends.source).map_err(|_| unreadable)?;
        let target = ColorProfile::new_from_slice(ends.target).map_err(|_| ConversionError::Output)?;
        let (source_channels, source_layout) = match source.color_space {
            DataColorSpace::Gray => (1, Layout::Gray),
            DataColorSpace::Rgb => (3, Layout::Rgb),
            DataColorSpace::Cmyk => (4, Layout::Rgba),
            _ => return Err(unreadable),
        };
        let channels = image.colour_channels() + usize::from(source_channels == 4 && black.is_some());
        if channels != source_channels {
            return Err(ConversionError::Channels { channels });
        }
        let (target_channels, target_layout) = match target.color_space {
            DataColorSpace::Gray => (1, Layout::Gray),
            DataColorSpace::Rgb => (3, Layout::Rgb),
            _ => return Err(ConversionError::Output),
        };
        let executor = |rendering_intent| {
            let options = TransformOptions { rendering_intent, ..TransformOptions::default() };
            source.create_transform_f32(source_layout, &target, target_layout, options)
        };
        // A profile may have the table of the perceptual intent alone.
        let executor = executor(source.rendering_intent)
            .or_else(|_| executor(RenderingIntent::Perceptual))
            .map_err(|_| ConversionError::NoConnection)?;
        let black = black.filter(|_| source_channels == 4);
        Ok(Self { executor, source_channels, target_channels, black, interleaved: Scratch::default() })
    }
}

impl ProfileTransform for IccTransform {
    fn black(&self) -> Option<usize> {
        self.black
    }

    fn convert_rows(&self, rows: [&mut [f32]; 3], black: Option<&[f32]>) -> jxlake_frame::Result<()> {
        let width = rows[0].len();
        let black = black.unwrap_or_default();
        let inks = [&*rows[0], &*rows[1], &*rows[2], black];
        let used = inks.get(..self.source_channels).unwrap_or(&inks);
        if used.iter().any(|row| row.len() < width) {
            return Err(FrameError::Misuse("rows of different lengths"));
        }
        let mut interleaved = self.interleaved.take();
        let [from, to] = &mut *interleaved;
        from.clear();
        from.resize(width * self.source_channels, 0.0);
        to.clear();
        to.resize(width * self.target_channels, 0.0);
        // The format's 0 is full ink, the profile's is none.
        let is_ink = self.source_channels == 4;
        for (channel, row) in used.iter().enumerate() {
            for (to, &v) in from.iter_mut().skip(channel).step_by(self.source_channels).zip(*row) {
                // `max` first: not-a-number becomes 0.
                let v = v.max(0.0).min(1.0);
                *to = if is_ink { 1.0 - v } else { v };
            }
        }
        self.executor.transform(from, to).map_err(|_| FrameError::Misuse("rows that a profile refuses"))?;
        for (channel, row) in rows.into_iter().enumerate() {
            let channel = channel.min(self.target_channels - 1);
            for (v, from) in row.iter_mut().zip(to.iter().skip(channel).step_by(self.target_channels)) {
                *v = *from;
            }
        }
        Ok(())
    }
}
