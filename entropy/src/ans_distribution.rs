//! ANS distributions: probabilities in 4096ths, as they are written.

use crate::bit_reader::BitReader;
use crate::error::{Error, Invalid};
use crate::small_integer::read_u8;

/// Sum of a distribution.
pub(crate) const TOTAL: u16 = 4096;
/// Most symbols of an ANS alphabet.
pub(crate) const MAX_ALPHABET: usize = 256;

/// Reads a distribution over `probabilities.len() <= 256` symbols, a power of two.
pub(crate) fn read_distribution(bits: &mut BitReader<'_>, probabilities: &mut [u16]) -> Result<(), Error> {
    probabilities.fill(0);
    if bits.read_bool() {
        return read_one_or_two(bits, probabilities);
    }
    if bits.read_bool() {
        return read_flat(bits, probabilities);
    }
    read_counts(bits, probabilities)
}

fn read_symbol(bits: &mut BitReader<'_>, alphabet: usize) -> Result<usize, Error> {
    let symbol = read_u8(bits) as usize;
    if symbol < alphabet { Ok(symbol) } else { Err(bits.invalid(Invalid::AnsSymbol)) }
}

fn read_one_or_two(bits: &mut BitReader<'_>, probabilities: &mut [u16]) -> Result<(), Error> {
    if !bits.read_bool() {
        probabilities[read_symbol(bits, probabilities.len())?] = TOTAL;
        return Ok(());
    }
    let first = read_symbol(bits, probabilities.len())?;
    let second = read_symbol(bits, probabilities.len())?;
    if first == second {
        return Err(bits.invalid(Invalid::AnsDuplicate));
    }
    probabilities[first] = bits.read(12) as u16;
    probabilities[second] = TOTAL - probabilities[first];
    Ok(())
}

fn read_flat(bits: &mut BitReader<'_>, probabilities: &mut [u16]) -> Result<(), Error> {
    let symbols = read_u8(bits) as usize + 1;
    let total = usize::from(TOTAL);
    let Some(used) = probabilities.get_mut(..symbols) else {
        return Err(bits.invalid(Invalid::AnsAlphabet));
    };
    for (i, probability) in used.iter_mut().enumerate() {
        *probability = (total / symbols + usize::from(i < total % symbols)) as u16;
    }
    Ok(())
}

/// Logarithms of all counts, then their lower bits.
fn read_counts(bits: &mut BitReader<'_>, probabilities: &mut [u16]) -> Result<(), Error> {
    let mut log_shift = 0;
    while log_shift < 3 && bits.read_bool() {
        log_shift += 1;
    }
    let shift = (1 << log_shift) - 1 + bits.read(log_shift);
    if shift > 13 {
        return Err(bits.invalid(Invalid::AnsShift));
    }
    let symbols = read_u8(bits) as usize + 3;
    let Some(used) = probabilities.get_mut(..symbols) else {
        return Err(bits.invalid(Invalid::AnsAlphabet));
    };
    let mut logs = [LogCount::default(); MAX_ALPHABET];
    let logs = &mut logs[..symbols];
    let omitted = read_log_counts(bits, logs)?;
    let (mut total, mut run) = (0, 0);
    for i in 0..symbols {
        if logs[i].run > 0 {
            run = logs[i].run;
        }
        if run > 0 {
            run -= 1;
            used[i] = if i > 0 { used[i - 1] } else { 0 };
        } else if logs[i].log > 0 && i != omitted {
            let log = u32::from(logs[i].log) - 1;
            let raw_bits = shift.saturating_sub((12 - log) >> 1).min(log);
            used[i] = ((1 << log) + (bits.read(raw_bits) << (log - raw_bits))) as u16;
        }
        total += u32::from(used[i]);
    }
    match u32::from(TOTAL).checked_sub(total) {
        Some(left @ 1..) => used[omitted] = left as u16,
        _ => return Err(bits.invalid(Invalid::AnsTotal)),
    }
    Ok(())
}

/// What is written for a symbol before the lower bits of the counts.
#[derive(Clone, Copy, Default)]
struct LogCount {
    /// 1 + the logarithm of the count; 0 for no count.
    log: u8,
    /// Length of a run of the preceding count that starts here, or 0.
    run: u16,
}

