//! Prefix codes, written.

use super::{BitWriter, Random};
use std::collections::BinaryHeap;

const LENGTH_ORDER: [usize; 18] = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// A prefix code: the length of each symbol's code; all zero with one exception of no bits if there is one symbol.
#[derive(Clone, Debug)]
pub struct PrefixWriter {
    lengths: Vec<u8>,
    /// The only symbol.
    single: Option<usize>,
}

impl PrefixWriter {
    /// A code for symbols that occur `counts` times, of which one is positive.
    pub fn fitting(counts: &[u64]) -> Self {
        Self::limited(counts, 15)
    }

    /// A complete code with these lengths, 0 for symbols without a code.
    pub fn with_lengths(lengths: Vec<u8>) -> Self {
        let space: usize = lengths.iter().filter(|&&l| l > 0).map(|&l| 1 << (15 - l)).sum();
        assert_eq!(space, 1 << 15, "not complete");
        Self { lengths, single: None }
    }

    fn limited(counts: &[u64], limit: u8) -> Self {
        let used: Vec<usize> = (0..counts.len()).filter(|&s| counts[s] > 0).collect();
        assert!(!used.is_empty());
        let mut lengths = vec![0u8; counts.len()];
        if let [only] = used[..] {
            return Self { lengths, single: Some(only) };
        }
        let mut counts = counts.to_vec();
        loop {
            let mut heap: BinaryHeap<_> =
                used.iter().map(|&s| (std::cmp::Reverse(counts[s]), vec![s])).collect();
            lengths.fill(0);
            while heap.len() > 1 {
                let (a, b) = (heap.pop().unwrap(), heap.pop().unwrap());
                let members = [a.1, b.1].concat();
                members.iter().for_each(|&s| lengths[s] = lengths[s].saturating_add(1));
                heap.push((std::cmp::Reverse(a.0.0 + b.0.0), members));
            }
            if lengths.iter().all(|&l| l <= limit) {
                return Self { lengths, single: None };
            }
            used.iter().for_each(|&s| counts[s] = counts[s].div_ceil(2));
        }
    }

    /// One more than the highest symbol.
    pub fn alphabet(&self) -> u32 {
        let highest = self.single.or(self.lengths.iter().rposition(|&l| l > 0));
        highest.unwrap_or(0) as u32 + 1
    }

    /// Length of a symbol's code.
    pub fn length(&self, symbol: u32) -> u8 {
        self.lengths[symbol as usize]
    }

    /// Writes the code after the size of its alphabet is written: in the simple form if there is one, else, with
    /// repeats if `random` says so, in the complex form.
    pub fn write(&self, writer: &mut BitWriter, alphabet: u32, random: &mut Random) {
        if alphabet == 1 {
            return;
        }
        let symbol_bits = alphabet.next_power_of_two().ilog2();
        let mut used: Vec<(u8, usize)> =
            self.lengths.iter().enumerate().filter(|&(_, &l)| l > 0).map(|(s, &l)| (l, s)).collect();
        used.sort_unstable();
        used.extend(self.single.map(|symbol| (0, symbol)));
        let simple: &[u8] = match used.len() {
            1 => &[0],
            2 => &[1, 1],
            3 => &[1, 2, 2],
            4 if used[0].0 == 2 => &[2, 2, 2, 2],
            4 => &[1, 2, 3, 3],
            _ => &[],
        };
        if simple.is_empty() || (used.len() > 1 && random.one_in(3)) {
            return self.write_complex(writer, alphabet, random);
        }
        writer.write(1, 2).write(used.len() as u64 - 1, 2);
        for &(_, symbol) in &used {
            writer.write(symbol as u64, symbol_bits);
        }
        if used.len() == 4 {
            writer.write(u64::from(used[0].0 == 1), 1);
        }
    }

    fn write_complex(&self, writer: &mut BitWriter, alphabet: u32, random: &mut Random) {
        let symbols = self.length_symbols(alphabet as usize, !random.one_in(3));
        let mut counts = [0; 18];
        symbols.iter().for_each(|&(symbol, _)| counts[symbol] += 1);
        let mut code = Self::limited(&counts, 5);
        if let Some(only) = code.single {
            // A single code length symbol has any length here, and takes no bits.
            code.lengths[only] = 1 + random.below(5) as u8;
        }
        let skippable = LENGTH_ORDER.iter().position(|&s| code.lengths[s] > 0).unwrap();
        let skip = [0, 2, 3][random.below(if skippable >= 3 {
            3
        } else if skippable == 2 {
            2
        } else {
            1
        })];
        writer.write(skip as u64, 2);
        let mut space = 32i32;
        for &symbol in &LENGTH_ORDER[skip..] {
            if space <= 0 {
                break;
            }
            let length = code.lengths[symbol];
            writer.write_digits(["00", "1110", "110", "01", "10", "1111"][usize::from(length)]);
            space -= if length > 0 { 32 >> length } else { 0 };
        }
        if let Some(only) = code.single {
            code.lengths[only] = 0;
        }
        for (symbol, extra) in symbols {
            code.write_symbol(writer, symbol as u32);
            if symbol >= 16 {
                writer.write(extra, symbol as u32 - 14);
            }
        }
    }

    /// Code length symbols, up to the last length that is not 0, with the values of their extra bits.
    fn length_symbols(&self, alphabet: usize, repeats: bool) -> Vec<(usize, u64)> {
        let lengths: Vec<u8> = (0..alphabet).map(|s| self.lengths.get(s).copied().unwrap_or(0)).collect();
        let end = lengths.iter().rposition(|&l| l > 0).unwrap() + 1;
        let mut symbols = Vec::new();
        for run in lengths[..end].chunk_by(|a, b| a == b) {
            let length = usize::from(run[0]);
            let (literals, symbol, extra) = if length == 0 { (0, 17, 3) } else { (1, 16, 2) };
            if !repeats || run.len() < literals + 3 {
                symbols.extend(run.iter().map(|_| (length, 0)));
                continue;
            }
            symbols.extend((0..literals).map(|_| (length, 0)));
            let (mut left, mut digits) = (run.len() - literals, Vec::new());
            loop {
                digits.push((symbol, ((left - 3) & ((1 << extra) - 1)) as u64));
                left = (left - 3) >> extra;
                if left == 0 {
                    break;
                }
                left += 2;
            }
            symbols.extend(digits.iter().rev());
        }
        symbols
    }

    /// Writes a symbol's code.
    pub fn write_symbol(&self, writer: &mut BitWriter, symbol: u32) {
        let symbol = symbol as usize;
        let length = self.lengths[symbol];
        if length == 0 {
            assert!(self.single.is_none_or(|only| only == symbol), "symbol without a code");
            return;
        }
        let (mut code, mut before) = (0u32, 0);
        for l in 1..=length {
            code = (code + before) << 1;
            before = self.lengths.iter().filter(|&&other| other == l).count() as u32;
        }
        code += self.lengths[..symbol].iter().filter(|&&other| other == length).count() as u32;
        for i in (0..length).rev() {
            writer.write((code >> i & 1).into(), 1);
        }
    }
}
