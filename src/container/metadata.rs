//! Boxes beside the codestream: noted without a copy, looked into when somebody asks.

use core::ops::Range;

use jxlake_frame::limits::{Limit, Limits};

use super::box_header::{BoxHeader, Stop, UNBOUNDED};
use super::{BoxType, BrotliError, BrotliUnpacker, Error, Fault};

/// A box that is not part of the codestream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataBox {
    kind: BoxType,
    compressed: bool,
    /// The content in the file, as declared.
    file: Range<u64>,
    fault: Option<Fault>,
}

/// What a metadata box holds, in the file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// The content itself.
    Plain(&'a [u8]),
    /// The content as a Brotli stream (RFC 7932), which must end where these bytes end.
    Brotli(&'a [u8]),
}

/// Memory for unpacking boxes, one after another.
#[derive(Debug, Default)]
pub struct Unpacking {
    unpacker: BrotliUnpacker,
    content: Vec<u8>,
}

impl MetadataBox {
    /// Takes note of a box; for `brob` the type inside must be there.
    pub(super) fn new(header: &BoxHeader, file: &[u8]) -> Result<Self, Stop> {
        let range = header.start..header.end;
        if header.kind != BoxType::BROB {
            return Ok(Self { kind: header.kind, compressed: false, file: range, fault: None });
        }
        if header.length() < 4 {
            return Ok(Self {
                kind: header.kind,
                compressed: true,
                file: range,
                fault: Some(Fault::TooShort),
            });
        }
        let kind = BoxType(header.first(file)?);
        let fault = (!kind.may_be_compressed()).then_some(Fault::Compressed(kind));
        // A type that must not be compressed is not passed off as a box of that type.
        let kind = if fault.is_some() { BoxType::BROB } else { kind };
        Ok(Self { kind, compressed: true, file: header.start + 4..header.end, fault })
    }

    /// The type of the box; of a compressed box the type of its content.
    pub fn kind(&self) -> BoxType {
        self.kind
    }

    /// Whether the content is compressed (a `brob` box).
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Where the content lies in the file (compressed content without the type before it), in bytes. The end may be
    /// beyond the end of the file; it is `None` for a box that goes to the end of the file.
    pub fn range(&self) -> (u64, Option<u64>) {
        (self.file.start, (self.file.end != UNBOUNDED).then_some(self.file.end))
    }

    /// The content, in the bytes of the file. A box that goes to the end of the file is taken to end with `file`.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] if the content is not all there, [`Error::Metadata`] if the box is invalid.
    pub fn content<'a>(&self, file: &'a [u8]) -> Result<Content<'a>, Error> {
        if let Some(what) = self.fault {
            return Err(Error::Metadata { kind: self.kind, what });
        }
        let there = file.len() as u64;
        let end = if self.file.end == UNBOUNDED { there } else { self.file.end };
        let bytes = usize::try_from(self.file.start)
            .and_then(|start| Ok(start..usize::try_from(end)?))
            .ok()
            .and_then(|range| file.get(range))
            .ok_or(Error::Truncated { needed: Some(end.max(self.file.start)) })?;
        Ok(if self.compressed { Content::Brotli(bytes) } else { Content::Plain(bytes) })
    }

    /// The content, unpacked into `unpacking` if it is compressed, without a copy if it is not.
    ///
    /// # Errors
    ///
    /// As [`content`](Self::content), and if the content cannot be unpacked: [`Error::Limit`] if it is longer than
    /// [`Limits::metadata_box_bytes`].
    ///
    /// ```
    /// use jxlake::container::{BoxType, Container, Unpacking};
    /// use jxlake::Limits;
    ///
    /// let file = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl \
    ///     \0\0\0\x15brobxml \x40\0\x10hello\x03";
    /// let (mut container, limits, mut unpacking) = (Container::default(), Limits::default(), Unpacking::default());
    /// container.read(file, &limits);
    /// let xml = container.find(BoxType::XML).expect("a box");
    /// assert_eq!(xml.unpacked(file, &limits, &mut unpacking)?, b"hello");
    /// # Ok::<(), jxlake::container::Error>(())
    /// ```
    pub fn unpacked<'a>(
        &self,
        file: &'a [u8],
        limits: &Limits,
        unpacking: &'a mut Unpacking,
    ) -> Result<&'a [u8], Error> {
        let stream = match self.content(file)? {
            Content::Plain(bytes) => return Ok(bytes),
            Content::Brotli(stream) => stream,
        };
        let Unpacking { unpacker, content } = unpacking;
        let bound = limits.metadata_box_bytes;
        unpacker.unpack(stream, bound, content).map_err(|error| match error {
            BrotliError::TooLong => {
                Error::Limit { limit: Limit::MetadataBoxBytes, value: bound.saturating_add(1), bound }
            }
            BrotliError::NoMemory => Error::NoMemory(self.kind),
            error => Error::Metadata { kind: self.kind, what: error.into() },
        })?;
        Ok(content)
    }
}

/// The TIFF structure inside the content of an `Exif` box.
///
/// The orientation in it is not to be applied: that of the image header holds.
///
/// # Errors
///
/// [`Error::Metadata`] if the content is shorter than its offset field or the offset points outside.
///
/// ```
/// use jxlake::container::exif_tiff;
///
/// assert_eq!(exif_tiff(b"\0\0\0\x02..MM\0*"), Ok(&b"MM\0*"[..]));
/// assert!(exif_tiff(b"\0\0\0\x04MM\0*").is_err());
/// ```
pub fn exif_tiff(content: &[u8]) -> Result<&[u8], Error> {
    let invalid = |what| Error::Metadata { kind: BoxType::EXIF, what };
    let (offset, rest) = content.split_first_chunk().ok_or_else(|| invalid(Fault::TooShort))?;
    let offset = usize::try_from(u32::from_be_bytes(*offset)).unwrap_or(usize::MAX);
    rest.get(offset..).filter(|tiff| !tiff.is_empty()).ok_or_else(|| invalid(Fault::Offset))
}
