//! Prefix codes: the code lengths as they are written, and the canonical codes that follow from them.

use crate::bit_reader::BitReader;
use crate::error::{Error, Invalid};
use crate::small_integer::ceil_log2;

/// Longest code in bits.
pub(crate) const MAX_LENGTH: usize = 15;
/// Largest alphabet.
pub(crate) const MAX_ALPHABET: u32 = 1 << 15;
/// Order in which the lengths of the code-length symbols are written.
const LENGTH_ORDER: [u8; 18] = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// A symbol with its canonical code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CodedSymbol {
    pub(crate) symbol: u16,
    /// The code as the reader sees it: the first bit least significant.
    pub(crate) code: u16,
    /// 0 for the only symbol of a code, which takes no bits.
    pub(crate) length: u8,
}

/// Reads one prefix code of `alphabet` symbols and appends its symbols to `symbols` in the order of their codes.
/// `lengths` is scratch.
pub(crate) fn read_prefix_code(
    bits: &mut BitReader<'_>,
    alphabet: u32,
    lengths: &mut Vec<u8>,
    symbols: &mut Vec<CodedSymbol>,
) -> Result<(), Error> {
    if alphabet == 1 {
        symbols.push(CodedSymbol::default());
        return Ok(());
    }
    match bits.read(2) {
        1 => read_simple(bits, alphabet, symbols),
        skip => {
            read_lengths(bits, skip as usize, alphabet, lengths)?;
            append_canonical(lengths, symbols);
            Ok(())
        }
    }
}

/// One to four symbols, named one by one.
fn read_simple(bits: &mut BitReader<'_>, alphabet: u32, symbols: &mut Vec<CodedSymbol>) -> Result<(), Error> {
    let count = bits.read(2) as usize + 1;
    let mut named = [0u16; 4];
    for i in 0..count {
        let symbol = bits.read(ceil_log2(alphabet));
        if symbol >= alphabet {
            return Err(bits.invalid(Invalid::PrefixSymbol));
        }
        named[i] = symbol as u16;
        if named[..i].contains(&named[i]) {
            return Err(bits.invalid(Invalid::PrefixDuplicate));
        }
    }
    let lengths: [u8; 4] = match count {
        1 => [0; 4],
        2 => [1; 4],
        3 => [1, 2, 2, 0],
        _ if bits.read_bool() => [1, 2, 3, 3],
        _ => [2; 4],
    };
    let mut ordered: [(u8, u16); 4] = std::array::from_fn(|i| (lengths[i], named[i]));
    ordered[..count].sort_unstable();
    let mut code = Canonical::default();
    symbols.extend(ordered[..count].iter().map(|&(length, symbol)| code.next(symbol, length)));
    Ok(())
}

/// Lengths of all symbols, themselves prefix coded.
fn read_lengths(
    bits: &mut BitReader<'_>,
    skip: usize,
    alphabet: u32,
    lengths: &mut Vec<u8>,
) -> Result<(), Error> {
    let length_code = read_length_code(bits, skip)?;
    let size = alphabet as usize;
    lengths.clear();
    let mut space = 1i32 << MAX_LENGTH;
    // The last length other than 0; the length being repeated and how often so far.
    let (mut previous, mut repeated, mut repeats) = (8u8, 0u8, 0usize);
    while lengths.len() < size && space > 0 {
        bits.refill();
        let (symbol, length) = length_code[bits.peek(5) as usize];
        bits.consume(u32::from(length));
        if symbol < 16 {
            lengths.push(symbol);
            repeats = 0;
            if symbol != 0 {
                previous = symbol;
                space -= (1 << MAX_LENGTH) >> symbol;
            }
            continue;
        }
        // 16 repeats the last length, 17 repeats zero; the same one again continues the count in a higher digit.
        let extra = u32::from(symbol) - 14;
        let length = if symbol == 16 { previous } else { 0 };
        if length != repeated {
            (repeated, repeats) = (length, 0);
        }
        let before = repeats;
        if repeats > 0 {
            repeats = (repeats - 2) << extra;
        }
        repeats += bits.read(extra) as usize + 3;
        let added = repeats - before;
        if lengths.len() + added > size {
            return Err(bits.invalid(Invalid::PrefixRepeat));
        }
        lengths.resize(lengths.len() + added, length);
        if length != 0 {
            space -= (added << (MAX_LENGTH - usize::from(length))) as i32;
        }
    }
    if space != 0 { Err(bits.invalid(Invalid::PrefixSpace)) } else { Ok(()) }
}

