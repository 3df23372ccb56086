//! Bounds on what a file may ask for, so that a few bytes cannot cost gigabytes or minutes.

use crate::error::{Error, Result};

/// Bounds on what a file may ask for; each can be changed or, with [`u64::MAX`], removed.
///
/// The bounds apply to the image, its preview and every frame of every kind. A file above one of them gives
/// [`Error::Limit`], which names the limit, before the memory or the time is spent.
///
/// ```
/// use jxlake_frame::limits::{Limit, Limits};
///
/// let limits = Limits { pixels: 50_000_000, ..Limits::strict() };
/// assert!(limits.check(Limit::Pixels, 60_000_000).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Width and height in pixels, of the image and of each frame after upsampling.
    pub dimension: u64,
    /// Width times height, of the image and of each frame before and after upsampling.
    pub pixels: u64,
    /// Pixels times channels, colour and extra.
    pub samples: u64,
    /// Bytes that the decoder may hold, the caller's buffers not counted.
    pub memory: u64,
    /// Sample visits (one per sample and elementary pass) per visible frame, by samples of the image.
    pub work: LinearLimit,
    /// Frames of all kinds that one visible frame is made of.
    pub composed_frames: u64,
    /// Extra channels.
    pub extra_channels: u64,
    /// Bytes of the ICC profile, both encoded and decoded.
    pub icc_bytes: u64,
    /// Bytes of one metadata box after decompression.
    pub metadata_box_bytes: u64,
    /// Bytes of all metadata held.
    pub metadata_bytes: u64,
    /// Boxes parsed.
    pub boxes: u64,
    /// Bytes of codestream parts that arrived before their turn.
    pub pending_part_bytes: u64,
    /// Number of codestream parts that arrived before their turn.
    pub pending_parts: u64,
    /// Sections of a frame, that is entries of its table of contents.
    pub toc_entries: u64,
    /// Channels of one Modular image after its transforms.
    pub modular_channels: u64,
    /// Pixels drawn by the patches of a frame, by pixels of the frame.
    pub patch_area: LinearLimit,
    /// Estimated pixels drawn by the splines of a frame, by pixels of the frame.
    pub spline_area: LinearLimit,
    /// Bytes of a reconstructed JPEG, by bytes of the file.
    pub jpeg_bytes: LinearLimit,
}

/// A bound that grows with the size of something: `min(per_unit * units + base, cap)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearLimit {
    /// Allowance for each unit.
    pub per_unit: u64,
    /// Allowance for nothing.
    pub base: u64,
    /// What is never passed.
    pub cap: u64,
}

impl LinearLimit {
    /// No bound at all.
    pub const NONE: Self = Self { per_unit: 0, base: u64::MAX, cap: u64::MAX };

    /// The bound for so many units.
    pub fn bound(self, units: u64) -> u64 {
        self.per_unit.saturating_mul(units).saturating_add(self.base).min(self.cap)
    }
}

impl Default for Limits {
    /// Bounds that no ordinary file meets: images up to 2^28 pixels, 4 GiB of memory (1 GiB on 32-bit targets).
    fn default() -> Self {
        Self {
            dimension: 1 << 18,
            pixels: 1 << 28,
            samples: 1 << 30,
            memory: if usize::BITS > 32 { 4 << 30 } else { 1 << 30 },
            work: LinearLimit { per_unit: 4096, base: 1 << 30, cap: 1 << 40 },
            composed_frames: 1024,
            extra_channels: 256,
            icc_bytes: 1 << 24,
            metadata_box_bytes: 64 << 20,
            metadata_bytes: 128 << 20,
            boxes: 1 << 20,
            pending_part_bytes: 256 << 20,
            pending_parts: 4096,
            toc_entries: 65536,
            modular_channels: 16384,
            patch_area: LinearLimit { per_unit: 64, base: 1 << 24, cap: u64::MAX },
            spline_area: LinearLimit { per_unit: 8, base: 1 << 25, cap: 1 << 30 },
            jpeg_bytes: LinearLimit { per_unit: 4, base: 256 << 20, cap: u64::MAX },
        }
    }
}

