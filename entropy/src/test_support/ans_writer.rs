//! ANS distributions and streams, written.

use super::{BitWriter, Random};

/// Codes of 1 + the logarithm of a count, in reading order; the last one starts a run.
const LOG_CODES: [&str; 14] = [
    "10001", "1101", "1111", "1100", "1001", "1110", "001", "010", "101", "011", "000", "100001", "1000000",
    "1000001",
];

/// A distribution, and the states of its symbols.
#[derive(Clone, Debug)]
pub struct AnsWriter {
    probabilities: Vec<u16>,
    /// For each symbol, the slot of each of its offsets.
    slots: Vec<Vec<u16>>,
}

/// Symbol and offset of each of the 4096 slots of a distribution over 32, 64, 128 or 256 symbols, as the format
/// constructs them.
pub fn alias_slots(probabilities: &[u16]) -> Vec<(usize, u32)> {
    let table_size = probabilities.len();
    let bucket = 4096 / table_size;
    let mut cutoff: Vec<usize> = probabilities.iter().map(|&p| p.into()).collect();
    let mut symbol = vec![0; table_size];
    let mut offset = vec![0isize; table_size];
    if let Some(single) = cutoff.iter().position(|&p| p == 4096) {
        return (0..4096).map(|index| (single, index)).collect();
    }
    let mut under: Vec<usize> = (0..table_size).filter(|&i| cutoff[i] < bucket).collect();
    let mut over: Vec<usize> = (0..table_size).filter(|&i| cutoff[i] > bucket).collect();
    while let Some(o) = over.pop() {
        let u = under.pop().unwrap();
        cutoff[o] -= bucket - cutoff[u];
        symbol[u] = o;
        offset[u] = cutoff[o] as isize;
        if cutoff[o] < bucket {
            under.push(o);
        } else if cutoff[o] > bucket {
            over.push(o);
        }
    }
    for i in 0..table_size {
        if cutoff[i] == bucket {
            (symbol[i], offset[i], cutoff[i]) = (i, 0, 0);
        } else {
            offset[i] -= cutoff[i] as isize;
        }
    }
    let slot = |index: usize| {
        let (i, position) = (index / bucket, index % bucket);
        if position >= cutoff[i] {
            (symbol[i], (offset[i] + position as isize) as u32)
        } else {
            (i, position as u32)
        }
    };
    (0..4096).map(slot).collect()
}

impl AnsWriter {
    /// A distribution with the sum 4096 over 32, 64, 128 or 256 symbols.
    pub fn new(probabilities: Vec<u16>) -> Self {
        assert_eq!(probabilities.iter().map(|&p| u32::from(p)).sum::<u32>(), 4096);
        let mut slots: Vec<Vec<u16>> = probabilities.iter().map(|&p| vec![0; p.into()]).collect();
        for (index, (symbol, offset)) in alias_slots(&probabilities).into_iter().enumerate() {
            slots[symbol][offset as usize] = index as u16;
        }
        Self { probabilities, slots }
    }

    /// A distribution for symbols that occur `counts` times, of which one is positive and at most 4096 are.
    pub fn fitting(counts: &[u64], alphabet: usize) -> Self {
        let total: u64 = counts.iter().sum();
        let used = counts.iter().filter(|&&c| c > 0).count() as u64;
        let mut probabilities: Vec<u16> =
            counts.iter().map(|&c| if c > 0 { 1 + (c * (4096 - used) / total) as u16 } else { 0 }).collect();
        let sum: u16 = probabilities.iter().sum();
        *probabilities.iter_mut().max().unwrap() += 4096 - sum;
        assert!(
            probabilities[alphabet.min(probabilities.len())..].iter().all(|&p| p == 0),
            "alphabet too small"
        );
        probabilities.resize(alphabet, 0);
        Self::new(probabilities)
    }

    /// Writes the distribution in one of the forms that it has.
    pub fn write(&self, writer: &mut BitWriter, random: &mut Random) {
        let used: Vec<usize> = (0..self.probabilities.len()).filter(|&s| self.probabilities[s] > 0).collect();
        let in_flat = |s: usize| 4096 / used.len() + usize::from(s < 4096 % used.len());
        let is_flat = (0..used.len()).all(|s| usize::from(self.probabilities[s]) == in_flat(s));
        match used[..] {
            [only] => {
                writer.write(1, 1).write(0, 1).write_variable(only as u32, 3);
            }
            [a, b] if random.one_in(2) => {
                writer.write(1, 1).write(1, 1).write_variable(a as u32, 3).write_variable(b as u32, 3);
                writer.write(self.probabilities[a].into(), 12);
            }
            _ if is_flat => {
                writer.write(0, 1).write(1, 1).write_variable(used.len() as u32 - 1, 3);
            }
            _ => self.write_counts(writer, used[used.len() - 1], random),
        }
    }

    fn write_counts(&self, writer: &mut BitWriter, highest: usize, random: &mut Random) {
        writer.write(0, 1).write(0, 1);
        // All bits of all counts: shift 12 or 13.
        writer.write_digits("111").write(5 + random.below(2) as u64, 3);
        let symbols =
            (highest + 1).max(3) + random.below(2) * usize::from(highest + 2 < self.probabilities.len());
        let symbols = symbols.min(self.probabilities.len());
        writer.write_variable(symbols as u32 - 3, 3);
        let probabilities = &self.probabilities[..symbols];
        let log = |p: u16| p.checked_ilog2().map_or(0, |l| l as usize + 1);
        let greatest = probabilities.iter().map(|&p| log(p)).max().unwrap();
        let omitted = probabilities.iter().position(|&p| log(p) == greatest).unwrap();
        let mut written = Vec::new();
        let mut i = 0;
        while i < symbols {
            let before = if i > 0 { probabilities[i - 1] } else { 0 };
            let run = probabilities[i..].iter().take_while(|&&p| p == before).count();
            let reaches_omitted = (i..i + run).contains(&omitted) || i == omitted + 1;
            if run >= 4 && !reaches_omitted && !random.one_in(4) {
                let run = run.min(259);
                writer.write_digits(LOG_CODES[13]).write_variable(run as u32 - 4, 3);
                i += run;
                continue;
            }
            writer.write_digits(LOG_CODES[log(probabilities[i])]);
            written.push(i);
            i += 1;
        }
        for i in written.into_iter().filter(|&i| i != omitted && probabilities[i] > 1) {
            let bits = probabilities[i].ilog2();
            writer.write(u64::from(probabilities[i]) - (1 << bits), bits);
        }
    }

    /// The state before a symbol, and the 16 bits that the reader takes in after it, for the state after it.
    pub fn step(&self, state: u32, symbol: u32) -> (u32, Option<u16>) {
        let probability = u32::from(self.probabilities[symbol as usize]);
        assert!(probability > 0, "symbol {symbol} without a probability");
        let full = u64::from(state) >= u64::from(probability) << 20;
        let (state, taken) = if full { (state >> 16, Some(state as u16)) } else { (state, None) };
        let slot = self.slots[symbol as usize][(state % probability) as usize];
        ((state / probability) << 12 | u32::from(slot), taken)
    }
}
