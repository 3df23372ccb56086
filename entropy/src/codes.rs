//! Distribution bundles: everything that turns the bits of a symbol stream into integers.

use crate::alias_table::{AliasBucket, build_alias_table};
use crate::ans_distribution::{MAX_ALPHABET as MAX_ANS_ALPHABET, read_distribution};
use crate::bit_reader::BitReader;
use crate::context_map::{NestedCodes, read_context_map};
use crate::error::{Error, Invalid, Limit};
use crate::hybrid_integer::HybridIntegerConfig;
use crate::lz77::{Lz77Parameters, distance};
use crate::prefix_code::{CodedSymbol, MAX_ALPHABET as MAX_PREFIX_ALPHABET, read_prefix_code};
use crate::prefix_table::{PrefixEntry, TokenMeaning, fill_tables, root_bits, second_level_len};
use crate::small_integer::read_u16;

/// Whether a bundle may use LZ77.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lz77 {
    /// As everywhere but below.
    Allowed,
    /// In the context map of a context map of two contexts.
    Forbidden,
}

/// What a bundle may cost, whatever it claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleLimits {
    /// Most contexts; each costs a byte.
    pub contexts: u64,
    /// Most bytes of decoding tables.
    pub table_bytes: u64,
}

impl Default for BundleLimits {
    /// 2^26 contexts, and more table bytes than any bundle can ask for.
    fn default() -> Self {
        Self { contexts: 1 << 26, table_bytes: 1 << 27 }
    }
}

/// A distribution bundle: context map, integer configurations, prefix or ANS codes, LZ77 parameters.
///
/// Reading one refills the storage of the one before; once warm it allocates nothing.
#[derive(Debug, Default)]
pub struct Codes {
    /// Cluster of each context, and of the distance context at the end if LZ77 is enabled.
    context_map: Vec<u8>,
    contexts: usize,
    clusters: usize,
    configs: Vec<HybridIntegerConfig>,
    all_usual: bool,
    uses_prefix_codes: bool,
    /// Logarithm of the number of entries of a cluster's (first-level) table.
    log_table: u32,
    prefix_entries: Vec<PrefixEntry>,
    ans_buckets: Vec<AliasBucket>,
    /// Of each cluster, the integer that it always gives without reading bits.
    single_values: Vec<Option<u32>>,
    /// Set only if a copy can occur.
    lz77: Option<Lz77Parameters>,
    distance_cluster: usize,
    scratch: Scratch,
}

/// How the copies of a stream work.
///
/// In order of what they need: streams read together all have what the greatest needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CopyKind {
    None,
    /// Always from the last integer.
    RunLength,
    Window,
}

#[derive(Debug, Default)]
struct Scratch {
    lengths: Vec<u8>,
    symbols: Vec<CodedSymbol>,
    /// End of each cluster's symbols.
    ends: Vec<usize>,
    alphabets: Vec<u32>,
    /// Highest token of each cluster.
    highest: Vec<u32>,
    nested: Option<Box<NestedCodes>>,
}