impl Limits {
    /// Bounds for untrusted files on a server: images up to 2^26 pixels, 1 GiB of memory.
    pub fn strict() -> Self {
        Self {
            dimension: 1 << 16,
            pixels: 1 << 26,
            samples: 1 << 28,
            memory: 1 << 30,
            work: LinearLimit { per_unit: 512, base: 1 << 28, cap: 1 << 36 },
            composed_frames: 64,
            extra_channels: 16,
            icc_bytes: 1 << 22,
            metadata_box_bytes: 16 << 20,
            metadata_bytes: 32 << 20,
            boxes: 1 << 16,
            pending_part_bytes: 64 << 20,
            pending_parts: 1024,
            toc_entries: 65536,
            modular_channels: 4096,
            patch_area: LinearLimit { per_unit: 16, base: 1 << 22, cap: u64::MAX },
            spline_area: LinearLimit { per_unit: 8, base: 1 << 25, cap: 1 << 30 },
            jpeg_bytes: LinearLimit { per_unit: 4, base: 64 << 20, cap: u64::MAX },
        }
    }

    /// No bounds but those of the format: only for files that are trusted.
    pub fn none() -> Self {
        Self {
            dimension: u64::MAX,
            pixels: u64::MAX,
            samples: u64::MAX,
            memory: u64::MAX,
            work: LinearLimit::NONE,
            composed_frames: u64::MAX,
            extra_channels: u64::MAX,
            icc_bytes: u64::MAX,
            metadata_box_bytes: u64::MAX,
            metadata_bytes: u64::MAX,
            boxes: u64::MAX,
            pending_part_bytes: u64::MAX,
            pending_parts: u64::MAX,
            toc_entries: u64::MAX,
            modular_channels: u64::MAX,
            patch_area: LinearLimit::NONE,
            spline_area: LinearLimit::NONE,
            jpeg_bytes: LinearLimit::NONE,
        }
    }

    /// Whether a value keeps a limit that does not depend on anything else.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] if it does not. The linear limits ([`LinearLimit`]) are compared with their
    /// [`cap`](LinearLimit::cap) here; use [`check_linear`](Self::check_linear) for those.
    pub fn check(&self, limit: Limit, value: u64) -> Result<()> {
        let bound = match limit {
            Limit::Dimension => self.dimension,
            Limit::Pixels => self.pixels,
            Limit::Samples => self.samples,
            Limit::Memory => self.memory,
            Limit::Work => self.work.cap,
            Limit::ComposedFrames => self.composed_frames,
            Limit::ExtraChannels => self.extra_channels,
            Limit::IccBytes => self.icc_bytes,
            Limit::MetadataBoxBytes => self.metadata_box_bytes,
            Limit::MetadataBytes => self.metadata_bytes,
            Limit::Boxes => self.boxes,
            Limit::PendingPartBytes => self.pending_part_bytes,
            Limit::PendingParts => self.pending_parts,
            Limit::TocEntries => self.toc_entries,
            Limit::ModularChannels => self.modular_channels,
            Limit::PatchArea => self.patch_area.cap,
            Limit::SplineArea => self.spline_area.cap,
            Limit::JpegBytes => self.jpeg_bytes.cap,
        };
        if value > bound { Err(Error::Limit { limit, value, bound }) } else { Ok(()) }
    }

    /// Whether a value keeps one of the limits that grow with `units`.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] if it does not.
    pub fn check_linear(&self, limit: Limit, value: u64, units: u64) -> Result<()> {
        let bound = match limit {
            Limit::Work => self.work.bound(units),
            Limit::PatchArea => self.patch_area.bound(units),
            Limit::SplineArea => self.spline_area.bound(units),
            Limit::JpegBytes => self.jpeg_bytes.bound(units),
            _ => return self.check(limit, value),
        };
        if value > bound { Err(Error::Limit { limit, value, bound }) } else { Ok(()) }
    }

