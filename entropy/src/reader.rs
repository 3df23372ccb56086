//! Symbol streams: integers read with a distribution bundle.
//!
//! A stream begins with the state of its ANS decoder and has its own LZ77 history. There is one reader for each kind of
//! bundle, so that the loop around it is compiled for it: [`Codes::with_reader`] picks it and hands it to a [`Visitor`].
//! [`SymbolReader`] picks at every integer, for streams that are not hot.

mod ans;
mod copies;
mod prefix;

use crate::bit_reader::BitReader;
use crate::codes::{Codes, Coding, CopyKind};
use crate::error::Error;
use crate::hybrid_integer::HybridIntegerConfig;
use crate::lz77::{Copies, Lz77Window};
use ans::{AnsCode, EachConfig, UsualConfig};
use copies::{RunLength, Windowed};
use prefix::PrefixCode;

/// Reads the integers of one symbol stream.
///
/// Like a [`BitReader`] it stays in registers while it is a local variable that no call takes by reference: hot loops
/// take it by value, and hand it back.
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

/// A reader of any kind.
enum AnyReader<'a> {
    Prefix(PrefixCode<'a>),
    PrefixRunLength(RunLength<PrefixCode<'a>>),
    PrefixWindow(Windowed<'a, PrefixCode<'a>>),
    AnsUsual(AnsCode<'a, UsualConfig>),
    Ans(AnsCode<'a, EachConfig<'a>>),
    AnsRunLength(RunLength<AnsCode<'a, EachConfig<'a>>>),
    AnsWindow(Windowed<'a, AnsCode<'a, EachConfig<'a>>>),
}

/// Evaluates `$body` with the reader inside an [`AnyReader`].
macro_rules! with_any {
    ($any:expr, $reader:ident => $body:expr) => {
        match $any {
            AnyReader::Prefix($reader) => $body,
            AnyReader::PrefixRunLength($reader) => $body,
            AnyReader::PrefixWindow($reader) => $body,
            AnyReader::AnsUsual($reader) => $body,
            AnyReader::Ans($reader) => $body,
            AnyReader::AnsRunLength($reader) => $body,
            AnyReader::AnsWindow($reader) => $body,
        }
    };
}

impl Codes {
    /// Begins a symbol stream at the reader's position and runs `visitor` with the reader that fits these codes.
    ///
    /// `distance_multiplier` is the width that LZ77 distances refer to, 0 for streams without one. `symbols_to_come` is
    /// an upper bound of the number of integers; with LZ77 it decides how much of `window` is used, and copies from
    /// further back are wrong if the bound is exceeded.
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
        let any = AnyReader::new(self, bits, distance_multiplier, symbols_to_come, window)?;
        Ok(with_any!(any, reader => visitor.visit(reader, bits)))
    }
}

impl<'a> AnyReader<'a> {
    fn new(
        codes: &'a Codes,
        bits: &mut BitReader<'_>,
        distance_multiplier: u32,
        symbols_to_come: u64,
        window: &'a mut Lz77Window,
    ) -> Result<Self, Error> {
        let copies = codes.copy_kind(distance_multiplier);
        Ok(match codes.coding() {
            Coding::Prefix { root_bits } => {
                bits.refill();
                let code = PrefixCode::new(codes, root_bits);
                match copies {
                    CopyKind::None => Self::Prefix(code),
                    CopyKind::RunLength(parameters) => {
                        Self::PrefixRunLength(RunLength::new(code, parameters))
                    }
                    CopyKind::Window(parameters) => {
                        let copies = Copies::new(window.prepare(symbols_to_come)?);
                        Self::PrefixWindow(Windowed::new(code, copies, distance_multiplier, parameters))
                    }
                }
            }
            Coding::Ans { log_alphabet } => {
                let state = bits.read(32);
                let configs = EachConfig(codes.configs());
                match copies {
                    CopyKind::None if codes.configs().iter().all(|&c| c == HybridIntegerConfig::USUAL) => {
                        Self::AnsUsual(AnsCode::new(codes, log_alphabet, state, UsualConfig))
                    }
                    CopyKind::None => Self::Ans(AnsCode::new(codes, log_alphabet, state, configs)),
                    CopyKind::RunLength(parameters) => {
                        let code = AnsCode::new(codes, log_alphabet, state, configs).with_copies(parameters);
                        Self::AnsRunLength(RunLength::new(code, parameters))
                    }
                    CopyKind::Window(parameters) => {
                        let code = AnsCode::new(codes, log_alphabet, state, configs).with_copies(parameters);
                        let copies = Copies::new(window.prepare(symbols_to_come)?);
                        Self::AnsWindow(Windowed::new(code, copies, distance_multiplier, parameters))
                    }
                }
            }
        })
    }
}

/// Reads integers by context, with any codes: for streams that are not hot.
pub struct SymbolReader<'a> {
    codes: &'a Codes,
    reader: AnyReader<'a>,
}

impl<'a> SymbolReader<'a> {
    /// Begins a symbol stream; see [`Codes::with_reader`].
    pub fn new(
        codes: &'a Codes,
        bits: &mut BitReader<'_>,
        distance_multiplier: u32,
        symbols_to_come: u64,
        window: &'a mut Lz77Window,
    ) -> Result<Self, Error> {
        let reader = AnyReader::new(codes, bits, distance_multiplier, symbols_to_come, window)?;
        Ok(Self { codes, reader })
    }

    /// The next integer, in `context`.
    ///
    /// # Panics
    /// If there is no such context.
    #[inline]
    pub fn read(&mut self, bits: &mut BitReader<'_>, context: usize) -> u32 {
        let cluster = self.codes.cluster(context);
        with_any!(&mut self.reader, reader => reader.read(bits, cluster))
    }

    /// Tells whether all that was read so far was there and valid. Loops whose length depends on what is read call this.
    pub fn check(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        with_any!(&self.reader, reader => reader.check(bits))
    }

    /// Checks the whole stream after its last integer, the final state of the decoder included.
    pub fn finish(self, bits: &BitReader<'_>) -> Result<(), Error> {
        with_any!(self.reader, reader => reader.finish(bits))
    }
}
