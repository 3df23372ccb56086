//! Distribution bundles and symbol streams, written.

use super::{AnsWriter, BitWriter, PrefixWriter, Random};
use crate::HybridIntegerConfig;

/// An element of a symbol stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// An integer that is coded itself.
    Literal {
        /// Its context.
        context: usize,
        /// The integer.
        value: u32,
    },
    /// A copy of earlier integers.
    Copy {
        /// Context of the first of them.
        context: usize,
        /// How many, at least the minimum.
        length: u32,
        /// The coded distance.
        distance: u32,
    },
}

impl Item {
    /// An integer that is coded itself.
    pub fn literal(context: usize, value: u32) -> Self {
        Self::Literal { context, value }
    }
}

/// Prefix codes or ANS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Prefix codes.
    Prefix,
    /// ANS with alphabets of two to this power, 5..=8.
    Ans(u32),
}

/// How a context map is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapForm {
    /// With equally many bits for each, if there are at most eight clusters.
    Simple,
    /// Entropy coded.
    Coded {
        /// As positions in a list of recently used clusters.
        move_to_front: bool,
        /// With runs.
        copies: bool,
    },
}

/// LZ77 parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyWriter {
    /// First token that is a length.
    pub min_symbol: u32,
    /// Shortest copy.
    pub min_length: u32,
    /// How lengths are coded.
    pub config: HybridIntegerConfig,
}

/// A distribution bundle.
#[derive(Clone, Debug)]
pub struct BundleWriter {
    context_map: Vec<u8>,
    map_form: MapForm,
    copies: Option<CopyWriter>,
    configs: Vec<HybridIntegerConfig>,
    codes: CodeWriters,
    random: Random,
}

#[derive(Clone, Debug)]
enum CodeWriters {
    Prefix(Vec<PrefixWriter>),
    Ans { log_alphabet: u32, codes: Vec<AnsWriter> },
}

/// A token with its raw bits.
struct Token {
    cluster: usize,
    token: u32,
    raw: u32,
    raw_bits: u32,
}

/// Token, raw bits and their number of an integer.
pub(super) fn tokenise(config: HybridIntegerConfig, value: u32) -> (u32, u32, u32) {
    let (split_exponent, msb, lsb) = config.parts();
    if value < 1 << split_exponent {
        return (value, 0, 0);
    }
    let log = value.ilog2();
    let raw_bits = log - msb - lsb;
    let top = value >> (log - msb) & ((1 << msb) - 1);
    let low = value & ((1 << lsb) - 1);
    let token = (1 << split_exponent) + ((log - split_exponent) << (msb + lsb)) + (top << lsb | low);
    (token, (u64::from(value) >> lsb & ((1 << raw_bits) - 1)) as u32, raw_bits)
}

impl BundleWriter {
    /// A bundle for literal items in `contexts <= 256` contexts, each a cluster of its own, with the usual integer
    /// configuration. ANS of at least 128 symbols takes any integer.
    pub fn fitting(contexts: usize, items: &[Item], kind: Kind) -> Self {
        let map = (0..contexts).map(|context| context as u8).collect();
        Self::with_parts(map, None, vec![HybridIntegerConfig::USUAL; contexts], items, kind)
    }

    /// A bundle for `items`. The map holds the cluster of each context, and that of distances at the end if there are
    /// `copies`; the configurations are those of the clusters.
    pub fn with_parts(
        context_map: Vec<u8>,
        copies: Option<CopyWriter>,
        configs: Vec<HybridIntegerConfig>,
        items: &[Item],
        kind: Kind,
    ) -> Self {
        let codes = CodeWriters::Prefix(Vec::new());
        let map_form = MapForm::Coded { move_to_front: false, copies: false };
        let mut bundle = Self { context_map, map_form, copies, configs, codes, random: Random::new(1) };
        let mut counts = vec![vec![0u64; 1]; bundle.configs.len()];
        for Token { cluster, token, .. } in bundle.tokens(items) {
            let counts = &mut counts[cluster];
            counts.resize(counts.len().max(token as usize + 1), 0);
            counts[token as usize] += 1;
        }
        counts.iter_mut().filter(|counts| counts.iter().all(|&c| c == 0)).for_each(|counts| counts[0] = 1);
        bundle.codes = match kind {
            Kind::Prefix => {
                CodeWriters::Prefix(counts.iter().map(|counts| PrefixWriter::fitting(counts)).collect())
            }
            Kind::Ans(log_alphabet) => {
                let code = |counts: &Vec<u64>| AnsWriter::fitting(counts, 1 << log_alphabet);
                CodeWriters::Ans { log_alphabet, codes: counts.iter().map(code).collect() }
            }
        };
        bundle
    }

    /// The same bundle with its context map in this form.
    pub fn map_form(self, map_form: MapForm) -> Self {
        Self { map_form, ..self }
    }

    /// The same bundle with other choices among equivalent forms.
    pub fn seed(self, seed: u64) -> Self {
        Self { random: Random::new(seed), ..self }
    }