    /// Whether a width and height (in pixels) and the samples of that many channels keep the limits.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] for the first limit that is passed.
    pub fn check_size(&self, width: u64, height: u64, channels: u64) -> Result<()> {
        self.check(Limit::Dimension, width)?;
        self.check(Limit::Dimension, height)?;
        let pixels = width.saturating_mul(height);
        self.check(Limit::Pixels, pixels)?;
        self.check(Limit::Samples, pixels.saturating_mul(channels))
    }
}

/// The name of a limit, for [`Error::Limit`]; the fields of [`Limits`] say what each bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::dimension`].
    #[error("a width or height")]
    Dimension,
    /// [`Limits::pixels`].
    #[error("the number of pixels")]
    Pixels,
    /// [`Limits::samples`].
    #[error("the number of samples")]
    Samples,
    /// [`Limits::memory`].
    #[error("the memory needed")]
    Memory,
    /// [`Limits::work`].
    #[error("the work of a frame")]
    Work,
    /// [`Limits::composed_frames`].
    #[error("the number of frames of one picture")]
    ComposedFrames,
    /// [`Limits::extra_channels`].
    #[error("the number of extra channels")]
    ExtraChannels,
    /// [`Limits::icc_bytes`].
    #[error("the size of the ICC profile")]
    IccBytes,
    /// [`Limits::metadata_box_bytes`].
    #[error("the size of a metadata box")]
    MetadataBoxBytes,
    /// [`Limits::metadata_bytes`].
    #[error("the size of all metadata")]
    MetadataBytes,
    /// [`Limits::boxes`].
    #[error("the number of boxes")]
    Boxes,
    /// [`Limits::pending_part_bytes`].
    #[error("the size of codestream parts out of order")]
    PendingPartBytes,
    /// [`Limits::pending_parts`].
    #[error("the number of codestream parts out of order")]
    PendingParts,
    /// [`Limits::toc_entries`].
    #[error("the number of sections")]
    TocEntries,
    /// [`Limits::modular_channels`].
    #[error("the number of Modular channels")]
    ModularChannels,
    /// [`Limits::patch_area`].
    #[error("the area of patches")]
    PatchArea,
    /// [`Limits::spline_area`].
    #[error("the area of splines")]
    SplineArea,
    /// [`Limits::jpeg_bytes`].
    #[error("the size of the reconstructed JPEG")]
    JpegBytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_named_with_value_and_bound() {
        let limits = Limits { extra_channels: 2, ..Limits::none() };
        assert_eq!(limits.check(Limit::ExtraChannels, 2), Ok(()));
        let error = limits.check(Limit::ExtraChannels, 3).unwrap_err();
        assert_eq!(error, Error::Limit { limit: Limit::ExtraChannels, value: 3, bound: 2 });
        assert_eq!(error.to_string(), "the number of extra channels is 3, above the limit of 2");
    }

    #[test]
    fn sizes_are_counted_without_overflow() {
        assert_eq!(Limits::none().check_size(u64::MAX, u64::MAX, u64::MAX), Ok(()));
        let limits = Limits { dimension: u64::MAX, ..Limits::default() };
        let bound = limits.pixels;
        let pixels = Error::Limit { limit: Limit::Pixels, value: u64::MAX, bound };
        assert_eq!(limits.check_size(u64::MAX, 2, 1), Err(pixels));
        let (value, bound) = (5 << 28, 1 << 30);
        let samples = Error::Limit { limit: Limit::Samples, value, bound };
        assert_eq!(limits.check_size(1 << 14, 1 << 14, 5), Err(samples));
    }

    #[test]
    fn linear_limits_grow_up_to_their_cap() {
        let limit = LinearLimit { per_unit: 8, base: 100, cap: 1000 };
        assert_eq!([0, 10, 1000, u64::MAX].map(|units| limit.bound(units)), [100, 180, 1000, 1000]);
        assert_eq!(LinearLimit::NONE.bound(u64::MAX), u64::MAX);
        let strict = Limits::strict();
        assert!(strict.check_linear(Limit::PatchArea, 16 * 5 + (1 << 22), 5).is_ok());
        assert!(strict.check_linear(Limit::PatchArea, 16 * 5 + (1 << 22) + 1, 5).is_err());
    }
}
