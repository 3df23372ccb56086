//! Brotli streams (RFC 7932) in boxes, unpacked up to a bound.

use brotli_decompressor::{
    Allocator, BrotliDecompressStream, BrotliResult, BrotliState, HuffmanCode, SliceWrapper, SliceWrapperMut,
};

/// Unpacks Brotli streams, one after another, and keeps its memory from one to the next.
///
/// ```
/// use jxlake::container::{BrotliError, BrotliUnpacker};
///
/// let (mut unpacker, mut out) = (BrotliUnpacker::default(), Vec::new());
/// let stream = [0x40, 0x00, 0x10, b'h', b'e', b'l', b'l', b'o', 0x03];
/// assert_eq!(unpacker.unpack(&stream, 5, &mut out), Ok(()));
/// assert_eq!(out, b"hello");
/// assert_eq!(unpacker.unpack(&stream, 4, &mut out), Err(BrotliError::TooLong));
/// ```
#[derive(Debug, Default)]
pub struct BrotliUnpacker {
    bytes: Vec<Vec<u8>>,
    words: Vec<Vec<u32>>,
    codes: Vec<Vec<HuffmanCode>>,
}

/// Why a Brotli stream could not be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrotliError {
    /// The stream breaks its format.
    #[error("an invalid Brotli stream")]
    Invalid,
    /// The stream goes on where its bytes end.
    #[error("a Brotli stream without an end")]
    Unfinished,
    /// So many bytes follow the end of the stream.
    #[error("{0} bytes behind a Brotli stream")]
    Trailing(usize),
    /// The content is longer than the bound.
    #[error("a Brotli stream of more content than allowed")]
    TooLong,
    /// The system has no memory for the content.
    #[error("no memory for the content of a Brotli stream")]
    NoMemory,
}

/// Input is handed over in pieces whose length fits the 32 bits that the decoder counts with.
const PIECE: usize = 1 << 30;
/// The content is asked for in pieces that grow with what has come, from this.
const FIRST_STEP: usize = 1 << 12;

impl BrotliUnpacker {
    /// Unpacks the content of `stream`, which must end where these bytes end, into `out`, whose content before is lost.
    /// Beside `out` this holds 16 MiB and some tables at most, whatever the stream says.
    ///
    /// # Errors
    ///
    /// [`BrotliError::TooLong`] as soon as there are more than `bound` bytes; all others mean that the stream cannot be
    /// unpacked. `out` is then empty.
    pub fn unpack(&mut self, stream: &[u8], bound: u64, out: &mut Vec<u8>) -> Result<(), BrotliError> {
        out.clear();
        let unpacked = self.unpack_onto(stream, bound, out);
        if unpacked.is_err() {
            out.clear();
        }
        unpacked
    }

    fn unpack_onto(&mut self, stream: &[u8], bound: u64, out: &mut Vec<u8>) -> Result<(), BrotliError> {
        let Self { bytes, words, codes } = self;
        // Strict: without the extension to windows of 1 GiB.
        let mut state = BrotliState::new_strict(Shelf(bytes), Shelf(words), Shelf(codes));
        let bound = usize::try_from(bound).unwrap_or(usize::MAX);
        let (mut position, mut filled, mut total) = (0, 0, 0);
        loop {
            let mut available_in = (stream.len() - position).min(PIECE);
            let mut room = out.len() - filled;
            let result = BrotliDecompressStream(
                &mut available_in,
                &mut position,
                stream,
                &mut room,
                &mut filled,
                out,
                &mut total,
                &mut state,
            );
            match result {
                BrotliResult::ResultSuccess => break,
                BrotliResult::ResultFailure => return Err(BrotliError::Invalid),
                BrotliResult::NeedsMoreInput if position == stream.len() => {
                    return Err(BrotliError::Unfinished);
                }
                BrotliResult::NeedsMoreInput => {}
                BrotliResult::NeedsMoreOutput if filled > bound => return Err(BrotliError::TooLong),
                BrotliResult::NeedsMoreOutput => {
                    // One byte beyond the bound tells that there is more.
                    let longer = (2 * filled).max(FIRST_STEP).min(bound.saturating_add(1));
                    out.try_reserve(longer - filled).map_err(|_| BrotliError::NoMemory)?;
                    out.resize(longer, 0);
                }
            }
        }
        out.truncate(filled);
        match stream.len() - position {
            _ if filled > bound => Err(BrotliError::TooLong),
            0 => Ok(()),
            trailing => Err(BrotliError::Trailing(trailing)),
        }
    }
}

/// Where the decoder takes its tables from and puts them back.
struct Shelf<'u, T>(&'u mut Vec<Vec<T>>);