    /// Writes the bundle.
    pub fn write(&self, writer: &mut BitWriter) {
        let mut random = self.random.clone();
        writer.write(self.copies.is_some().into(), 1);
        if let Some(CopyWriter { min_symbol, min_length, config }) = self.copies {
            writer.write_u32(min_symbol, [(224, 0), (512, 0), (4096, 0), (8, 15)]);
            writer.write_u32(min_length, [(3, 0), (4, 0), (5, 2), (9, 8)]).write_config(config, 8);
        }
        if self.context_map.len() > 1 {
            self.write_map(writer);
        }
        let (is_prefix, log_alphabet) = match self.codes {
            CodeWriters::Prefix(_) => (true, 15),
            CodeWriters::Ans { log_alphabet, .. } => (false, log_alphabet),
        };
        writer.write(is_prefix.into(), 1);
        if !is_prefix {
            writer.write(u64::from(log_alphabet) - 5, 2);
        }
        for &config in &self.configs {
            writer.write_config(config, log_alphabet);
        }
        match &self.codes {
            CodeWriters::Prefix(codes) => {
                let alphabets: Vec<u32> =
                    codes.iter().map(|code| code.alphabet() + random.below(2) as u32).collect();
                alphabets.iter().for_each(|alphabet| {
                    writer.write_variable(alphabet - 1, 4);
                });
                codes
                    .iter()
                    .zip(alphabets)
                    .for_each(|(code, alphabet)| code.write(writer, alphabet, &mut random));
            }
            CodeWriters::Ans { codes, .. } => codes.iter().for_each(|code| code.write(writer, &mut random)),
        }
    }

    fn write_map(&self, writer: &mut BitWriter) {
        let highest = self.context_map.iter().max().unwrap();
        let bits = highest.checked_ilog2().map_or(0, |log| log + 1);
        let MapForm::Coded { move_to_front, copies } = self.map_form else {
            writer.write(1, 1).write(bits.into(), 2);
            return self.context_map.iter().for_each(|&entry| {
                writer.write(entry.into(), bits);
            });
        };
        writer.write(0, 1).write(move_to_front.into(), 1);
        let mut recent: Vec<u8> = (0..=255).collect();
        let entries: Vec<u32> = self
            .context_map
            .iter()
            .map(|&cluster| {
                let place = recent.iter().position(|&other| other == cluster).unwrap();
                if move_to_front {
                    recent.remove(place);
                    recent.insert(0, cluster);
                    place as u32
                } else {
                    cluster.into()
                }
            })
            .collect();
        let (mut items, mut nested_map, mut nested_copies) = (Vec::new(), vec![0], None);
        let config = HybridIntegerConfig::new(4, 1, 1).unwrap();
        if copies && self.context_map.len() > 2 {
            nested_map = vec![0, 1];
            nested_copies = Some(CopyWriter { min_symbol: 200, min_length: 3, config });
            for run in entries.chunk_by(|a, b| a == b) {
                let literals = if run.len() > 3 { 1 } else { run.len() };
                items.extend((0..literals).map(|_| Item::literal(0, run[0])));
                if run.len() > 3 {
                    items.push(Item::Copy { context: 0, length: run.len() as u32 - 1, distance: 0 });
                }
            }
        } else {
            items.extend(entries.iter().map(|&entry| Item::literal(0, entry)));
        }
        let kind = if move_to_front { Kind::Prefix } else { Kind::Ans(8) };
        let configs = vec![config; nested_map.len()];
        let nested = Self::with_parts(nested_map, nested_copies, configs, &items, kind);
        nested.write(writer);
        nested.write_stream(writer, &items);
    }

    /// Writes a symbol stream: for ANS the initial state, then the items.
    pub fn write_stream(&self, writer: &mut BitWriter, items: &[Item]) {
        let tokens = self.tokens(items);
        match &self.codes {
            CodeWriters::Prefix(codes) => {
                for Token { cluster, token, raw, raw_bits } in tokens {
                    codes[cluster].write_symbol(writer, token);
                    writer.write(raw.into(), raw_bits);
                }
            }
            CodeWriters::Ans { codes, .. } => {
                let mut state = 0x0013_0000;
                let mut taken_in = vec![None; tokens.len()];
                for (Token { cluster, token, .. }, taken_in) in tokens.iter().zip(&mut taken_in).rev() {
                    (state, *taken_in) = codes[*cluster].step(state, *token);
                }
                writer.write(state.into(), 32);
                for (Token { raw, raw_bits, .. }, taken_in) in tokens.iter().zip(taken_in) {
                    writer.write(taken_in.unwrap_or(0).into(), if taken_in.is_some() { 16 } else { 0 });
                    writer.write((*raw).into(), *raw_bits);
                }
            }
        }
    }

    fn tokens(&self, items: &[Item]) -> Vec<Token> {
        let token = |cluster: usize, config, value, first: u32| {
            let (token, raw, raw_bits) = tokenise(config, value);
            Token { cluster, token: token + first, raw, raw_bits }
        };
        let mut tokens = Vec::new();
        for &item in items {
            match item {
                Item::Literal { context, value } => {
                    let cluster = usize::from(self.context_map[context]);
                    tokens.push(token(cluster, self.configs[cluster], value, 0));
                }
                Item::Copy { context, length, distance } => {
                    let copies = self.copies.expect("copies in a bundle without");
                    let cluster = usize::from(self.context_map[context]);
                    tokens.push(token(cluster, copies.config, length - copies.min_length, copies.min_symbol));
                    let cluster = usize::from(*self.context_map.last().unwrap());
                    tokens.push(token(cluster, self.configs[cluster], distance, 0));
                }
            }
        }
        tokens
    }
}
