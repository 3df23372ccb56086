//! Integers by prefix codes.

use super::copies::{Code, Symbol};
use super::{IntegerReader, Open, Opening};
use crate::bit_reader::BitReader;
use crate::error::Error;
use crate::prefix_table::PrefixEntry;

/// The prefix codes of a bundle.
#[derive(Debug)]
pub(crate) struct PrefixCode<'c> {
    entries: &'c [PrefixEntry],
    root_bits: u32,
    distance_table: usize,
}

impl<'c> Open<'c> for PrefixCode<'c> {
    fn open(stream: Opening<'c>) -> Self {
        let codes = stream.codes;
        Self {
            entries: codes.prefix_entries(),
            root_bits: codes.log_table(),
            distance_table: codes.clusters(),
        }
    }
}

impl PrefixCode<'_> {
    /// The entry of the next code, after its bits and raw bits are consumed, and its value.
    #[inline(always)]
    fn entry(&self, bits: &mut BitReader<'_>, table: usize) -> (PrefixEntry, u32) {
        // Before the refill, which is off the chain from code to code then: 10 bits are left of the last one, since no
        // integer takes more than 46. 1.3× on streams of one cluster.
        let mut entry = self.entries[table << self.root_bits..][bits.peek(self.root_bits) as usize];
        bits.refill();
        if entry.is_pointer() {
            entry = self.entries[entry.follow(bits.buffer())];
        }
        let value = entry.value(bits.buffer());
        bits.consume(entry.total_bits());
        (entry, value)
    }
}

impl Code for PrefixCode<'_> {
    #[inline(always)]
    fn symbol(&mut self, bits: &mut BitReader<'_>, cluster: usize) -> Symbol {
        let (entry, value) = self.entry(bits, cluster);
        Symbol { value, is_copy_length: entry.is_copy_length() }
    }

    #[inline(always)]
    fn distance(&mut self, bits: &mut BitReader<'_>) -> u32 {
        self.entry(bits, self.distance_table).1
    }

    fn finish(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        bits.check()
    }
}

impl IntegerReader for PrefixCode<'_> {
    #[inline(always)]
    fn read(&mut self, bits: &mut BitReader<'_>, cluster: usize) -> u32 {
        self.entry(bits, cluster).1
    }

    fn check(&self, bits: &BitReader<'_>) -> Result<(), Error> {
        bits.check()
    }

    fn finish(self, bits: &BitReader<'_>) -> Result<(), Error> {
        bits.check()
    }
}
