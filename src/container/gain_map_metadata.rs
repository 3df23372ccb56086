//! The binary gain map metadata of ISO 21496-1: how a gain map is applied.

use super::{BoxType, Error, Fault};

/// How a gain map turns the base image, whose pixels the file has, into its alternate.
///
/// ```
/// use jxlake::container::GainMapMetadata;
///
/// let mut bytes = vec![0, 0, 0, 0, 0x40]; // versions, and flags: applied in the colours of the base image
/// for (numerator, denominator) in [(0, 1), (5, 2), (0, 1), (5, 2), (1, 1), (1, 64), (1, 64)] {
///     bytes.extend(i32::to_be_bytes(numerator));
///     bytes.extend(i32::to_be_bytes(denominator));
/// }
/// let metadata = GainMapMetadata::parse(&bytes)?;
/// assert_eq!((metadata.base_hdr_headroom, metadata.alternate_hdr_headroom), (0.0, 2.5));
/// assert_eq!(metadata.channels[2].base_offset, 1.0 / 64.0);
/// # Ok::<(), jxlake::container::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GainMapMetadata {
    /// Version that the writer knew.
    pub writer_version: u16,
    /// Whether the colour channels differ in how the map is applied.
    pub is_multichannel: bool,
    /// Whether the map is applied in the colours of the base image, rather than those of the alternate.
    pub use_base_colour_space: bool,
    /// Headroom of the display up to which the base image is shown, as a power of two.
    pub base_hdr_headroom: f64,
    /// Headroom of the display from which on the alternate image is shown, as a power of two.
    pub alternate_hdr_headroom: f64,
    /// For red, green and blue.
    pub channels: [GainMapChannel; 3],
}

/// How a gain map is applied to one colour channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GainMapChannel {
    /// The gain of samples that are 0, as a power of two.
    pub minimum: f64,
    /// The gain of samples that are 1, as a power of two.
    pub maximum: f64,
    /// The exponent by which the samples are coded, not 0.
    pub gamma: f64,
    /// What is added to the base image before the gain.
    pub base_offset: f64,
    /// What is taken from the alternate image after the gain.
    pub alternate_offset: f64,
}

const MULTICHANNEL: u8 = 1 << 7;
const BASE_COLOUR_SPACE: u8 = 1 << 6;

impl GainMapMetadata {
    /// Reads the metadata; bytes of later versions behind them are passed over.
    ///
    /// # Errors
    ///
    /// [`Error::Metadata`] if the metadata are too short, need a reader of a later version, or hold a fraction or an
    /// exponent without a value.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Reader(bytes).read().map_err(|what| Error::Metadata { kind: BoxType::JHGM, what })
    }
}

