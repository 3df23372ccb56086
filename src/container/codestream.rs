//! The codestream of a file: one slice of it, or several that follow each other.

use core::ops::Range;

/// A piece of the codestream within the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Where it lies in the file; it may reach beyond the bytes that are there.
    pub(super) file: Range<u64>,
    /// Where it begins in the codestream.
    pub(super) start: u64,
}

/// The codestream of a file as far as it is there: a view, without a copy.
#[derive(Debug, Clone, Copy)]
pub struct Codestream<'a> {
    file: &'a [u8],
    /// Without empty ones, in order.
    parts: &'a [Part],
    length: u64,
}

impl<'a> Codestream<'a> {
    /// Views the parts as far as `file` has them.
    pub(super) fn new(file: &'a [u8], parts: &'a [Part]) -> Self {
        let there = file.len() as u64;
        // Parts may come in any order in the file, so the first that is cut ends the view.
        let whole = parts.iter().take_while(|part| part.file.end <= there).count();
        let cut = parts.get(whole).map_or(0, |part| there.saturating_sub(part.file.start));
        let before = match (parts.get(whole), whole.checked_sub(1).and_then(|last| parts.get(last))) {
            (Some(part), _) => part.start,
            (None, Some(last)) => last.start + (last.file.end - last.file.start),
            (None, None) => 0,
        };
        let shown = whole + usize::from(cut > 0);
        Self { file, parts: &parts[..shown], length: before + cut }
    }

    /// Bytes of the codestream that are there.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// All that is there, if it lies in one piece.
    pub fn contiguous(&self) -> Option<&'a [u8]> {
        match self.parts {
            [] => Some(&[]),
            [part] => Some(self.bytes_of(part)),
            _ => None,
        }
    }

    /// A range of the codestream, if it is there and lies in one piece.
    pub fn slice(&self, range: Range<u64>) -> Option<&'a [u8]> {
        let last = self.parts.partition_point(|part| part.start <= range.start).checked_sub(1)?;
        let part = &self.parts[last];
        let start = usize::try_from(range.start - part.start).ok()?;
        let end = usize::try_from(range.end.checked_sub(part.start)?).ok()?;
        self.bytes_of(part).get(start..end)
    }

    /// The pieces of the codestream from the offset `from` on, in order.
    pub fn pieces(&self, from: u64) -> impl Iterator<Item = &'a [u8]> {
        let first = self.parts.partition_point(|part| part.start <= from).saturating_sub(1);
        let view = *self;
        self.parts[first..].iter().map(move |part| {
            let bytes = view.bytes_of(part);
            let skipped = from.saturating_sub(part.start).min(bytes.len() as u64);
            &bytes[skipped as usize..]
        })
    }

    /// Where the last piece begins, and its bytes.
    pub(crate) fn last_piece(&self) -> (u64, &'a [u8]) {
        self.parts.last().map_or((0, &[]), |part| (part.start, self.bytes_of(part)))
    }

    /// Copies the codestream from the offset `from` on into `out`, one piece after the other, until either is at its
    /// end; returns the number of bytes copied.
    pub fn gather(&self, from: u64, out: &mut [u8]) -> usize {
        let mut filled = 0;
        for piece in self.pieces(from) {
            let room = &mut out[filled..];
            let length = piece.len().min(room.len());
            room[..length].copy_from_slice(&piece[..length]);
            filled += length;
        }
        filled
    }

    /// The bytes of a part as far as they are there.
    fn bytes_of(&self, part: &Part) -> &'a [u8] {
        let start = usize::try_from(part.file.start).unwrap_or(usize::MAX).min(self.file.len());
        let end = usize::try_from(part.file.end).unwrap_or(usize::MAX).min(self.file.len());
        &self.file[start..end]
    }
}
