//! The original JPEG of a file that was made from one without loss, byte for byte.
//!
//! The quantised coefficients and tables are in the VarDCT frame, Exif, XMP and the ICC profile where every file has them;
//! what remains, from the order of the markers to the last padding bit, is in the `jbrd` box. No sample is computed.
//!
//! [`Decoder::jpeg_into`](crate::Decoder::jpeg_into) reconstructs; [`Error`] says why that cannot be.

mod coders;
mod data;
mod error;
mod huffman;
mod output;
mod scan;
mod structure;
mod writer;

pub use error::{Error, Fault, Mismatch};

use crate::container::{
    self, BoxType, BrotliError, BrotliUnpacker, Container, Content, MetadataBox, Unpacking,
};
use crate::error::Result;
use data::{AppContent, ReconstructionData};
use jxlake_frame::Error as FrameError;
use jxlake_frame::decoder::{Codestream, Context};
use jxlake_frame::limits::{Limit, Limits};
use jxlake_frame::vardct::JpegCoefficients;
use jxlake_util::Purpose;
use output::Output;
use std::io::Write;
use writer::{Sources, Workspace, Writer};

/// Memory for reconstructing one JPEG after another.
#[derive(Debug, Default)]
pub(crate) struct Reconstructor {
    data: ReconstructionData,
    unpacker: BrotliUnpacker,
    opaque: Vec<u8>,
    exif: Unpacking,
    xmp: Unpacking,
    coefficients: JpegCoefficients,
    workspace: Workspace,
}

/// A file whose codestream was begun.
pub(crate) struct OpenFile<'a> {
    pub(crate) boxes: Boxes<'a>,
    pub(crate) codestream: &'a mut Codestream,
    /// The codestream in one piece.
    pub(crate) codestream_data: &'a [u8],
    pub(crate) context: &'a Context,
}

/// A file as boxes.
#[derive(Clone, Copy)]
pub(crate) struct Boxes<'a> {
    pub(crate) container: &'a Container,
    pub(crate) file: &'a [u8],
}

/// Bytes of an `Exif` box before what a segment has.
const EXIF_OFFSET: u64 = 4;

impl Reconstructor {
    /// Writes the JPEG that the file was made from to `sink`, piece by piece.
    pub(crate) fn write(&mut self, open: OpenFile<'_>, sink: &mut dyn Write) -> Result<()> {
        let written = self.write_from(open, sink);
        self.coefficients.clear();
        written
    }

    fn write_from(&mut self, open: OpenFile<'_>, sink: &mut dyn Write) -> Result<()> {
        let Self { data, unpacker, opaque, exif, xmp, coefficients, workspace } = self;
        let OpenFile { boxes, codestream, codestream_data, context } = open;
        let jbrd = boxes.reconstruction_data()?;
        let compressed = data.read(jbrd)?;
        unpack(data, &jbrd[compressed..], unpacker, (&context.limits, opaque))?;
        check_icc(data, codestream.icc())?;
        let exif = boxes.exif(data, &context.limits, exif)?;
        let xmp = boxes.xmp(data, &context.limits, xmp)?;
        let is_gray = data.components.len() == 1;
        // The threads are entered once, and not for each phase.
        let decode = || codestream.jpeg_coefficients(codestream_data, context, is_gray, coefficients);
        context.threads.enter(decode).map_err(|error| boxes.container.whole_file_error(boxes.file, error))?;
        let bound = context.limits.jpeg_bytes.bound(boxes.file.len() as u64);
        let buffer = context.pool.buffer(Purpose::Output, output::BUFFER);
        let mut buffer = buffer.map_err(FrameError::from)?;
        let buffer = buffer.first_chunk_mut().ok_or(FrameError::Misuse("a buffer shorter than asked for"))?;
        let sources = Sources { data: jbrd, opaque, icc: codestream.icc(), exif, xmp };
        let writer = Writer { data, sources, coefficients, level: context.level };
        Ok(writer.write(&mut Output::new(buffer, sink, bound), workspace)?)
    }
}

/// Unpacks the compressed part, whose length is known.
fn unpack(
    data: &ReconstructionData,
    compressed: &[u8],
    unpacker: &mut BrotliUnpacker,
    (limits, opaque): (&Limits, &mut Vec<u8>),
) -> Result<()> {
    let length = data.opaque_length();
    limits.check(Limit::MetadataBoxBytes, length)?;
    match unpacker.unpack(compressed, length, opaque) {
        Ok(()) if opaque.len() as u64 == length => Ok(()),
        Err(BrotliError::NoMemory) => Err(container::Error::NoMemory(BoxType::JBRD).into()),
        Ok(()) | Err(_) => Err(Error::from(Fault::Compressed).into()),
    }
}

