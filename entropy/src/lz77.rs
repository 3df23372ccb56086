//! LZ77 copies of integers: parameters, distances and the window of past integers.

use crate::bit_reader::BitReader;
use crate::error::Error;
use crate::hybrid_integer::HybridIntegerConfig;
use crate::lz77_distances::SPECIAL_DISTANCES;
use jxlake_util::{Buffer, Lease, Pool, PoolError, Purpose};

/// Most integers that a copy can reach back.
pub(crate) const WINDOW_SIZE: u64 = 1 << 20;

/// How copies are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lz77Parameters {
    /// Tokens from here on are copy lengths.
    pub(crate) min_symbol: u32,
    pub(crate) min_length: u32,
    pub(crate) length_config: HybridIntegerConfig,
}

impl Lz77Parameters {
    /// Reads the parameters after the bit that says that they are there.
    pub(crate) fn read(bits: &mut BitReader<'_>) -> Result<Self, Error> {
        let min_symbol = match bits.read(2) {
            0 => 224,
            1 => 512,
            2 => 4096,
            _ => 8 + bits.read(15),
        };
        let min_length = match bits.read(2) {
            0 => 3,
            1 => 4,
            2 => 5 + bits.read(2),
            _ => 9 + bits.read(8),
        };
        Ok(Self { min_symbol, min_length, length_config: HybridIntegerConfig::read(bits, 8)? })
    }
}

/// The distance that the integer `coded` means, at least 1, before it is clamped to what has been decoded.
/// `multiplier` is the width of an image, or 0 where distances are plain.
#[inline]
pub(crate) fn distance(coded: u32, multiplier: u32) -> u64 {
    if multiplier == 0 {
        return u64::from(coded) + 1;
    }
    match SPECIAL_DISTANCES.get(coded as usize) {
        Some(&(columns, rows)) => {
            (i64::from(columns) + i64::from(multiplier) * i64::from(rows)).max(1) as u64
        }
        None => u64::from(coded) - SPECIAL_DISTANCES.len() as u64 + 1,
    }
}

/// Memory for the past integers of a stream, kept from stream to stream. It leases memory only for streams that copy
/// from further back than the last integer, and no more than they have integers.
#[derive(Debug, Default)]
pub struct Lz77Window {
    pool: Option<Pool>,
    values: Option<Lease<Buffer<u32>>>,
}

impl Lz77Window {
    /// An empty window that will take its memory from `pool`. A default window has a pool of its own, without a budget.
    pub fn new(pool: &Pool) -> Self {
        Self { pool: Some(pool.clone()), values: None }
    }

    /// Takes memory from `pool` from now on; what is held from another one is given back.
    pub fn use_pool(&mut self, pool: &Pool) {
        *self = Self::new(pool);
    }

    /// Gives the memory back now; the window remains usable.
    pub fn release(&mut self) {
        self.values = None;
    }

    /// Makes room for `integers`, or for what a copy can reach.
    pub(crate) fn prepare(&mut self, integers: u64) -> Result<(), Error> {
        let size = integers.clamp(1, WINDOW_SIZE).next_power_of_two() as usize;
        let held = self.values.take().filter(|values| values.capacity() >= size);
        let leased = match held {
            Some(values) => values,
            None => self.pool.get_or_insert_with(Pool::unpooled).buffer(Purpose::Entropy, size)?,
        };
        let values = self.values.insert(leased);
        values.reshape(size).map_err(PoolError::from)?;
        values[size - 1] = 0;
        Ok(())
    }

    /// The room last prepared, a power of two: the last integer is 0, the others are unspecified. Empty before.
    pub(crate) fn integers(&mut self) -> &mut [u32] {
        self.values.as_deref_mut().map_or(&mut [], |values| values)
    }
}

/// Where a run of copies stands. The window's length is a power of two.
#[derive(Debug)]
pub(crate) struct Copies<'w> {
    window: &'w mut [u32],
    /// Integers so far, in this stream.
    count: u64,
    source: u64,
    left: u32,
}

impl<'w> Copies<'w> {
    pub(crate) fn new(window: &'w mut [u32]) -> Self {
        Self { window, count: 0, source: 0, left: 0 }
    }

    /// The next copied integer, if a copy is under way.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let value = self.window[self.source as usize & (self.window.len() - 1)];
        self.source = self.source.wrapping_add(1);
        Some(self.push(value))
    }

    /// Appends an integer.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: u32) -> u32 {
        let mask = self.window.len() - 1;
        self.window[self.count as usize & mask] = value;
        self.count = self.count.wrapping_add(1);
        value
    }

    /// Begins a copy of `length` integers from `distance >= 1` back. Before the first integer there are only zeros: the
    /// copy then starts at the last place of the window, which is 0.
    pub(crate) fn start(&mut self, length: u32, distance: u64) {
        let distance = distance.min(self.count).clamp(1, WINDOW_SIZE);
        self.source = self.count.wrapping_sub(distance);
        self.left = length;
    }
}
