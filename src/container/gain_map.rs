//! `jhgm`: a gain map, from which a brighter or darker rendition of the image is made.

use super::{BoxType, Error, Fault, GainMapMetadata};
use jxlake_entropy::BitReader;
use jxlake_frame::Error as FrameError;
use jxlake_frame::icc_stream::{IccScratch, read_icc_stream};
use jxlake_frame::image_header::ColourEncoding;
use jxlake_frame::limits::Limits;

/// The parts of a gain map box, in the bytes of its content.
///
/// ```
/// use jxlake::{Decoder, PixelFormat};
///
/// # let file = std::fs::read("testdata/box_gain_map.jxl")?;
/// let mut decoder = Decoder::new();
/// let pool = decoder.pool().clone();
/// let mut frames = decoder.open(&file)?;
/// if let Some(map) = frames.gain_map()? {
///     let headroom = map.metadata()?.map(|metadata| metadata.alternate_hdr_headroom);
///     // A decoder of its own, in the same memory.
///     let gains = Decoder::new().with_pool(pool).decode::<u8>(map.codestream, &PixelFormat::default())?;
///     println!("{} of gains, up to {headroom:?} stops brighter", gains.shape());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GainMap<'a> {
    /// Version of the box; 0 is the only one defined.
    pub version: u8,
    /// Gain map metadata of ISO 21496-1, read by [`metadata`](Self::metadata); empty if there are none.
    pub encoded_metadata: &'a [u8],
    /// A colour encoding as in an image header, read by [`colour_encoding`](Self::colour_encoding); empty if there is none.
    pub encoded_colour: &'a [u8],
    /// An encoded ICC profile as in a codestream, decoded by [`icc`](Self::icc); empty if there is none.
    pub encoded_icc: &'a [u8],
    /// A codestream without a container; may be empty. It needs a decoder of its own.
    pub codestream: &'a [u8],
}

impl<'a> GainMap<'a> {
    /// Divides the content of a `jhgm` box.
    ///
    /// # Errors
    ///
    /// [`Error::Metadata`] if a length in it is beyond its end.
    pub fn parse(content: &'a [u8]) -> Result<Self, Error> {
        let mut rest = content;
        let divided = (|| {
            let [version] = first(&mut rest)?;
            let length = first(&mut rest).map(u16::from_be_bytes)?;
            let encoded_metadata = take(&mut rest, length.into())?;
            let [length] = first(&mut rest)?;
            let encoded_colour = take(&mut rest, length.into())?;
            let length = first(&mut rest).map(u32::from_be_bytes)?;
            let encoded_icc = take(&mut rest, length)?;
            Some(Self { version, encoded_metadata, encoded_colour, encoded_icc, codestream: rest })
        })();
        divided.ok_or(TOO_SHORT)
    }

    /// How the map is applied.
    ///
    /// # Errors
    ///
    /// As [`GainMapMetadata::parse`].
    pub fn metadata(&self) -> crate::Result<Option<GainMapMetadata>> {
        if self.encoded_metadata.is_empty() {
            return Ok(None);
        }
        Ok(Some(GainMapMetadata::parse(self.encoded_metadata)?))
    }

    /// The colours of the alternate image, if an encoding describes them.
    ///
    /// # Errors
    ///
    /// If the encoding is invalid.
    pub fn colour_encoding(&self) -> crate::Result<Option<ColourEncoding>> {
        if self.encoded_colour.is_empty() {
            return Ok(None);
        }
        let encoding = ColourEncoding::read(&mut BitReader::new(self.encoded_colour));
        encoding.map(Some).map_err(complete)
    }

    /// The ICC profile of the colours of the alternate image, if one is there.
    ///
    /// # Errors
    ///
    /// If the profile cannot be decoded, or is larger than [`Limits::icc_bytes`].
    pub fn icc(&self, limits: &Limits) -> crate::Result<Option<Vec<u8>>> {
        if self.encoded_icc.is_empty() {
            return Ok(None);
        }
        let mut profile = Vec::new();
        let mut bits = BitReader::new(self.encoded_icc);
        read_icc_stream(&mut bits, limits, &mut IccScratch::default(), &mut profile).map_err(complete)?;
        Ok(Some(profile))
    }
}

const TOO_SHORT: Error = Error::Metadata { kind: BoxType::JHGM, what: Fault::TooShort };

/// More of the file cannot help a part that is complete.
fn complete(error: FrameError) -> crate::Error {
    match error {
        FrameError::Truncated { .. } => TOO_SHORT.into(),
        error => error.into(),
    }
}

fn first<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*bytes)
}

fn take<'a>(rest: &mut &'a [u8], length: u32) -> Option<&'a [u8]> {
    let (bytes, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = after;
    Some(bytes)
}
