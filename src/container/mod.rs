//! The file around a codestream: signatures, boxes, and the pieces of the codestream in them.
//!
//! A [`Container`] walks over the boxes of a file that may still be growing. It copies nothing: boxes are noted by type
//! and byte range, and the codestream is a [view](Codestream) of the file.

mod box_header;
mod brotli;
mod codestream;
mod error;
mod frame_index;
mod gain_map;
mod gain_map_metadata;
mod metadata;
mod signature;
#[cfg(test)]
mod tests;

pub use box_header::BoxType;
pub use brotli::{BrotliError, BrotliUnpacker};
pub use codestream::Codestream;
pub use error::{Error, Fault};
pub use frame_index::{FrameIndex, FrameIndexEntry};
pub use gain_map::GainMap;
pub use gain_map_metadata::{GainMapChannel, GainMapMetadata};
pub use metadata::{Content, MetadataBox, Unpacking, exif_tiff};
pub use signature::Signature;

use core::ops::Range;

use jxlake_frame::limits::{Limit, Limits};

use box_header::{BoxHeader, Stop, UNBOUNDED};
use codestream::Part;

/// The boxes of a file.
///
/// One value is kept for many files; its lists keep their storage. [`read`](Self::read) may be called again and again
/// with more of the same file, and goes on where it stopped.
///
/// A broken rule, the [`fault`](Self::fault), ends the walk. It takes nothing away from what lies before it: a picture
/// whose codestream is complete does not suffer from garbage behind it. A decoder that needs more of the codestream than
/// there is asks [`shortage`](Self::shortage) for the reason.
///
/// ```
/// use jxlake::container::Container;
/// use jxlake_frame::limits::Limits;
///
/// let file = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl \0\0\0\x0bjxlc\xff\x0a\x41";
/// let mut container = Container::default();
/// container.read(file, &Limits::default());
/// assert_eq!(container.codestream(file).contiguous(), Some(&[0xff, 0x0a, 0x41][..]));
/// ```
#[derive(Debug, Clone)]
pub struct Container {
    state: State,
    /// Where the next box begins in the file.
    position: u64,
    /// How many bytes of the file the walk needs to go on.
    needed: u64,
    boxes: u64,
    /// Minor version of the file type.
    version: u32,
    level: Option<u8>,
    codestream: Assembly,
    metadata: Vec<MetadataBox>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the first byte of the file.
    Signature,
    /// At a box header.
    Boxes,
    /// The rest of the file belongs to the last box, or to a bare codestream.
    End,
    /// A rule is broken.
    Failed(Error),
}

/// The pieces of the codestream and what may still come.
#[derive(Debug, Clone, Default)]
struct Assembly {
    parts: Vec<Part>,
    length: u64,
    /// The number of the `jxlp` box that comes next.
    next: u32,
    /// Whether the last part has been added.
    ended: bool,
    /// Where the part that was added last ends in the file.
    end: u64,
    /// Parts that came before their turn, last turn first.
    pending: Vec<PendingPart>,
    pending_bytes: u64,
}

#[derive(Debug, Clone)]
struct PendingPart {
    counter: u32,
    is_last: bool,
    file: Range<u64>,
}

impl Default for Container {
    fn default() -> Self {
        Self {
            state: State::Signature,
            position: 0,
            needed: 2,
            boxes: 0,
            version: 0,
            level: None,
            codestream: Assembly::default(),
            metadata: Vec::new(),
        }
    }
}

impl Container {
    /// Prepares for another file; lists keep their storage.
    pub fn reset(&mut self) {
        let Self { codestream, metadata, .. } = core::mem::take(self);
        let Assembly { mut parts, mut pending, .. } = codestream;
        parts.clear();
        pending.clear();
        self.codestream = Assembly { parts, pending, ..Assembly::default() };
        self.metadata = metadata;
        self.metadata.clear();
    }

    /// Walks over the boxes of `file` as far as their headers are there. `file` is the file from its first byte; in a
    /// later call it may be longer, but must begin with the same bytes.
    pub fn read(&mut self, file: &[u8], limits: &Limits) {
        loop {
            let step = match self.state {
                State::Signature => self.read_signature(file),
                State::Boxes => self.read_box(file, limits),
                State::End | State::Failed(_) => return,
            };
            match step {
                Ok(state) => self.state = state,
                Err(Halt::Needs(bytes)) => {
                    self.needed = bytes;
                    return;
                }
                Err(Halt::Failed(error)) => self.state = State::Failed(error),
            }
        }
    }

    fn read_signature(&mut self, file: &[u8]) -> Result<State, Halt> {
        match Signature::of(file) {
            Signature::Codestream => {
                self.codestream.append(0..UNBOUNDED);
                self.codestream.ended = true;
                Ok(State::End)
            }
            Signature::Container => {
                self.position = signature::CONTAINER.len() as u64;
                Ok(State::Boxes)
            }
            Signature::NotYetKnown { needed } => Err(Halt::Needs(needed as u64)),
            Signature::NotJpegXl => Err(Halt::Failed(Error::NotJpegXl)),
        }
    }

