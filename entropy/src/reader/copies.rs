//! Integers with LZ77 copies among them, over any code.

use super::{IntegerReader, Open, Opening};
use crate::bit_reader::BitReader;
use crate::codes::Codes;
use crate::error::{Error, Invalid};
use crate::lz77::{Copies, distance};

/// A code whose symbols may be copy lengths.
pub(crate) trait Code {
    /// The next symbol with its raw bits.
    fn symbol(&mut self, bits: &mut BitReader<'_>, cluster: usize) -> Symbol;

    /// The coded distance after a copy length.
    fn distance(&mut self, bits: &mut BitReader<'_>) -> u32;

    /// Checks the end of the stream.
    fn finish(&self, bits: &BitReader<'_>) -> Result<(), Error>;
}

/// A literal integer or, without the minimum, the length of a copy.
#[derive(Clone, Copy)]
pub(crate) struct Symbol {
    pub(crate) value: u32,
    pub(crate) is_copy_length: bool,
}

/// Adds the minimum to copy lengths and remembers an overflow: integers after it are meaningless.
#[derive(Debug)]
struct Lengths {
    min_length: u32,
    overflow: Option<Error>,
}

impl Lengths {
    fn of(codes: &Codes) -> Self {
        Self { min_length: codes.lz77().map_or(1, |copies| copies.min_length), overflow: None }
    }

    #[inline(always)]
    fn length(&mut self, value: u32, bits: &BitReader<'_>) -> u32 {
        value.checked_add(self.min_length).unwrap_or_else(|| {
            self.overflow.get_or_insert(bits.invalid(Invalid::Lz77Length));
            u32::MAX
        })
    }

    fn check(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        bits.check()?;
        self.overflow.map_or(Ok(()), Err)
    }
}

/// Copies that always repeat the last integer; their distances take no bits.
#[derive(Debug)]
pub(crate) struct RunLength<C> {
    code: C,
    last: u32,
    left: u32,
    lengths: Lengths,
}

impl<'a, C: Code + Open<'a>> Open<'a> for RunLength<C> {
    fn open(stream: Opening<'a>) -> Self {
        Self { last: 0, left: 0, lengths: Lengths::of(stream.codes), code: C::open(stream) }
    }
}

impl<C: Code> IntegerReader for RunLength<C> {
    #[inline(always)]
    fn read(&mut self, bits: &mut BitReader<'_>, cluster: usize) -> u32 {
        if self.left > 0 {
            self.left -= 1;
            return self.last;
        }
        let symbol = self.code.symbol(bits, cluster);
        if symbol.is_copy_length {
            self.left = self.lengths.length(symbol.value, bits) - 1;
        } else {
            self.last = symbol.value;
        }
        self.last
    }

    #[inline(always)]
    fn run(&self) -> u32 {
        self.left
    }

    #[inline(always)]
    fn skip_run(&mut self, n: u32) {
        debug_assert!(n <= self.left);
        self.left = self.left.saturating_sub(n);
    }

    fn check(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        self.lengths.check(bits)
    }

    fn finish(self, bits: &BitReader<'_>) -> Result<(), Error> {
        self.check(bits)?;
        self.code.finish(bits)
    }
}

/// Copies from anywhere in the window.
#[derive(Debug)]
pub(crate) struct Windowed<'w, C> {
    code: C,
    copies: Copies<'w>,
    distance_multiplier: u32,
    lengths: Lengths,
}

impl<'a, C: Code + Open<'a>> Open<'a> for Windowed<'a, C> {
    fn open(stream: Opening<'a>) -> Self {
        let Opening { codes, distance_multiplier, window, .. } = stream;
        Self {
            copies: Copies::new(window),
            distance_multiplier,
            lengths: Lengths::of(codes),
            code: C::open(Opening { window: &mut [], ..stream }),
        }
    }
}

impl<C: Code> IntegerReader for Windowed<'_, C> {
    #[inline(always)]
    fn read(&mut self, bits: &mut BitReader<'_>, cluster: usize) -> u32 {
        if let Some(value) = self.copies.next() {
            return value;
        }
        let symbol = self.code.symbol(bits, cluster);
        if !symbol.is_copy_length {
            return self.copies.push(symbol.value);
        }
        let length = self.lengths.length(symbol.value, bits);
        let coded = self.code.distance(bits);
        self.copies.start(length, distance(coded, self.distance_multiplier));
        self.copies.next().unwrap_or(0)
    }

    fn check(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        self.lengths.check(bits)
    }

    fn finish(self, bits: &BitReader<'_>) -> Result<(), Error> {
        self.check(bits)?;
        self.code.finish(bits)
    }
}