/// The code of the code lengths as (symbol, length) by the next five bits.
fn read_length_code(bits: &mut BitReader<'_>, skip: usize) -> Result<[(u8, u8); 32], Error> {
    // (value, bits) by the next four bits.
    const VALUES: [(u8, u8); 16] = {
        let codes: [(usize, u8, u8); 6] =
            [(0b00, 2, 0), (0b01, 2, 4), (0b10, 2, 3), (0b011, 3, 2), (0b0111, 4, 1), (0b1111, 4, 5)];
        let mut table = [(0, 0); 16];
        let mut i = 0;
        while i < codes.len() {
            let (mut at, length, value) = codes[i];
            while at < 16 {
                table[at] = (value, length);
                at += 1 << length;
            }
            i += 1;
        }
        table
    };
    let mut lengths = [0u8; 18];
    let (mut space, mut used, mut last) = (32i32, 0, 0);
    for &symbol in &LENGTH_ORDER[skip..] {
        if space <= 0 {
            break;
        }
        bits.refill();
        let (value, length) = VALUES[bits.peek(4) as usize];
        bits.consume(u32::from(length));
        lengths[usize::from(symbol)] = value;
        if value != 0 {
            space -= 32 >> value;
            used += 1;
            last = symbol;
        }
    }
    if used == 1 {
        return Ok([(last, 0); 32]);
    }
    if space != 0 {
        return Err(bits.invalid(Invalid::PrefixLengthCode));
    }
    let mut table = [(0, 0); 32];
    let mut code = Canonical::default();
    for length in 1..=5u8 {
        for symbol in (0..18u8).filter(|&symbol| lengths[usize::from(symbol)] == length) {
            let first = usize::from(code.next(symbol.into(), length).code);
            for at in (first..32).step_by(1 << length) {
                table[at] = (symbol, length);
            }
        }
    }
    Ok(table)
}

/// Appends the symbols of non-zero length by (length, symbol).
fn append_canonical(lengths: &[u8], symbols: &mut Vec<CodedSymbol>) {
    let mut next = [0usize; MAX_LENGTH + 1];
    for &length in lengths {
        next[usize::from(length)] += 1;
    }
    let start = symbols.len();
    let mut end = start;
    for place in next.iter_mut().skip(1) {
        end += std::mem::replace(place, end);
    }
    symbols.resize(end, CodedSymbol::default());
    for (symbol, &length) in lengths.iter().enumerate().filter(|&(_, &length)| length != 0) {
        let place = &mut next[usize::from(length)];
        symbols[*place] = CodedSymbol { symbol: symbol as u16, code: 0, length };
        *place += 1;
    }
    let mut code = Canonical::default();
    for coded in &mut symbols[start..] {
        *coded = code.next(coded.symbol, coded.length);
    }
}

/// Gives out canonical codes for symbols in order of their length.
#[derive(Default)]
struct Canonical {
    code: u32,
    length: u8,
}

impl Canonical {
    fn next(&mut self, symbol: u16, length: u8) -> CodedSymbol {
        self.code <<= length - self.length;
        self.length = length;
        let reversed = self.code.reverse_bits().checked_shr(32 - u32::from(length)).unwrap_or(0);
        self.code += 1;
        CodedSymbol { symbol, code: reversed as u16, length }
    }
}
