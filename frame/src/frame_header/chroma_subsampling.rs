//! `jpeg_upsampling`: channels of fewer samples than others, as JPEG has them.

/// How the three colour channels of a YCbCr frame are subsampled.
///
/// Channel numbers are those of the codestream: 0 is Cb, 1 is Y, 2 is Cr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChromaSubsampling {
    /// The coded sampling mode of each channel, 0 to 3.
    modes: [u8; 3],
}

impl ChromaSubsampling {
    pub(crate) fn new(modes: [u8; 3]) -> Self {
        Self { modes }
    }

    #[cfg(test)]
    pub(crate) fn modes(self) -> [u8; 3] {
        self.modes
    }

    /// Log2 of a channel's samples per unit, horizontally and vertically.
    fn exponents(self, channel: usize) -> (u32, u32) {
        match self.modes.get(channel) {
            Some(1) => (1, 1),
            Some(2) => (1, 0),
            Some(3) => (0, 1),
            _ => (0, 0),
        }
    }

    /// The samples of a channel, 0 to 2, per unit, horizontally and vertically: 1 or 2, the sampling factors of a JPEG.
    pub fn sampling_factors(self, channel: usize) -> (u8, u8) {
        let (h, v) = self.exponents(channel);
        (1 << h, 1 << v)
    }

    /// The largest horizontal exponent of a channel, 0 or 1: units are `8 << max_hshift` pixels wide.
    pub fn max_hshift(self) -> u32 {
        (0..3).map(|channel| self.exponents(channel).0).max().unwrap_or(0)
    }

    /// The largest vertical exponent of a channel, 0 or 1: units are `8 << max_vshift` pixels high.
    pub fn max_vshift(self) -> u32 {
        (0..3).map(|channel| self.exponents(channel).1).max().unwrap_or(0)
    }

    /// By how many powers of two a channel, 0 to 2, is narrower than the frame: 0 or 1.
    pub fn hshift(self, channel: usize) -> u32 {
        self.max_hshift() - self.exponents(channel).0
    }

    /// By how many powers of two a channel, 0 to 2, is lower than the frame: 0 or 1.
    pub fn vshift(self, channel: usize) -> u32 {
        self.max_vshift() - self.exponents(channel).1
    }

    /// Whether no channel is subsampled (4:4:4).
    pub fn is_none(self) -> bool {
        (0..3).all(|channel| self.hshift(channel) == 0 && self.vshift(channel) == 0)
    }
}