/// Reads all logarithms and runs; gives the symbol whose count is implied, the first of the greatest.
fn read_log_counts(bits: &mut BitReader<'_>, logs: &mut [LogCount]) -> Result<usize, Error> {
    let (mut greatest, mut omitted) = (0, None);
    let mut i = 0;
    while i < logs.len() {
        let log = read_log_code(bits);
        if log == RUN {
            // A run past the alphabet is cut.
            logs[i].run = read_u8(bits) as u16 + 4;
            i += usize::from(logs[i].run);
            continue;
        }
        logs[i].log = log;
        if log > greatest {
            (greatest, omitted) = (log, Some(i));
        }
        i += 1;
    }
    let omitted = omitted.ok_or_else(|| bits.invalid(Invalid::AnsNoCount))?;
    match logs.get(omitted + 1) {
        Some(next) if next.run > 0 => Err(bits.invalid(Invalid::AnsRun)),
        _ => Ok(omitted),
    }
}

/// The log code that starts a run.
const RUN: u8 = 13;

fn read_log_code(bits: &mut BitReader<'_>) -> u8 {
    /// (value, bits) by the next seven bits. The codes are written here with the first bit rightmost.
    const VALUES: [(u8, u8); 128] = {
        let codes: [(usize, u8); 14] = [
            (0b10001, 5),
            (0b1011, 4),
            (0b1111, 4),
            (0b0011, 4),
            (0b1001, 4),
            (0b0111, 4),
            (0b100, 3),
            (0b010, 3),
            (0b101, 3),
            (0b110, 3),
            (0b000, 3),
            (0b100001, 6),
            (0b0000001, 7),
            (0b1000001, 7),
        ];
        let mut table = [(0, 0); 128];
        let mut value = 0;
        while value < codes.len() {
            let (mut at, length) = codes[value];
            while at < 128 {
                table[at] = (value as u8, length);
                at += 1 << length;
            }
            value += 1;
        }
        table
    };
    bits.refill();
    let (value, length) = VALUES[bits.peek(7) as usize];
    bits.consume(length.into());
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::BitWriter;

    fn read(digits: &str) -> Result<[u16; 32], Error> {
        let mut writer = BitWriter::new();
        writer.write_digits(digits).write(0, 64);
        let mut probabilities = [7; 32];
        read_distribution(&mut BitReader::new(&writer.into_bytes()), &mut probabilities)
            .map(|()| probabilities)
    }

    fn starting_with(first: &[u16]) -> Result<[u16; 32], Error> {
        let mut probabilities = [0; 32];
        probabilities[..first.len()].copy_from_slice(first);
        Ok(probabilities)
    }

    #[test]
    fn short_forms() {
        assert_eq!(read("1 0 1 100 1"), starting_with(&[0, 0, 0, 4096]));
        assert_eq!(read("1 1 0 1 100 0 100000000000"), starting_with(&[1, 0, 4095]));
        assert_eq!(read("0 1 1 100 0"), starting_with(&[1366, 1365, 1365]));
    }

    #[test]
    fn counts_of_little_precision() {
        // Shift 0: powers of two. 64, 1, the implied one, 2.
        let four = "0 0 0 1 000";
        assert_eq!(read(&format!("{four} 010 1101 000 1111")), starting_with(&[64, 1, 4096 - 67, 2]));
        // Shift 1 + 1 * 1 = 2: of 2^9 one bit of nine, of 2^6 none.
        let four = "0 0 10 1 1 000";
        assert_eq!(read(&format!("{four} 000 010 100001 1101 1")), starting_with(&[768, 64, 4096 - 833, 1]));
    }

    #[test]
    fn runs_repeat_the_final_count_and_are_cut() {
        // Ten symbols: 5, a run of it, the implied one; then a run from the start, of zeros, and one too long by one.
        let ten = "0 0 111 101 1 010 11";
        let (run_of_4, run_of_5) = ("1000001 0", "1000001 1 000");
        assert_eq!(
            read(&format!("{ten} 1100 {run_of_4} 000 10001 10001 10001 10001 10")).map(|p| p[..10].to_vec()),
            Ok(vec![5, 5, 5, 5, 5, 4096 - 25, 0, 0, 0, 0])
        );
        assert_eq!(
            read(&format!("{ten} {run_of_4} 000 1100 {run_of_5} 10")).map(|p| p[..12].to_vec()),
            Ok(vec![0, 0, 0, 0, 4096 - 25, 5, 5, 5, 5, 5, 0, 0])
        );
    }
}
