//! The format read in the plainest way, bit by bit: what the fast readers are tested against.

use crate::error::Invalid;
use crate::lz77_distances::SPECIAL_DISTANCES;
use crate::test_support::alias_slots;

/// Why a stream is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Invalid(Invalid),
    Overrun,
}

type Result<T> = std::result::Result<T, Refusal>;

fn require(condition: bool, what: Invalid) -> Result<()> {
    if condition { Ok(()) } else { Err(Refusal::Invalid(what)) }
}

pub(crate) struct TwinBits<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) position: usize,
}

impl TwinBits<'_> {
    fn bit(&mut self) -> u32 {
        let byte = self.data.get(self.position / 8).copied().unwrap_or(0);
        self.position += 1;
        u32::from(byte >> ((self.position - 1) % 8) & 1)
    }

    fn u(&mut self, n: u32) -> u32 {
        (0..n).fold(0, |value, i| value | self.bit() << i)
    }

    fn vl(&mut self, length_bits: u32) -> u32 {
        if self.bit() == 0 {
            return 0;
        }
        let n = self.u(length_bits);
        (1 << n) + self.u(n)
    }

    /// An overrun takes the place of any other verdict.
    fn verdict<T>(&self, result: Result<T>) -> Result<T> {
        if self.position > self.data.len() * 8 { Err(Refusal::Overrun) } else { result }
    }
}

fn clog2(x: u32) -> u32 {
    (0..32).find(|&k| 1u64 << k >= u64::from(x)).unwrap()
}

#[derive(Clone, Copy)]
struct Config(u32, u32, u32);

impl Config {
    fn read(bits: &mut TwinBits<'_>, log_alphabet: u32) -> Result<Self> {
        let split_exponent = bits.u(clog2(log_alphabet + 1));
        if split_exponent == log_alphabet {
            return Ok(Self(split_exponent, 0, 0));
        }
        let msb = bits.u(clog2(split_exponent + 1));
        require(msb <= split_exponent, Invalid::IntegerMsb)?;
        let lsb = bits.u(clog2(split_exponent - msb + 1));
        require(msb + lsb <= split_exponent, Invalid::IntegerLsb)?;
        Ok(Self(split_exponent, msb, lsb))
    }

    fn value(self, token: u32, bits: &mut TwinBits<'_>) -> u32 {
        let Self(split_exponent, msb, lsb) = self;
        let split = 1 << split_exponent;
        if token < split {
            return token;
        }
        let k = msb + lsb;
        let n = (split_exponent - k + ((token - split) >> k)) & 31;
        let low = u64::from(token & ((1 << lsb) - 1));
        let high = u64::from((1 << msb) | ((token >> lsb) & ((1 << msb) - 1)));
        ((((high << n) | u64::from(bits.u(n))) << lsb) | low) as u32
    }
}

enum Code {
    /// (length, symbol) in canonical order.
    Prefix(Vec<(u32, u32)>),
    Ans {
        probabilities: Vec<u16>,
        slots: Vec<(usize, u32)>,
    },
}

pub(crate) struct TwinCodes {
    map: Vec<u32>,
    lz77: Option<(u32, u32, Config)>,
    configs: Vec<Config>,
    codes: Vec<Code>,
}

impl TwinCodes {
    pub(crate) fn read(bits: &mut TwinBits<'_>, contexts: usize, lz77_allowed: bool) -> Result<Self> {
        let result = Self::read_bundle(bits, contexts, lz77_allowed);
        bits.verdict(result)
    }

    pub(crate) fn contexts(&self) -> usize {
        self.map.len() - usize::from(self.lz77.is_some())
    }

