//! Symbol streams: integers read with a distribution bundle.
//!
//! A stream begins with the state of its ANS decoder and has its own LZ77 history. There is one reader for each kind of
//! bundle, so that the loop around it is compiled for it: [`Codes::with_reader`] picks it and hands it to a [`Visitor`].
//! [`SymbolReader`] picks at every integer, for streams that are not hot.

mod ans;
mod copies;
mod prefix;

use crate::bit_reader::BitReader;
use crate::codes::{Codes, CopyKind};
use crate::error::Error;
use crate::lz77::Lz77Window;
use ans::{AnsCode, EachConfig, UsualConfig};
use copies::{RunLength, Windowed};
use prefix::PrefixCode;

/// Runs a macro with the names of all kinds of readers, which are those of [`Kind`], [`AnyReader`] and the types.
macro_rules! for_all_kinds {
    ($do:ident!($($arguments:tt)*)) => {
        $do!($($arguments)*; Prefix PrefixRunLength PrefixWindow AnsUsual Ans AnsRunLength AnsWindow)
    };
}

/// Evaluates `$body`, in which `$Reader` is the type of a [`Kind`].
macro_rules! with_kind {
    ($kind:expr, $Reader:ident => $body:expr) => {
        for_all_kinds!(match_kind!($kind, $Reader => $body))
    };
}

macro_rules! match_kind {
    ($kind:expr, $Reader:ident => $body:expr; $($name:ident)*) => {
        match $kind {
            $(Kind::$name => {
                type $Reader<'a> = $name<'a>;
                $body
            })*
        }
    };
}

/// Makes an [`AnyReader`].
macro_rules! open_any {
    ($kind:expr, $opening:expr; $($name:ident)*) => {
        match $kind {
            $(Kind::$name => AnyReader::$name(Open::open($opening)),)*
        }
    };
}

/// Evaluates `$body`, in which `$reader` is the reader inside an [`AnyReader`].
macro_rules! with_any {
    ($any:expr, $reader:ident => $body:expr; $($name:ident)*) => {
        match $any {
            $(AnyReader::$name($reader) => $body,)*
        }
    };
}