impl Codes {
    /// A bundle without contexts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a bundle for `contexts >= 1` contexts. After an error the bundle has no contexts.
    pub fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        contexts: usize,
        lz77: Lz77,
        limits: &BundleLimits,
    ) -> Result<(), Error> {
        let result = self.read_bundle(bits, contexts, lz77, limits);
        // Zeros past the end must not pass for a broken rule.
        let result = bits.check().and(result);
        if result.is_err() {
            self.clear();
        }
        result
    }

    /// Number of contexts.
    pub fn contexts(&self) -> usize {
        self.contexts
    }

    /// Cluster of each context. Readers take clusters: callers that know their contexts early keep these instead.
    pub fn context_map(&self) -> &[u8] {
        &self.context_map[..self.contexts]
    }

    /// Cluster of a context.
    ///
    /// # Panics
    /// If there is no such context.
    #[inline(always)]
    pub fn cluster(&self, context: usize) -> usize {
        self.context_map()[context].into()
    }

    /// Number of clusters, 1..=256. All clusters of the map are below.
    pub fn clusters(&self) -> usize {
        self.clusters
    }

    /// The integer that `cluster` always gives without consuming a bit, so that a caller may fill instead of reading.
    /// None if LZ77 is in use, because then integers may be copied and those read must be remembered.
    pub fn single_value(&self, cluster: usize) -> Option<u32> {
        if self.uses_lz77() {
            return None;
        }
        self.literal_single_value(cluster)
    }

    /// A bound of the integers that any cluster gives, so that a caller can choose how wide it keeps them. It is the
    /// largest one, or `u32::MAX`.
    pub fn largest_value(&self) -> u32 {
        let largest = |(&token, config): (&u32, &HybridIntegerConfig)| config.largest_value(token);
        self.scratch.highest.iter().zip(&self.configs).map(largest).max().unwrap_or(0)
    }

    /// Whether integers may be copied from earlier ones.
    pub fn uses_lz77(&self) -> bool {
        self.lz77.is_some()
    }

    /// Whether every copy, in a stream with this distance multiplier, repeats the last integer.
    pub fn is_run_length(&self, distance_multiplier: u32) -> bool {
        self.copy_kind(distance_multiplier) == CopyKind::RunLength
    }

    /// Whether the codes are prefix codes, not ANS.
    pub fn uses_prefix_codes(&self) -> bool {
        self.uses_prefix_codes
    }

    /// The integer configuration of each cluster.
    pub fn configs(&self) -> &[HybridIntegerConfig] {
        &self.configs
    }

    pub(crate) fn copy_kind(&self, distance_multiplier: u32) -> CopyKind {
        match (self.lz77, self.literal_single_value(self.distance_cluster)) {
            (None, _) => CopyKind::None,
            (_, Some(coded)) if distance(coded, distance_multiplier) == 1 => CopyKind::RunLength,
            _ => CopyKind::Window,
        }
    }

    pub(crate) fn lz77(&self) -> Option<Lz77Parameters> {
        self.lz77
    }

    /// Whether all clusters have the usual integer configuration.
    pub(crate) fn all_usual(&self) -> bool {
        self.all_usual
    }

    pub(crate) fn log_table(&self) -> u32 {
        self.log_table
    }

    /// Entries of the first-level tables, one after the other, and of all second-level tables. With LZ77, the table
    /// after those of all clusters is that of distances.
    pub(crate) fn prefix_entries(&self) -> &[PrefixEntry] {
        &self.prefix_entries
    }

    pub(crate) fn ans_buckets(&self) -> &[AliasBucket] {
        &self.ans_buckets
    }

    pub(crate) fn distance_cluster(&self) -> usize {
        self.distance_cluster
    }

    fn literal_single_value(&self, cluster: usize) -> Option<u32> {
        self.single_values.get(cluster).copied().flatten()
    }

    fn clear(&mut self) {
        self.contexts = 0;
        self.clusters = 0;
        self.context_map.clear();
        self.single_values.clear();
        self.lz77 = None;
    }

    fn read_bundle(
        &mut self,
        bits: &mut BitReader<'_>,
        contexts: usize,
        lz77: Lz77,
        limits: &BundleLimits,
    ) -> Result<(), Error> {
        let contexts = contexts.max(1);
        check_limit(Limit::Contexts, contexts as u64, limits.contexts)?;
        let lz77_enabled = bits.read_bool();
        if lz77_enabled && lz77 == Lz77::Forbidden {
            return Err(bits.invalid(Invalid::Lz77Forbidden));
        }
        let parameters = if lz77_enabled { Some(Lz77Parameters::read(bits)?) } else { None };
        self.contexts = contexts;
        self.context_map.clear();
        grow(&mut self.context_map, contexts + usize::from(lz77_enabled), 0)?;
        self.clusters = 1;
        if self.context_map.len() > 1 {
            bits.check()?;
            self.clusters = read_context_map(bits, &mut self.context_map, &mut self.scratch.nested, limits)?;
        }
        self.distance_cluster = self.context_map.last().copied().unwrap_or(0).into();
        let use_prefix_code = bits.read_bool();
        self.uses_prefix_codes = use_prefix_code;
        let log_alphabet = if use_prefix_code { 15 } else { 5 + bits.read(2) };
        self.configs.clear();
        for _ in 0..self.clusters {
            self.configs.push(HybridIntegerConfig::read(bits, log_alphabet)?);
        }
        self.all_usual = self.configs.iter().all(|&config| config == HybridIntegerConfig::USUAL);
        self.single_values.clear();
        self.scratch.highest.clear();
        if use_prefix_code {
            self.read_prefix_codes(bits, parameters, limits)?;
        } else {
            self.read_ans_codes(bits, log_alphabet, limits)?;
        }
        self.lz77 = parameters.filter(|parameters| self.can_copy(parameters));
        Ok(())
    }

    /// Whether any context has a token that is a copy length.
    fn can_copy(&self, parameters: &Lz77Parameters) -> bool {
        let copies = |&cluster: &u8| self.scratch.highest[usize::from(cluster)] >= parameters.min_symbol;
        self.scratch.highest.iter().any(|&highest| highest >= parameters.min_symbol)
            && self.context_map().iter().any(copies)
    }

    fn read_prefix_codes(
        &mut self,
        bits: &mut BitReader<'_>,
        lz77: Option<Lz77Parameters>,
        limits: &BundleLimits,
    ) -> Result<(), Error> {
        let Scratch { lengths, symbols, ends, alphabets, highest, .. } = &mut self.scratch;
        alphabets.clear();
        for _ in 0..self.clusters {
            let alphabet = read_u16(bits) + 1;
            if alphabet > MAX_PREFIX_ALPHABET {
                return Err(bits.invalid(Invalid::PrefixAlphabet));
            }
            alphabets.push(alphabet);
        }
        symbols.clear();
        ends.clear();
        let mut longest = 0;
        for (&alphabet, config) in alphabets.iter().zip(&self.configs) {
            let start = symbols.len();
            reserve(symbols, alphabet as usize)?;
            lengths.clear();
            reserve(lengths, alphabet as usize)?;
            read_prefix_code(bits, alphabet, lengths, symbols)?;
            bits.check()?;
            let bytes = symbols.len() * size_of::<PrefixEntry>();
            check_limit(Limit::TableBytes, bytes as u64, limits.table_bytes)?;
            let code = &symbols[start..];
            ends.push(symbols.len());
            longest = code.last().map_or(0, |coded| coded.length).max(longest);
            highest.push(code.iter().map(|coded| coded.symbol.into()).max().unwrap_or(0));
            let single = if let [only] = code { Some(u32::from(only.symbol)) } else { None };
            self.single_values.push(single.and_then(|token| bitless_value(*config, token)));
        }
        self.fill_prefix_tables(longest.into(), lz77, limits)
    }

    fn fill_prefix_tables(
        &mut self,
        longest: u32,
        lz77: Option<Lz77Parameters>,
        limits: &BundleLimits,
    ) -> Result<(), Error> {
        let Scratch { symbols, ends, .. } = &self.scratch;
        let code = |cluster: usize| {
            let start = cluster.checked_sub(1).map_or(0, |before| ends[before]);
            &symbols[start..ends[cluster]]
        };
        let distance_table = lz77.map(|_| self.distance_cluster);
        let tables = self.clusters + usize::from(lz77.is_some());
        let root_bits = root_bits(tables, longest);
        let clusters = (0..self.clusters).chain(distance_table);
        let second_levels: usize =
            clusters.clone().map(|cluster| second_level_len(code(cluster), root_bits)).sum();
        let entries = (tables << root_bits) + second_levels;
        check_limit(Limit::TableBytes, (entries * size_of::<PrefixEntry>()) as u64, limits.table_bytes)?;
        self.prefix_entries.clear();
        grow(&mut self.prefix_entries, entries, PrefixEntry::default())?;
        let mut second = tables << root_bits;
        for (table, cluster) in clusters.enumerate() {
            let copy = lz77.filter(|_| table < self.clusters);
            let meaning = TokenMeaning {
                literal: self.configs[cluster],
                copy: copy.map(|parameters| (parameters.min_symbol, parameters.length_config)),
            };
            let code = code(cluster);
            fill_tables(&mut self.prefix_entries, (table << root_bits, second), root_bits, code, meaning);
            second += second_level_len(code, root_bits);
        }
        self.log_table = root_bits;
        Ok(())
    }

    fn read_ans_codes(
        &mut self,
        bits: &mut BitReader<'_>,
        log_alphabet: u32,
        limits: &BundleLimits,
    ) -> Result<(), Error> {
        let alphabet = 1 << log_alphabet;
        let buckets = self.clusters << log_alphabet;
        check_limit(Limit::TableBytes, (buckets * size_of::<AliasBucket>()) as u64, limits.table_bytes)?;
        self.ans_buckets.clear();
        grow(&mut self.ans_buckets, buckets, AliasBucket::default())?;
        let mut probabilities = [0; MAX_ANS_ALPHABET];
        let probabilities = &mut probabilities[..alphabet];
        for (table, config) in self.ans_buckets.chunks_exact_mut(alphabet).zip(&self.configs) {
            read_distribution(bits, probabilities)?;
            let single = build_alias_table(probabilities, table);
            let highest = probabilities.iter().rposition(|&probability| probability != 0);
            self.scratch.highest.push(highest.unwrap_or(0) as u32);
            self.single_values.push(single.and_then(|token| bitless_value(*config, token)));
        }
        self.log_table = log_alphabet;
        Ok(())
    }
}

/// The integer of a token if it has no raw bits.
fn bitless_value(config: HybridIntegerConfig, token: u32) -> Option<u32> {
    let expansion = config.expand(token);
    (expansion.raw_bits == 0).then_some(expansion.base)
}

pub(crate) fn check_limit(limit: Limit, value: u64, bound: u64) -> Result<(), Error> {
    if value > bound { Err(Error::Limit { limit, value, bound }) } else { Ok(()) }
}

fn reserve<T>(list: &mut Vec<T>, more: usize) -> Result<(), Error> {
    list.try_reserve(more).map_err(|_| no_room_for::<T>(more))
}

fn no_room_for<T>(items: usize) -> Error {
    Error::Memory { bytes: (items as u64).saturating_mul(size_of::<T>() as u64) }
}

/// Fills a list up to `len` items, which are all it is to have.
pub(crate) fn grow<T: Clone>(list: &mut Vec<T>, len: usize, item: T) -> Result<(), Error> {
    let more = len - list.len();
    list.try_reserve_exact(more).map_err(|_| no_room_for::<T>(more))?;
    list.resize(len, item);
    Ok(())
}
