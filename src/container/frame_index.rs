//! `jxli`: where in the codestream decoding can begin.

use super::{BoxType, Error, Fault};

/// The frame index of a file: a hint, which may be wrong in every respect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrameIndex {
    /// Numerator of the length of a tick in seconds.
    pub tick_numerator: u32,
    /// Denominator of the length of a tick in seconds, not 0.
    pub tick_denominator: u32,
    /// Frames at which decoding can begin, in the order of the codestream; the first is the first frame.
    pub entries: Vec<FrameIndexEntry>,
}

/// A frame at which decoding can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameIndexEntry {
    /// Where its header begins, in bytes of the codestream.
    pub offset: u64,
    /// Ticks from here to the next entry, or to the end; not reliable in practice.
    pub ticks: u64,
    /// Frames that are shown from here to the next entry, or to the end.
    pub frames: u64,
}

impl FrameIndex {
    /// Reads the content of a `jxli` box into this index; the list keeps its storage.
    ///
    /// # Errors
    ///
    /// [`Error::Metadata`] if the content is too short, a number too long, a tick without length, or an offset beyond
    /// 2^64. The index then has no entries.
    pub fn read(&mut self, content: &[u8]) -> Result<(), Error> {
        let result = self.read_content(content);
        if result.is_err() {
            self.entries.clear();
        }
        result.map_err(|what| Error::Metadata { kind: BoxType::JXLI, what })
    }

    /// The last entry at or before a displayed frame, by its number from 0, and the number of the entry's own frame; `None`
    /// of an index without entries.
    ///
    /// ```
    /// use jxlake::container::FrameIndex;
    ///
    /// let mut index = FrameIndex::default();
    /// index.read(&[2, 0, 0, 0, 1, 0, 0, 3, 232, 9, 0, 4, 70, 0, 6])?; // keyframes: 0 at byte 9, 4 at byte 79
    /// assert_eq!(index.keyframe(3).map(|(entry, first)| (entry.offset, first)), Some((9, 0)));
    /// assert_eq!(index.keyframe(5).map(|(entry, first)| (entry.offset, first)), Some((79, 4)));
    /// # Ok::<(), jxlake::container::Error>(())
    /// ```
    pub fn keyframe(&self, frame: u64) -> Option<(&FrameIndexEntry, u64)> {
        let mut next = 0u64;
        let numbered = self.entries.iter().map(|entry| {
            let first = next;
            next = next.saturating_add(entry.frames);
            (entry, first)
        });
        numbered.take_while(|&(_, first)| first <= frame).last()
    }

    fn read_content(&mut self, mut content: &[u8]) -> Result<(), Fault> {
        self.entries.clear();
        let count = varint(&mut content)?;
        self.tick_numerator = be32(&mut content)?;
        self.tick_denominator = be32(&mut content)?;
        if self.tick_denominator == 0 {
            return Err(Fault::Value(0));
        }
        // Each entry takes three bytes at least.
        if count > content.len() as u64 / 3 {
            return Err(Fault::TooShort);
        }
        self.entries.reserve(count as usize);
        let mut offset: u64 = 0;
        for _ in 0..count {
            offset = offset.checked_add(varint(&mut content)?).ok_or(Fault::Offset)?;
            let (ticks, frames) = (varint(&mut content)?, varint(&mut content)?);
            self.entries.push(FrameIndexEntry { offset, ticks, frames });
        }
        Ok(())
    }
}

/// A number of seven bits a byte, least significant first; the top bit says that another byte follows.
fn varint(content: &mut &[u8]) -> Result<u64, Fault> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = content.split_first().ok_or(Fault::TooShort)?;
        *content = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(Fault::Number);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Fault::Number)
}

fn be32(content: &mut &[u8]) -> Result<u32, Fault> {
    let (bytes, rest) = content.split_first_chunk().ok_or(Fault::TooShort)?;
    *content = rest;
    Ok(u32::from_be_bytes(*bytes))
}