    /// Takes note of the box at `position` and goes behind it; changes nothing if more bytes are needed.
    fn read_box(&mut self, file: &[u8], limits: &Limits) -> Result<State, Halt> {
        let position = self.position;
        let at = |stop| Halt::new(stop, position);
        let header = BoxHeader::read(file, position).map_err(at)?;
        over(Limit::Boxes, self.boxes + 1, limits.boxes)?;
        let first = self.boxes == 0;
        match header.kind {
            BoxType::FTYP if !first => return Err(at(Stop::Fault(Fault::FileTypeAgain))),
            BoxType::FTYP => self.version = read_file_type(&header, file).map_err(at)?,
            _ if first => return Err(at(Stop::Fault(Fault::FileTypeMissing))),
            BoxType::JXLC => self.codestream.add_whole(header.start..header.end).map_err(at)?,
            BoxType::JXLP => {
                let index = header.first(file).map(u32::from_be_bytes).map_err(at)?;
                let part = PendingPart {
                    counter: index & 0x7fff_ffff,
                    is_last: index >> 31 != 0,
                    file: header.start + 4..header.end,
                };
                self.codestream.add_part(part, self.version, limits).map_err(|halt| match halt {
                    PartHalt::Fault(fault) => at(Stop::Fault(fault)),
                    PartHalt::Limit(error) => Halt::Failed(error),
                })?;
            }
            BoxType::JXLL if header.length() == 1 => {
                let [level] = header.first(file).map_err(at)?;
                self.level = self.level.or(Some(level));
            }
            BoxType::JXLL => {}
            _ => self.metadata.push(MetadataBox::new(&header, file).map_err(at)?),
        }
        self.boxes += 1;
        self.position = header.end;
        Ok(if header.end == UNBOUNDED { State::End } else { State::Boxes })
    }

    /// The codestream as far as `file` has it; `file` is that of the last [`read`](Self::read).
    pub fn codestream<'a>(&'a self, file: &'a [u8]) -> Codestream<'a> {
        Codestream::new(file, &self.codestream.parts)
    }

    /// The error of a decoder that needs more of the codestream than `file` holds: a fault of the file, or how much of
    /// the file is needed to have at least `codestream_needed` bytes of the codestream.
    pub fn shortage(&self, file: &[u8], codestream_needed: Option<u64>) -> Error {
        let there = file.len() as u64;
        if let Some(part) = self.codestream.parts.iter().find(|part| part.file.end > there) {
            // The walk can be ahead of the codestream, so a fault behind this part does not matter yet.
            let wanted = codestream_needed.map_or(0, |needed| needed.saturating_sub(part.start));
            let needed = part.file.start.saturating_add(wanted).min(part.file.end).max(there + 1);
            return Error::Truncated { needed: Some(needed) };
        }
        match self.state {
            // Whether a fault behind the end of the codestream has been met already makes no difference.
            _ if self.codestream.ended => {
                Error::Invalid { what: Fault::CodestreamTooShort, position: self.codestream.end }
            }
            State::Failed(error) => error,
            State::End => Error::Truncated { needed: None },
            _ if self.position > there => Error::Truncated { needed: Some(self.position.saturating_add(8)) },
            _ => Error::Truncated { needed: Some(self.needed.max(there + 1)) },
        }
    }

    /// An error of the codestream as one of `file`: if the codestream is too short, the [`shortage`](Self::shortage).
    pub(crate) fn whole_file_error(&self, file: &[u8], error: jxlake_frame::Error) -> crate::Error {
        match error {
            jxlake_frame::Error::Truncated { needed } => self.shortage(file, needed).into(),
            error => error.into(),
        }
    }