    fn read_bundle(bits: &mut TwinBits<'_>, contexts: usize, lz77_allowed: bool) -> Result<Self> {
        let mut lz77 = None;
        if bits.bit() == 1 {
            require(lz77_allowed, Invalid::Lz77Forbidden)?;
            let min_symbol = match bits.u(2) {
                0 => 224,
                1 => 512,
                2 => 4096,
                _ => 8 + bits.u(15),
            };
            let min_length = match bits.u(2) {
                0 => 3,
                1 => 4,
                2 => 5 + bits.u(2),
                _ => 9 + bits.u(8),
            };
            lz77 = Some((min_symbol, min_length, Config::read(bits, 8)?));
        }
        let entries = contexts + usize::from(lz77.is_some());
        let map = if entries > 1 { read_map(bits, entries)? } else { vec![0] };
        let clusters = *map.iter().max().unwrap() + 1;
        require((0..clusters).all(|cluster| map.contains(&cluster)), Invalid::ContextMapHole)?;
        let is_prefix = bits.bit() == 1;
        let log_alphabet = if is_prefix { 15 } else { 5 + bits.u(2) };
        let mut configs = Vec::new();
        for _ in 0..clusters {
            configs.push(Config::read(bits, log_alphabet)?);
        }
        let mut codes = Vec::new();
        if is_prefix {
            let mut sizes = Vec::new();
            for _ in 0..clusters {
                sizes.push(bits.vl(4) + 1);
                require(*sizes.last().unwrap() <= 32768, Invalid::PrefixAlphabet)?;
            }
            for size in sizes {
                let mut code: Vec<(u32, u32)> = read_prefix(bits, size)?;
                code.sort_unstable();
                codes.push(Code::Prefix(code));
            }
        } else {
            for _ in 0..clusters {
                let probabilities = read_distribution(bits, 1 << log_alphabet)?;
                let slots = alias_slots(&probabilities);
                codes.push(Code::Ans { probabilities, slots });
            }
        }
        Ok(Self { map, lz77, configs, codes })
    }

    /// Reads integers in these contexts, and the end of the stream.
    pub(crate) fn read_stream(
        &self,
        bits: &mut TwinBits<'_>,
        multiplier: u32,
        contexts: impl Iterator<Item = usize>,
    ) -> (Vec<u32>, Result<()>) {
        let is_ans = matches!(self.codes[0], Code::Ans { .. });
        let mut state = if is_ans { bits.u(32) } else { 0x0013_0000 };
        let (mut values, mut result) = (Vec::new(), Ok(()));
        let (mut left, mut source) = (0u64, 0usize);
        for context in contexts {
            if left == 0 {
                let cluster = self.map[context] as usize;
                let token = self.token(bits, &mut state, cluster);
                match self.lz77 {
                    Some((min_symbol, min_length, config)) if token >= min_symbol => {
                        left = u64::from(config.value(token - min_symbol, bits)) + u64::from(min_length);
                        if left > u64::from(u32::MAX) {
                            result = result.and(Err(Refusal::Invalid(Invalid::Lz77Length)));
                        }
                        source = values.len() - self.distance(bits, &mut state, multiplier, values.len());
                    }
                    _ => {
                        values.push(self.configs[cluster].value(token, bits));
                        continue;
                    }
                }
            }
            values.push(values.get(source).copied().unwrap_or(0));
            (left, source) = (left - 1, source + 1);
        }
        let result = result.and_then(|()| require(state == 0x0013_0000, Invalid::AnsFinalState));
        (values, bits.verdict(result))
    }

    fn distance(&self, bits: &mut TwinBits<'_>, state: &mut u32, multiplier: u32, count: usize) -> usize {
        let cluster = *self.map.last().unwrap() as usize;
        let token = self.token(bits, state, cluster);
        let coded = i128::from(self.configs[cluster].value(token, bits));
        let distance = if multiplier == 0 {
            coded + 1
        } else if coded < 120 {
            let (dx, dy) = SPECIAL_DISTANCES[coded as usize];
            (i128::from(dx) + i128::from(multiplier) * i128::from(dy)).max(1)
        } else {
            coded - 119
        };
        distance.min(count as i128).min(1 << 20) as usize
    }