/// A table of the decoder.
struct Table<T>(Vec<T>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> SliceWrapper<T> for Table<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Table<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Clone + Default> Allocator<T> for Shelf<'_, T> {
    type AllocatedMemory = Table<T>;

    /// The smallest table that is large enough, or the largest grown; an empty one, which is an error to the decoder, if
    /// there is no memory.
    fn alloc_cell(&mut self, length: usize) -> Table<T> {
        let fits = |table: &Vec<T>| (table.capacity() < length, table.capacity().abs_diff(length));
        let best = (0..self.0.len()).min_by_key(|&place| fits(&self.0[place]));
        let mut table = best.map_or_else(Vec::new, |place| self.0.swap_remove(place));
        table.clear();
        if table.try_reserve_exact(length).is_err() {
            return Table::default();
        }
        table.resize(length, T::default());
        Table(table)
    }

    fn free_cell(&mut self, Table(table): Table<T>) {
        if table.capacity() > 0 {
            self.0.push(table);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of uncompressed metablocks: RFC 7932, 9.2.
    fn stored(content: &[u8]) -> Vec<u8> {
        // Window of 16 bits; then for each piece of up to 2^16 bytes: not last, four nibbles of length - 1, uncompressed.
        let mut bits = Bits::default();
        bits.put(0, 1);
        for piece in content.chunks(1 << 16) {
            bits.put(0, 1);
            bits.put(0, 2);
            bits.put(piece.len() as u64 - 1, 16);
            bits.put(1, 1);
            bits.align();
            bits.0.extend(piece);
            bits.1 = 0;
        }
        bits.put(0b11, 2);
        bits.0
    }

    /// A stream of `length` bytes 'A' in one command after one literal: tens of bytes for gigabytes.
    fn bomb(metablocks: usize) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.put(0, 1);
        for _ in 0..metablocks {
            let length = 1 << 24;
            bits.put(0, 1);
            bits.put(2, 2);
            bits.put(length - 1, 24);
            bits.put(0, 1);
            // One block type of each kind; no postfix, no direct distances; literals without context; one tree of each.
            bits.put(0, 3);
            bits.put(0, 6);
            bits.put(0, 2);
            bits.put(0, 2);
            // Literals: one symbol, 'A'. Commands: one symbol, 1 literal and a copy with 24 extra bits. Distances: the last.
            bits.put(1, 2);
            bits.put(0, 2);
            bits.put(u64::from(b'A'), 8);
            bits.put(1, 2);
            bits.put(0, 2);
            bits.put(INSERT_1_COPY_LONG, 10);
            bits.put(1, 2);
            bits.put(0, 2);
            bits.put(16, 6);
            // The command: copy of 2118 + extra; the distance symbol 16 is 1 + a bit of 0.
            bits.put(length - 1 - 2118, 24);
            bits.put(0, 1);
        }
        bits.put(0b11, 2);
        bits.0
    }

    /// Insert code 1 and copy code 23 lie in the cell 384 of commands.
    const INSERT_1_COPY_LONG: u64 = 384 + (1 << 3) + 7;

    /// Bits, the lowest first; the second field says how many of the last byte are taken.
    #[derive(Default)]
    struct Bits(Vec<u8>, u32);

    impl Bits {
        fn put(&mut self, value: u64, count: u32) {
            for bit in 0..count {
                if self.1 == 0 {
                    self.0.push(0);
                }
                let bit = ((value >> bit) & 1) as u8;
                *self.0.last_mut().unwrap() |= bit << self.1;
                self.1 = (self.1 + 1) % 8;
            }
        }

        fn align(&mut self) {
            self.1 = 0;
        }
    }

    #[test]
    fn contents_come_back_and_tables_are_kept() {
        let content: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        let (mut unpacker, mut out) = (BrotliUnpacker::default(), Vec::new());
        for length in [0, 1, 5, 4096, 65_536, 65_537, 200_000] {
            let stream = stored(&content[..length]);
            assert_eq!(unpacker.unpack(&stream, length as u64, &mut out), Ok(()), "{length}");
            assert!(out == content[..length]);
        }
        let held = |unpacker: &BrotliUnpacker| unpacker.bytes.iter().map(Vec::capacity).sum::<usize>();
        let before = held(&unpacker);
        assert!(before > 0);
        unpacker.unpack(&stored(&content), u64::MAX, &mut out).unwrap();
        assert_eq!(held(&unpacker), before);
    }

    #[test]
    fn the_bound_holds_to_the_byte() {
        let stream = stored(&[7; 70_000]);
        let (mut unpacker, mut out) = (BrotliUnpacker::default(), Vec::new());
        assert_eq!(unpacker.unpack(&stream, 70_000, &mut out), Ok(()));
        for bound in [0, 1, 4095, 4096, 65_536, 69_999] {
            assert_eq!(unpacker.unpack(&stream, bound, &mut out), Err(BrotliError::TooLong), "{bound}");
            assert!(out.is_empty());
        }
    }

    #[test]
    fn bombs_cost_no_more_than_the_bound() {
        let (mut unpacker, mut out) = (BrotliUnpacker::default(), Vec::new());
        let small = bomb(1);
        assert_eq!(unpacker.unpack(&small, 1 << 24, &mut out), Ok(()));
        assert!(out.len() == 1 << 24 && out.iter().all(|&byte| byte == b'A'));
        let mut out = Vec::new();
        let large = bomb(1000);
        assert!(large.len() < 30_000);
        assert_eq!(unpacker.unpack(&large, 1 << 20, &mut out), Err(BrotliError::TooLong));
        assert!(out.capacity() <= 2 << 20);
    }

    #[test]
    fn streams_end_with_their_bytes() {
        let stream = stored(b"some content");
        let (mut unpacker, mut out) = (BrotliUnpacker::default(), Vec::new());
        for end in 0..stream.len() {
            assert_eq!(unpacker.unpack(&stream[..end], 100, &mut out), Err(BrotliError::Unfinished), "{end}");
        }
        let longer = [stream.as_slice(), b"xy"].concat();
        assert_eq!(unpacker.unpack(&longer, 100, &mut out), Err(BrotliError::Trailing(2)));
        // A window of 2^26 bytes, which the standard of boxes does not have.
        let large_window = [0x11, 0x1a, 0x03];
        assert_eq!(unpacker.unpack(&large_window, 100, &mut out), Err(BrotliError::Invalid));
    }
}