    /// The rule that the file breaks, if the walk has met one.
    pub fn fault(&self) -> Option<Error> {
        match self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// What the file is, as far as that is known.
    pub fn signature(&self) -> Signature {
        match self.state {
            State::Signature => Signature::NotYetKnown { needed: self.needed as usize },
            State::Failed(Error::NotJpegXl) => Signature::NotJpegXl,
            _ if self.position == 0 => Signature::Codestream,
            _ => Signature::Container,
        }
    }

    /// The level that the file claims for its codestream, 5 or 10 if it is right; a hint.
    pub fn level(&self) -> Option<u8> {
        self.level
    }

    /// The boxes beside the codestream, in the order of the file: known metadata and unknown boxes alike.
    pub fn metadata(&self) -> &[MetadataBox] {
        &self.metadata
    }

    /// The first box of a type, compressed or not.
    pub fn find(&self, kind: BoxType) -> Option<&MetadataBox> {
        self.metadata.iter().find(|metadata| metadata.kind() == kind)
    }

    /// Whether there is a `jbrd` box: what it takes to reconstruct the JPEG that the file was made from, as far as the walk
    /// has come.
    pub fn has_jpeg(&self) -> bool {
        self.find(BoxType::JBRD).is_some()
    }

    /// Whether the walk has come to the end of a `file` to which no more will be added, so that
    /// [`metadata`](Self::metadata) is all there is.
    pub fn is_at_end(&self, file: &[u8]) -> bool {
        match self.state {
            State::Boxes => self.position == file.len() as u64,
            State::End => true,
            State::Signature | State::Failed(_) => false,
        }
    }
}

impl Assembly {
    /// `jxlc`: the whole codestream.
    fn add_whole(&mut self, file: Range<u64>) -> Result<(), Stop> {
        if self.ended || self.next > 0 || !self.pending.is_empty() {
            return Err(Stop::Fault(Fault::CodestreamAgain));
        }
        self.append(file);
        self.ended = true;
        Ok(())
    }

    /// `jxlp`: a part of the codestream, in its turn or, in version 1, before it.
    fn add_part(&mut self, part: PendingPart, version: u32, limits: &Limits) -> Result<(), PartHalt> {
        let (counter, expected) = (part.counter, self.next);
        if self.ended {
            return Err(PartHalt::Fault(Fault::CodestreamAgain));
        }
        if counter < expected {
            return Err(PartHalt::Fault(Fault::PartAgain(counter)));
        }
        if counter > expected {
            if version != 1 || part.file.end == UNBOUNDED {
                return Err(PartHalt::Fault(Fault::PartOrder { counter, expected }));
            }
            return self.hold(part, limits);
        }
        self.add_next(part);
        while let Some(part) = self.pending.pop_if(|part| part.counter == self.next) {
            self.pending_bytes -= part.file.end - part.file.start;
            self.add_next(part);
        }
        Ok(())
    }

    fn add_next(&mut self, part: PendingPart) {
        self.append(part.file);
        self.next += 1;
        self.ended |= part.is_last;
    }

    /// Keeps a part until its turn comes.
    fn hold(&mut self, part: PendingPart, limits: &Limits) -> Result<(), PartHalt> {
        let place = match self.pending.binary_search_by(|held| part.counter.cmp(&held.counter)) {
            Ok(_) => return Err(PartHalt::Fault(Fault::PartAgain(part.counter))),
            Err(place) => place,
        };
        let bytes = self.pending_bytes.saturating_add(part.file.end - part.file.start);
        over(Limit::PendingParts, self.pending.len() as u64 + 1, limits.pending_parts)?;
        over(Limit::PendingPartBytes, bytes, limits.pending_part_bytes)?;
        self.pending_bytes = bytes;
        self.pending.insert(place, part);
        Ok(())
    }

    fn append(&mut self, file: Range<u64>) {
        let length = file.end - file.start;
        self.end = file.end;
        if length > 0 {
            self.parts.push(Part { file, start: self.length });
            self.length = self.length.saturating_add(length);
        }
    }
}

/// `ftyp`: checks brand and version, and returns the version.
fn read_file_type(header: &BoxHeader, file: &[u8]) -> Result<u32, Stop> {
    if header.length() < 12 {
        return Err(Stop::Fault(Fault::FileType));
    }
    let [brand @ .., v0, v1, v2, v3] = header.first::<8>(file)?;
    if &brand != b"jxl " {
        return Err(Stop::Fault(Fault::FileType));
    }
    match u32::from_be_bytes([v0, v1, v2, v3]) {
        version @ 0..=1 => Ok(version),
        version => Err(Stop::Fault(Fault::FileVersion(version))),
    }
}

/// Why the walk does not go on.
enum Halt {
    Needs(u64),
    Failed(Error),
}

impl Halt {
    fn new(stop: Stop, position: u64) -> Self {
        match stop {
            Stop::Needs(bytes) => Self::Needs(bytes),
            Stop::Fault(what) => Self::Failed(Error::Invalid { what, position }),
        }
    }
}

/// Why a part of the codestream is not taken.
enum PartHalt {
    Fault(Fault),
    Limit(Error),
}

struct OverLimit(Error);

impl From<OverLimit> for Halt {
    fn from(OverLimit(error): OverLimit) -> Self {
        Self::Failed(error)
    }
}

impl From<OverLimit> for PartHalt {
    fn from(OverLimit(error): OverLimit) -> Self {
        Self::Limit(error)
    }
}

fn over(limit: Limit, value: u64, bound: u64) -> Result<(), OverLimit> {
    if value > bound { Err(OverLimit(Error::Limit { limit, value, bound })) } else { Ok(()) }
}