    fn token(&self, bits: &mut TwinBits<'_>, state: &mut u32, cluster: usize) -> u32 {
        match &self.codes[cluster] {
            Code::Prefix(code) => read_prefix_symbol(bits, code),
            Code::Ans { probabilities, slots } => {
                let (symbol, offset) = slots[*state as usize % 4096];
                *state = u32::from(probabilities[symbol]) * (*state >> 12) + offset;
                if *state < 1 << 16 {
                    *state = *state << 16 | bits.u(16);
                }
                symbol as u32
            }
        }
    }
}

fn read_map(bits: &mut TwinBits<'_>, entries: usize) -> Result<Vec<u32>> {
    if bits.bit() == 1 {
        let n = bits.u(2);
        return Ok((0..entries).map(|_| bits.u(n)).collect());
    }
    let move_to_front = bits.bit() == 1;
    let codes = TwinCodes::read(bits, 1, entries > 2)?;
    let start = bits.position;
    let (mut map, result) = codes.read_stream(bits, 0, std::iter::repeat_n(0, entries));
    if let Some(entry) = map.iter().position(|&entry| entry > 255) {
        // Refused there and then, unless it is already past the end.
        bits.position = start;
        let _ = codes.read_stream(bits, 0, std::iter::repeat_n(0, entry + 1));
        return Err(Refusal::Invalid(Invalid::ContextMapEntry));
    }
    result?;
    if move_to_front {
        let mut recent: Vec<u32> = (0..256).collect();
        for entry in &mut map {
            let cluster = recent.remove(*entry as usize);
            recent.insert(0, cluster);
            *entry = cluster;
        }
    }
    Ok(map)
}

fn read_prefix_symbol(bits: &mut TwinBits<'_>, code: &[(u32, u32)]) -> u32 {
    let (mut canonical, mut length) = (0u32, 0);
    let (mut next, mut next_length) = (0u32, 0);
    for &(symbol_length, symbol) in code {
        next <<= symbol_length - next_length;
        next_length = symbol_length;
        while length < symbol_length {
            canonical = canonical << 1 | bits.bit();
            length += 1;
        }
        if canonical == next {
            return symbol;
        }
        next += 1;
    }
    panic!("the code is not complete")
}

fn read_prefix(bits: &mut TwinBits<'_>, size: u32) -> Result<Vec<(u32, u32)>> {
    if size == 1 {
        return Ok(vec![(0, 0)]);
    }
    let skip = bits.u(2) as usize;
    if skip == 1 {
        let count = bits.u(2) + 1;
        let mut symbols = Vec::new();
        for _ in 0..count {
            let symbol = bits.u(clog2(size));
            require(symbol < size, Invalid::PrefixSymbol)?;
            require(!symbols.contains(&symbol), Invalid::PrefixDuplicate)?;
            symbols.push(symbol);
        }
        let lengths: &[u32] = match count {
            1 => &[0],
            2 => &[1, 1],
            3 => &[1, 2, 2],
            _ if bits.bit() == 1 => &[1, 2, 3, 3],
            _ => &[2, 2, 2, 2],
        };
        return Ok(lengths.iter().copied().zip(symbols).collect());
    }
    let order = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let (mut code, mut space) = (Vec::new(), 32);
    for &symbol in &order[skip..] {
        if space > 0 {
            let value = match bits.u(2) {
                0 => 0,
                1 => 4,
                2 => 3,
                _ if bits.bit() == 0 => 2,
                _ if bits.bit() == 0 => 1,
                _ => 5,
            };
            if value != 0 {
                space -= 32 >> value;
                code.push((value, symbol));
            }
        }
    }
    require(space == 0 || code.len() == 1, Invalid::PrefixLengthCode)?;
    if let [only] = &mut code[..] {
        only.0 = 0;
    }
    code.sort_unstable();
    let size = size as usize;
    let (mut lengths, mut space, mut previous) = (Vec::new(), 32768i64, 8);
    let (mut repeat, mut repeated) = (0, 0);
    while lengths.len() < size && space > 0 {
        let c = read_prefix_symbol(bits, &code);
        if c <= 15 {
            lengths.push(c);
            repeat = 0;
            if c != 0 {
                previous = c;
                space -= 32768 >> c;
            }
            continue;
        }
        let extra = c - 14;
        let length = if c == 16 { previous } else { 0 };
        if length != repeated {
            (repeat, repeated) = (0, length);
        }
        let old = repeat;
        if repeat > 0 {
            repeat = (repeat - 2) << extra;
        }
        repeat += bits.u(extra) as usize + 3;
        require(lengths.len() + repeat - old <= size, Invalid::PrefixRepeat)?;
        for _ in old..repeat {
            lengths.push(repeated);
            space -= if repeated == 0 { 0 } else { 32768 >> repeated };
        }
    }
    require(space == 0, Invalid::PrefixSpace)?;
    Ok(lengths.into_iter().zip(0..).filter(|&(length, _)| length != 0).collect())
}

