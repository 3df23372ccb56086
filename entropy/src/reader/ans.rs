//! Integers by ANS.

use super::copies::{Code, Symbol};
use super::{IntegerReader, Open, Opening};
use crate::alias_table::AliasBucket;
use crate::bit_reader::BitReader;
use crate::codes::Codes;
use crate::error::{Error, Invalid};
use crate::hybrid_integer::HybridIntegerConfig;
use std::hint::select_unpredictable;

/// State after the last symbol of every stream.
pub(crate) const FINAL_STATE: u32 = 0x0013_0000;
/// The state is kept at or above this.
const LOW: u32 = 1 << 16;

/// Integer configurations by cluster.
pub(crate) trait Configs<'c> {
    /// The configurations of a bundle.
    fn of(codes: &'c Codes) -> Self;

    /// The integer of a token, its raw bits being in the buffer.
    fn value(&self, bits: &mut BitReader<'_>, cluster: usize, token: u32) -> u32;
}

/// All clusters have the usual configuration.
#[derive(Debug)]
pub(crate) struct UsualConfig;

impl Configs<'_> for UsualConfig {
    fn of(_codes: &Codes) -> Self {
        Self
    }

    #[inline(always)]
    fn value(&self, bits: &mut BitReader<'_>, _cluster: usize, token: u32) -> u32 {
        HybridIntegerConfig::USUAL.value(token, bits)
    }
}

/// Each cluster has its own configuration.
#[derive(Debug)]
pub(crate) struct EachConfig<'c>(&'c [HybridIntegerConfig]);

impl<'c> Configs<'c> for EachConfig<'c> {
    fn of(codes: &'c Codes) -> Self {
        Self(codes.configs())
    }

    #[inline(always)]
    fn value(&self, bits: &mut BitReader<'_>, cluster: usize, token: u32) -> u32 {
        self.0[cluster].value(token, bits)
    }
}

/// The ANS codes of a bundle and the state of a stream.
#[derive(Debug)]
pub(crate) struct AnsCode<'c, C> {
    buckets: &'c [AliasBucket],
    configs: C,
    state: u32,
    log_alphabet: u32,
    min_symbol: u32,
    length_config: HybridIntegerConfig,
    distance_cluster: usize,
}

impl<'c, C: Configs<'c>> Open<'c> for AnsCode<'c, C> {
    fn open(stream: Opening<'c>) -> Self {
        let codes = stream.codes;
        let copies = codes.lz77();
        Self {
            buckets: codes.ans_buckets(),
            configs: C::of(codes),
            state: stream.ans_state,
            log_alphabet: codes.log_table(),
            min_symbol: copies.map_or(u32::MAX, |copies| copies.min_symbol),
            length_config: copies.map_or(HybridIntegerConfig::USUAL, |copies| copies.length_config),
            distance_cluster: codes.distance_cluster(),
        }
    }
}

impl<'c, C: Configs<'c>> AnsCode<'c, C> {
    /// The next token. Leaves at least 40 bits in the buffer.
    #[inline(always)]
    fn token(&mut self, bits: &mut BitReader<'_>, cluster: usize) -> u32 {
        bits.refill();
        let index = self.state & 0xfff;
        let log_bucket = 12 - self.log_alphabet;
        let (bucket, position) = (index >> log_bucket, index & ((1 << log_bucket) - 1));
        let slot = self.buckets[(cluster << self.log_alphabet) + bucket as usize].slot(bucket, position);
        // The state with and without 16 more bits, side by side so that only one addition and one selection wait for the
        // products: 1.15× on all streams. At most 4096 * (2^20 - 1) + 4095.
        let product = slot.probability.wrapping_mul(self.state >> 12);
        let shifted = slot.probability.wrapping_mul(self.state << 4 & !(LOW - 1));
        let is_low = product < LOW - slot.offset;
        // A rotation rather than an "or", which the compiler would divide into two additions behind the product.
        let added = ((bits.buffer() as u32) << 16 | slot.offset).rotate_left(16);
        let low = shifted.wrapping_add(added);
        self.state = select_unpredictable(is_low, low, product.wrapping_add(slot.offset));
        bits.consume(select_unpredictable(is_low, 16, 0));
        slot.symbol
    }

    fn check_state(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        bits.check()?;
        if self.state == FINAL_STATE { Ok(()) } else { Err(bits.invalid(Invalid::AnsFinalState)) }
    }
}

impl<'c, C: Configs<'c>> Code for AnsCode<'c, C> {
    #[inline(always)]
    fn symbol(&mut self, bits: &mut BitReader<'_>, cluster: usize) -> Symbol {
        let token = self.token(bits, cluster);
        match token.checked_sub(self.min_symbol) {
            Some(token) => Symbol { value: self.length_config.value(token, bits), is_copy_length: true },
            None => Symbol { value: self.configs.value(bits, cluster, token), is_copy_length: false },
        }
    }

    #[inline(always)]
    fn distance(&mut self, bits: &mut BitReader<'_>) -> u32 {
        let token = self.token(bits, self.distance_cluster);
        self.configs.value(bits, self.distance_cluster, token)
    }

    fn finish(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        self.check_state(bits)
    }
}

impl<'c, C: Configs<'c>> IntegerReader for AnsCode<'c, C> {
    #[inline(always)]
    fn read(&mut self, bits: &mut BitReader<'_>, cluster: usize) -> u32 {
        let token = self.token(bits, cluster);
        self.configs.value(bits, cluster, token)
    }

    fn check(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        bits.check()
    }

    fn finish(self, bits: &BitReader<'_>) -> Result<(), Error> {
        self.check_state(bits)
    }
}