/// The bytes that are still to be read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn read(&mut self) -> Result<GainMapMetadata, Fault> {
        let minimum_version = u16::from_be_bytes(self.bytes()?);
        if minimum_version != 0 {
            return Err(Fault::LaterVersion(minimum_version));
        }
        let writer_version = u16::from_be_bytes(self.bytes()?);
        let [flags] = self.bytes()?;
        let is_multichannel = flags & MULTICHANNEL != 0;
        let (base_hdr_headroom, alternate_hdr_headroom) = (self.unsigned()?, self.unsigned()?);
        let first = self.channel()?;
        let channels = if is_multichannel { [first, self.channel()?, self.channel()?] } else { [first; 3] };
        Ok(GainMapMetadata {
            writer_version,
            is_multichannel,
            use_base_colour_space: flags & BASE_COLOUR_SPACE != 0,
            base_hdr_headroom,
            alternate_hdr_headroom,
            channels,
        })
    }

    fn channel(&mut self) -> Result<GainMapChannel, Fault> {
        let channel = GainMapChannel {
            minimum: self.signed()?,
            maximum: self.signed()?,
            gamma: self.unsigned()?,
            base_offset: self.signed()?,
            alternate_offset: self.signed()?,
        };
        if channel.gamma == 0.0 { Err(Fault::Value(0)) } else { Ok(channel) }
    }

    fn signed(&mut self) -> Result<f64, Fault> {
        let numerator = i32::from_be_bytes(self.bytes()?);
        self.divided(numerator.into())
    }

    fn unsigned(&mut self) -> Result<f64, Fault> {
        let numerator = u32::from_be_bytes(self.bytes()?);
        self.divided(numerator.into())
    }

    fn divided(&mut self, numerator: f64) -> Result<f64, Fault> {
        match u32::from_be_bytes(self.bytes()?) {
            0 => Err(Fault::Value(0)),
            denominator => Ok(numerator / f64::from(denominator)),
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Fault::TooShort)?;
        self.0 = rest;
        Ok(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(flags: u8, ratios: &[(i32, i32)]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 3, flags];
        for (numerator, denominator) in ratios {
            bytes.extend(numerator.to_be_bytes());
            bytes.extend(denominator.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn channels_are_read_in_their_order() {
        let channel = |i: i32| [(-i, 2), (i, 4), (i, 1), (i, 8), (-i, 16)];
        let ratios = [vec![(1, 4), (3, 1)], channel(1).into(), channel(2).into(), channel(3).into()].concat();
        let bytes = encoded(MULTICHANNEL, &ratios);
        assert_eq!(bytes.len(), 141);
        let metadata = GainMapMetadata::parse(&bytes).unwrap();
        assert!(metadata.is_multichannel && !metadata.use_base_colour_space);
        assert_eq!((metadata.writer_version, metadata.base_hdr_headroom), (3, 0.25));
        for (i, channel) in (1..).zip(metadata.channels) {
            let i = f64::from(i);
            let GainMapChannel { minimum, maximum, gamma, base_offset, alternate_offset } = channel;
            assert_eq!([minimum, maximum, gamma], [-i / 2.0, i / 4.0, i]);
            assert_eq!([base_offset, alternate_offset], [i / 8.0, -i / 16.0]);
        }
        for end in 0..bytes.len() {
            let short = Error::Metadata { kind: BoxType::JHGM, what: Fault::TooShort };
            assert_eq!(GainMapMetadata::parse(&bytes[..end]), Err(short));
        }
        // Large numerators are unsigned where they cannot be negative.
        let bytes = encoded(0, &[(-1, 1), (0, 1), (-1, 1), (0, 1), (-1, -1), (0, 1), (0, 1)]);
        let metadata = GainMapMetadata::parse(&bytes).unwrap();
        assert_eq!((metadata.base_hdr_headroom, metadata.channels[1].minimum), (f64::from(u32::MAX), -1.0));
        assert_eq!(metadata.channels[0].gamma, 1.0);
    }

    #[test]
    fn what_has_no_value_is_refused() {
        let good = [(0, 1), (1, 1), (0, 1), (1, 1), (1, 1), (0, 1), (0, 1)];
        assert!(GainMapMetadata::parse(&encoded(0, &good)).is_ok());
        let invalid = |what| Err(Error::Metadata { kind: BoxType::JHGM, what });
        for wrong in 0..good.len() {
            let mut ratios = good;
            ratios[wrong].1 = 0;
            assert_eq!(GainMapMetadata::parse(&encoded(0, &ratios)), invalid(Fault::Value(0)));
        }
        let mut no_gamma = good;
        no_gamma[4].0 = 0;
        assert_eq!(GainMapMetadata::parse(&encoded(0, &no_gamma)), invalid(Fault::Value(0)));
        let mut later = encoded(0, &good);
        later[1] = 7;
        assert_eq!(GainMapMetadata::parse(&later), invalid(Fault::LaterVersion(7)));
        later[1] = 0;
        later.extend(b"of a later version");
        assert!(GainMapMetadata::parse(&later).is_ok());
    }
}