/// Reads the integers of one symbol stream.
///
/// Like a [`BitReader`] it stays in registers while it is a local variable that no call takes by reference: hot loops
/// take it by value, and hand it back. From the beginning of the stream to its end nothing else may consume bits: the
/// reader counts on those that its last refill left.
pub trait IntegerReader: Sized {
    /// The next integer, with the codes of `cluster`.
    ///
    /// # Panics
    /// If there is no such cluster.
    fn read(&mut self, bits: &mut BitReader<'_>, cluster: usize) -> u32;

    /// How many of the integers to come are certainly equal to the last one, whatever their clusters.
    #[inline(always)]
    fn run(&self) -> u32 {
        0
    }

    /// Passes over `n <= run()` integers without reading them.
    #[inline(always)]
    fn skip_run(&mut self, n: u32) {
        debug_assert_eq!(n, 0);
    }

    /// Tells whether all that was read so far was there and valid. To be called once per row or block.
    fn check(&self, bits: &BitReader<'_>) -> Result<(), Error>;

    /// Checks the whole stream after its last integer, the final state of the decoder included.
    fn finish(self, bits: &BitReader<'_>) -> Result<(), Error>;
}

/// A loop over the integers of a stream, compiled for each kind of reader.
pub trait Visitor {
    /// What the loop gives.
    type Output;

    /// Reads the stream. Must call [`IntegerReader::finish`] after the last integer.
    fn visit<R: IntegerReader>(self, reader: R, bits: &mut BitReader<'_>) -> Self::Output;
}

/// A loop over the integers of several streams at once, so that their latencies overlap.
pub trait LockstepVisitor<const N: usize> {
    /// What the loop gives.
    type Output;

    /// Reads the streams. Must call [`IntegerReader::finish`] of each after its last integer.
    fn visit<R: IntegerReader>(self, streams: [(R, &mut BitReader<'_>); N]) -> Self::Output;
}

/// Where a symbol stream begins and how its copies work.
#[derive(Debug)]
pub struct StreamStart<'a, 'b> {
    /// The reader, at the first bit of the stream.
    pub bits: &'a mut BitReader<'b>,
    /// The width that LZ77 distances refer to, 0 for streams without one.
    pub distance_multiplier: u32,
    /// An upper bound of the number of integers. With LZ77 it decides how much of the window is used, and copies from
    /// further back are wrong if it is exceeded.
    pub symbols_to_come: u64,
    /// Memory for past integers.
    pub window: &'a mut Lz77Window,
}

impl Codes {
    /// Begins a symbol stream at the reader's position and runs `visitor` with the reader that fits these codes. The
    /// parameters are those of [`StreamStart`].
    ///
    /// # Errors
    /// If the window cannot be allocated. All else is found by the reader's checks.
    #[inline]
    pub fn with_reader<V: Visitor>(
        &self,
        bits: &mut BitReader<'_>,
        distance_multiplier: u32,
        symbols_to_come: u64,
        window: &mut Lz77Window,
        visitor: V,
    ) -> Result<V::Output, Error> {
        let mut start = [StreamStart { bits, distance_multiplier, symbols_to_come, window }];
        let kind = self.prepare(&mut start)?;
        let [StreamStart { bits, window, .. }] = start;
        let opening = self.opening(bits, distance_multiplier, window);
        Ok(with_kind!(kind, Reader => visitor.visit(Reader::open(opening), bits)))
    }

    /// Begins `N >= 1` symbol streams and runs `visitor` with their readers, which are all of one kind.
    ///
    /// # Errors
    /// If a window cannot be allocated.
    #[inline]
    pub fn with_readers<V: LockstepVisitor<N>, const N: usize>(
        &self,
        mut starts: [StreamStart<'_, '_>; N],
        visitor: V,
    ) -> Result<V::Output, Error> {
        let kind = self.prepare(&mut starts)?;
        Ok(with_kind!(kind, Reader => visitor.visit(starts.map(|start| {
            let StreamStart { bits, distance_multiplier, window, .. } = start;
            let opening = self.opening(bits, distance_multiplier, window);
            (Reader::open(opening), bits)
        }))))
    }

    /// Finds the kind of reader for these streams, and prepares their windows if it needs them.
    fn prepare(&self, starts: &mut [StreamStart<'_, '_>]) -> Result<Kind, Error> {
        let copies = starts.iter().map(|start| self.copy_kind(start.distance_multiplier)).max();
        let copies = copies.unwrap_or(CopyKind::None);
        if copies == CopyKind::Window {
            starts.iter_mut().try_for_each(|start| start.window.prepare(start.symbols_to_come))?;
        }
        Ok(match (self.uses_prefix_codes(), copies) {
            (true, CopyKind::None) => Kind::Prefix,
            (true, CopyKind::RunLength) => Kind::PrefixRunLength,
            (true, CopyKind::Window) => Kind::PrefixWindow,
            (false, CopyKind::None) if self.all_usual() => Kind::AnsUsual,
            (false, CopyKind::None) => Kind::Ans,
            (false, CopyKind::RunLength) => Kind::AnsRunLength,
            (false, CopyKind::Window) => Kind::AnsWindow,
        })
    }

    /// What a reader is made of, after its stream's initial state is read.
    fn opening<'a>(
        &'a self,
        bits: &mut BitReader<'_>,
        distance_multiplier: u32,
        window: &'a mut Lz77Window,
    ) -> Opening<'a> {
        let ans_state = if self.uses_prefix_codes() { 0 } else { bits.read(32) };
        // Readers look at the first code before they refill.
        bits.refill();
        Opening { codes: self, ans_state, distance_multiplier, window: window.integers() }
    }
}

/// What a reader is made of.
pub(crate) struct Opening<'a> {
    codes: &'a Codes,
    ans_state: u32,
    distance_multiplier: u32,
    /// For readers that copy from a window, a power of two of integers, the last one 0.
    window: &'a mut [u32],
}

/// A reader that can be made.
pub(crate) trait Open<'a> {
    fn open(stream: Opening<'a>) -> Self;
}

type Prefix<'a> = PrefixCode<'a>;
type PrefixRunLength<'a> = RunLength<PrefixCode<'a>>;
type PrefixWindow<'a> = Windowed<'a, PrefixCode<'a>>;
type AnsUsual<'a> = AnsCode<'a, UsualConfig>;
type Ans<'a> = AnsCode<'a, EachConfig<'a>>;
type AnsRunLength<'a> = RunLength<Ans<'a>>;
type AnsWindow<'a> = Windowed<'a, Ans<'a>>;

/// The kinds of readers.
#[derive(Clone, Copy)]
enum Kind {
    Prefix,
    PrefixRunLength,
    PrefixWindow,
    AnsUsual,
    Ans,
    AnsRunLength,
    AnsWindow,
}

/// A reader of any kind.
enum AnyReader<'a> {
    Prefix(Prefix<'a>),
    PrefixRunLength(PrefixRunLength<'a>),
    PrefixWindow(PrefixWindow<'a>),
    AnsUsual(AnsUsual<'a>),
    Ans(Ans<'a>),
    AnsRunLength(AnsRunLength<'a>),
    AnsWindow(AnsWindow<'a>),
}

/// Reads integers by context, with any codes: for streams that are not hot.
pub struct SymbolReader<'a> {
    codes: &'a Codes,
    reader: AnyReader<'a>,
}

impl<'a> SymbolReader<'a> {
    /// Begins a symbol stream at the reader's position; the parameters are those of [`StreamStart`].
    ///
    /// # Errors
    /// If the window cannot be allocated. All else is found by the checks.
    pub fn new(
        codes: &'a Codes,
        bits: &mut BitReader<'_>,
        distance_multiplier: u32,
        symbols_to_come: u64,
        window: &'a mut Lz77Window,
    ) -> Result<Self, Error> {
        let kind =
            codes.prepare(&mut [StreamStart { bits, distance_multiplier, symbols_to_come, window }])?;
        let opening = codes.opening(bits, distance_multiplier, window);
        Ok(Self { codes, reader: for_all_kinds!(open_any!(kind, opening)) })
    }

    /// The next integer, in `context`.
    ///
    /// # Panics
    /// If there is no such context.
    #[inline]
    pub fn read(&mut self, bits: &mut BitReader<'_>, context: usize) -> u32 {
        let cluster = self.codes.cluster(context);
        for_all_kinds!(with_any!(&mut self.reader, reader => reader.read(bits, cluster)))
    }

    /// Tells whether all that was read so far was there and valid. Loops whose length depends on what is read call this.
    pub fn check(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        for_all_kinds!(with_any!(&self.reader, reader => reader.check(bits)))
    }

    /// Checks the whole stream after its last integer, the final state of the decoder included.
    pub fn finish(self, bits: &BitReader<'_>) -> Result<(), Error> {
        for_all_kinds!(with_any!(self.reader, reader => reader.finish(bits)))
    }
}