fn read_distribution(bits: &mut TwinBits<'_>, size: usize) -> Result<Vec<u16>> {
    let mut d = vec![0u16; size];
    if bits.bit() == 1 {
        if bits.bit() == 0 {
            let symbol = bits.vl(3) as usize;
            require(symbol < size, Invalid::AnsSymbol)?;
            d[symbol] = 4096;
        } else {
            let a = bits.vl(3) as usize;
            require(a < size, Invalid::AnsSymbol)?;
            let b = bits.vl(3) as usize;
            require(b < size, Invalid::AnsSymbol)?;
            require(a != b, Invalid::AnsDuplicate)?;
            d[a] = bits.u(12) as u16;
            d[b] = 4096 - d[a];
        }
        return Ok(d);
    }
    if bits.bit() == 1 {
        let n = bits.vl(3) as u16 + 1;
        require(usize::from(n) <= size, Invalid::AnsAlphabet)?;
        (0..n).for_each(|i| d[usize::from(i)] = 4096 / n + u16::from(i < 4096 % n));
        return Ok(d);
    }
    let mut k = 0;
    while k < 3 && bits.bit() == 1 {
        k += 1;
    }
    let shift = (1 << k) - 1 + bits.u(k) as i32;
    require(shift <= 13, Invalid::AnsShift)?;
    let n = bits.vl(3) as usize + 3;
    require(n <= size, Invalid::AnsAlphabet)?;
    let (mut logs, mut runs) = (vec![0; n], vec![0; n]);
    let (mut best, mut omit, mut i) = (0, None, 0);
    while i < n {
        let v = read_log_code(bits);
        logs[i] = v;
        if v == 13 {
            runs[i] = bits.vl(3) as usize + 4;
            i += runs[i];
            continue;
        }
        if v > best {
            (best, omit) = (v, Some(i));
        }
        i += 1;
    }
    require(omit.is_some(), Invalid::AnsNoCount)?;
    let omit = omit.unwrap();
    require(omit + 1 >= n || logs[omit + 1] != 13, Invalid::AnsRun)?;
    let (mut total, mut left) = (0, 0);
    for i in 0..n {
        left = left.max(runs[i]);
        if left > 0 {
            d[i] = if i > 0 { d[i - 1] } else { 0 };
            left -= 1;
        } else {
            if logs[i] == 0 || i == omit {
                continue;
            }
            let c = logs[i] - 1;
            let mantissa = (shift - ((12 - c) >> 1)).min(c).max(0);
            d[i] = (1 << c) + ((bits.u(mantissa as u32) as u16) << (c - mantissa));
        }
        total += i32::from(d[i]);
    }
    require(total < 4096, Invalid::AnsTotal)?;
    d[omit] = (4096 - total) as u16;
    Ok(d)
}

fn read_log_code(bits: &mut TwinBits<'_>) -> i32 {
    match bits.u(3) {
        0 => 10,
        2 => 7,
        4 => 6,
        5 => 8,
        6 => 9,
        3 => [3, 1][bits.bit() as usize],
        7 => [5, 2][bits.bit() as usize],
        _ => match (0..4).find(|_| bits.bit() == 1) {
            Some(0) => 4,
            Some(1) => 0,
            Some(2) => 11,
            Some(_) => 13,
            None => 12,
        },
    }
}