/// That ICC segments, if there are any, hold the profile.
fn check_icc(data: &ReconstructionData, profile: &[u8]) -> core::result::Result<(), Error> {
    let mut segments = data.apps.iter().filter(|app| app.content == AppContent::Icc).peekable();
    if segments.peek().is_none() {
        return Ok(());
    }
    let expected = segments.map(|app| u64::from(app.length - app.content.header_length())).sum();
    let found = profile.len() as u64;
    if expected == found { Ok(()) } else { Err(Mismatch::Icc { expected, found }.into()) }
}

impl<'a> Boxes<'a> {
    /// The content of the only `jbrd` box.
    fn reconstruction_data(&self) -> Result<&'a [u8]> {
        let mut found = self.container.metadata().iter().filter(|metadata| metadata.kind() == BoxType::JBRD);
        let first = self.or_missing(found.next(), Error::NoData)?;
        if found.next().is_some() {
            return Err(Error::from(Fault::Again).into());
        }
        match first.content(self.file)? {
            Content::Plain(content) => Ok(content),
            Content::Brotli(_) => Err(Error::from(Fault::Compressed).into()),
        }
    }

    /// The Exif metadata that are in a segment, without the offset before them.
    fn exif(
        &self,
        data: &ReconstructionData,
        limits: &Limits,
        unpacking: &'a mut Unpacking,
    ) -> Result<&'a [u8]> {
        let Some(length) = data.boxed_length(AppContent::Exif) else { return Ok(&[]) };
        let found = self.or_missing(self.container.find(BoxType::EXIF), Mismatch::NoExif.into())?;
        let mismatch = |found| Mismatch::Exif { expected: length, found };
        let content = self.content(found, EXIF_OFFSET + length, (limits, unpacking))?;
        let content = content.map_err(|found| mismatch(found.saturating_sub(EXIF_OFFSET)).into());
        content.map(|content| &content[EXIF_OFFSET as usize..]).map_err(|error: Error| error.into())
    }

    /// The XMP metadata that are in a segment.
    fn xmp(
        &self,
        data: &ReconstructionData,
        limits: &Limits,
        unpacking: &'a mut Unpacking,
    ) -> Result<&'a [u8]> {
        let expected = data.boxed_length(AppContent::Xmp).unwrap_or(0);
        if expected == 0 {
            return Ok(&[]);
        }
        let found = self.or_missing(self.container.find(BoxType::XML), Mismatch::NoXmp.into())?;
        let content = self.content(found, expected, (limits, unpacking))?;
        content.map_err(|found| Error::from(Mismatch::Xmp { expected, found }).into())
    }

    /// The content of a box that must have `expected` bytes; otherwise how many it has, at least.
    fn content(
        &self,
        metadata: &MetadataBox,
        expected: u64,
        (limits, unpacking): (&Limits, &'a mut Unpacking),
    ) -> Result<core::result::Result<&'a [u8], u64>> {
        // What is longer need not be unpacked.
        let bound = limits.metadata_box_bytes.min(expected);
        let limits = Limits { metadata_box_bytes: bound, ..*limits };
        match metadata.unpacked(self.file, &limits, unpacking) {
            Ok(content) if content.len() as u64 == expected => Ok(Ok(content)),
            Ok(content) => Ok(Err(content.len() as u64)),
            Err(container::Error::Limit { value, .. }) if bound == expected => Ok(Err(value)),
            Err(error) => Err(error.into()),
        }
    }

    /// A box; if it is not there, more of the file is needed, or else it is missing.
    fn or_missing<'b>(&self, found: Option<&'b MetadataBox>, missing: Error) -> Result<&'b MetadataBox> {
        match found {
            Some(found) => Ok(found),
            None if self.container.is_at_end(self.file) || self.container.fault().is_some() => {
                Err(missing.into())
            }
            None => Err(container::Error::Truncated { needed: None }.into()),
        }
    }
}

impl ReconstructionData {
    /// How many bytes of metadata the segment takes that has such content; `None` if there is no such segment.
    fn boxed_length(&self, content: AppContent) -> Option<u64> {
        let segment = self.apps.iter().find(|app| app.content == content)?;
        Some(u64::from(segment.length - content.header_length()))
    }
}
