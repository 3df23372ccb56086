//! Whole streams: written by the test support, read by the fast readers, and compared with the plain twin.

mod malformed;
mod round_trip;
mod twin;

use crate::{
    BitReader, BundleLimits, Codes, Error, IntegerReader, LockstepVisitor, Lz77, Lz77Window, StreamStart,
    SymbolReader, Visitor,
};
use twin::{Refusal, TwinBits, TwinCodes};

/// Reusable state of the fast readers, as a decoder has.
#[derive(Default)]
struct Fast {
    codes: Codes,
    window: Lz77Window,
}

/// Where and how a stream is read.
#[derive(Clone, Copy)]
struct Stream<'a> {
    data: &'a [u8],
    contexts: usize,
    multiplier: u32,
    /// Context of each integer.
    of_integers: &'a [usize],
}

struct ReadAll<'a> {
    codes: &'a Codes,
    of_integers: &'a [usize],
    /// Take runs at once.
    runs: bool,
}

impl Visitor for ReadAll<'_> {
    type Output = (Vec<u32>, Result<(), Error>);

    fn visit<R: IntegerReader>(self, mut reader: R, bits: &mut BitReader<'_>) -> Self::Output {
        let mut values = Vec::new();
        while values.len() < self.of_integers.len() {
            if self.runs && reader.run() > 0 {
                let run = (reader.run() as usize).min(self.of_integers.len() - values.len());
                let last = values[values.len() - 1];
                values.extend(std::iter::repeat_n(last, run));
                reader.skip_run(run as u32);
                continue;
            }
            values.push(reader.read(bits, self.codes.cluster(self.of_integers[values.len()])));
        }
        (values, reader.finish(bits))
    }
}

/// Two readers at once, one of them two integers ahead.
impl LockstepVisitor<2> for ReadAll<'_> {
    type Output = [(Vec<u32>, Result<(), Error>); 2];

    fn visit<R: IntegerReader>(self, streams: [(R, &mut BitReader<'_>); 2]) -> Self::Output {
        let mut values = [Vec::new(), Vec::new()];
        let [(mut first, first_bits), (mut second, second_bits)] = streams;
        for i in 0..self.of_integers.len() + 2 {
            if let Some(&context) = self.of_integers.get(i) {
                values[0].push(first.read(first_bits, self.codes.cluster(context)));
            }
            if let Some(&context) = i.checked_sub(2).and_then(|i| self.of_integers.get(i)) {
                values[1].push(second.read(second_bits, self.codes.cluster(context)));
            }
        }
        let results = [first.finish(first_bits), second.finish(second_bits)];
        let [first, second] = values;
        [(first, results[0]), (second, results[1])]
    }
}

fn refusal(result: Result<(), Error>) -> Result<(), Refusal> {
    result.map_err(|error| match error {
        Error::Invalid { what, .. } => Refusal::Invalid(what),
        Error::Overrun { .. } => Refusal::Overrun,
        other => panic!("unexpected {other}"),
    })
}

impl Fast {
    /// Reads a bundle and a stream with the fast readers and with the twin; all must agree. Gives what they read, or why
    /// not, and where they stood.
    fn compare(&mut self, stream: Stream<'_>) -> (Result<Vec<u32>, Refusal>, u64) {
        let mut bits = BitReader::new(stream.data);
        let mut twin_bits = TwinBits { data: stream.data, position: 0 };
        let bundle = self.codes.read(&mut bits, stream.contexts, Lz77::Allowed, &BundleLimits::default());
        let twin = TwinCodes::read(&mut twin_bits, stream.contexts, true);
        let twin = match (refusal(bundle), twin) {
            (Err(refusal), twin) => {
                assert_eq!(Some(refusal), twin.err());
                assert!(self.codes.context_map().is_empty());
                return (Err(refusal), bits.position());
            }
            (Ok(()), Ok(twin)) => twin,
            (Ok(()), Err(refusal)) => panic!("the twin refuses with {refusal:?}"),
        };
        assert_eq!(bits.position(), twin_bits.position as u64, "end of the bundle");
        assert_eq!(self.codes.contexts(), twin.contexts());
        let (values, result) =
            twin.read_stream(&mut twin_bits, stream.multiplier, stream.of_integers.iter().copied());
        for runs in [false, true] {
            let mut bits = bits.clone();
            let (fast, fast_result) = self.read_visited(&mut bits, stream, runs);
            self.agree(&bits, (&fast, fast_result), (&twin_bits, &values, result));
        }
        self.agree_in_lockstep(&bits, stream, (&twin_bits, &values, result));
        let (fast, fast_result) = self.read_by_context(&mut bits, stream);
        self.agree(&bits, (&fast, fast_result), (&twin_bits, &values, result));
        (result.map(|()| values), bits.position())
    }

    fn agree(
        &self,
        bits: &BitReader<'_>,
        fast: (&[u32], Result<(), Error>),
        twin: (&TwinBits<'_>, &[u32], Result<(), Refusal>),
    ) {
        let result = refusal(fast.1);
        assert_eq!(result, twin.2);
        // What is read after an overflow of a length is meaningless.
        if result != Err(Refusal::Invalid(crate::Invalid::Lz77Length)) && result != Err(Refusal::Overrun) {
            assert_eq!(fast.0, twin.1);
            assert_eq!(bits.position(), twin.0.position as u64, "end of the stream");
        }
    }

    fn read_visited(
        &mut self,
        bits: &mut BitReader<'_>,
        stream: Stream<'_>,
        runs: bool,
    ) -> (Vec<u32>, Result<(), Error>) {
        let visitor = ReadAll { codes: &self.codes, of_integers: stream.of_integers, runs };
        let count = stream.of_integers.len() as u64;
        self.codes.with_reader(bits, stream.multiplier, count, &mut self.window, visitor).unwrap()
    }

    fn agree_in_lockstep(
        &mut self,
        bits: &BitReader<'_>,
        stream: Stream<'_>,
        twin: (&TwinBits<'_>, &[u32], Result<(), Refusal>),
    ) {
        let (mut first_bits, mut second_bits) = (bits.clone(), bits.clone());
        let mut second_window = Lz77Window::default();
        let start = |bits, window| StreamStart {
            bits,
            distance_multiplier: stream.multiplier,
            symbols_to_come: stream.of_integers.len() as u64,
            window,
        };
        let starts = [start(&mut first_bits, &mut self.window), start(&mut second_bits, &mut second_window)];
        let visitor = ReadAll { codes: &self.codes, of_integers: stream.of_integers, runs: false };
        let both = self.codes.with_readers(starts, visitor).unwrap();
        for (bits, (fast, result)) in [first_bits, second_bits].into_iter().zip(both) {
            self.agree(&bits, (&fast, result), twin);
        }
    }

    fn read_by_context(
        &mut self,
        bits: &mut BitReader<'_>,
        stream: Stream<'_>,
    ) -> (Vec<u32>, Result<(), Error>) {
        let count = stream.of_integers.len() as u64;
        let mut reader =
            SymbolReader::new(&self.codes, bits, stream.multiplier, count, &mut self.window).unwrap();
        let values = stream.of_integers.iter().map(|&context| reader.read(bits, context)).collect();
        (values, reader.finish(bits))
    }
}
