//! `jhgm`: a gain map, from which a brighter or darker rendition of the image is made.

use super::{BoxType, Error, Fault};

/// The parts of a gain map box, in the bytes of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GainMap<'a> {
    /// Version of the box; 0 is the only one defined.
    pub version: u8,
    /// Gain map metadata of ISO 21496-1.
    pub metadata: &'a [u8],
    /// A [`ColourEncoding`](jxlake_frame::image_header::ColourEncoding), padded to bytes; empty if there is none.
    pub colour_encoding: &'a [u8],
    /// An encoded ICC profile as in a codestream, padded to bytes; empty if there is none.
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
            let metadata = take(&mut rest, length.into())?;
            let [length] = first(&mut rest)?;
            let colour_encoding = take(&mut rest, length.into())?;
            let length = first(&mut rest).map(u32::from_be_bytes)?;
            let encoded_icc = take(&mut rest, length)?;
            Some(Self { version, metadata, colour_encoding, encoded_icc, codestream: rest })
        })();
        divided.ok_or(Error::Metadata { kind: BoxType::JHGM, what: Fault::TooShort })
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
