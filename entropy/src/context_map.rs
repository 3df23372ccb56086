//! Context maps: which cluster of distributions each context uses.

use crate::bit_reader::BitReader;
use crate::codes::{BundleLimits, Codes, Lz77, check_limit, grow};
use crate::error::{Error, Invalid, Limit};
use crate::lz77::Lz77Window;
use crate::reader::{IntegerReader, Visitor};

/// Entries between two tests for the end of the data.
const BATCH: usize = 4096;

/// What reading a coded context map needs: a bundle of distributions of its own, which may have a context map in turn.
/// Maps nest no deeper than three, since the map of two contexts may not use LZ77.
#[derive(Debug, Default)]
pub(crate) struct NestedCodes {
    codes: Codes,
    window: Lz77Window,
}

/// A context map that stands alone, outside a distribution bundle.
///
/// Reading one refills the storage of the one before; once warm it allocates nothing.
#[derive(Debug, Default)]
pub struct ContextMap {
    clusters: Vec<u8>,
    num_clusters: usize,
    nested: Option<Box<NestedCodes>>,
}

impl ContextMap {
    /// Reads the map of `contexts >= 2` contexts. After an error the map has no contexts.
    pub fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        contexts: usize,
        limits: &BundleLimits,
    ) -> Result<(), Error> {
        check_limit(Limit::Contexts, contexts as u64, limits.contexts)?;
        self.clusters.clear();
        grow(&mut self.clusters, contexts, 0)?;
        let result = read_context_map(bits, &mut self.clusters, &mut self.nested, limits);
        // Zeros past the end must not pass for a broken rule.
        let result = bits.check().and(result);
        if result.is_err() {
            self.clusters.clear();
        }
        self.num_clusters = result?;
        Ok(())
    }

    /// Cluster of each context.
    pub fn clusters(&self) -> &[u8] {
        &self.clusters
    }

    /// Number of clusters, 1..=256. All clusters of the map are below, and each occurs.
    pub fn num_clusters(&self) -> usize {
        self.num_clusters
    }
}

/// Fills `map`, of at least two contexts, and gives the number of clusters.
pub(crate) fn read_context_map(
    bits: &mut BitReader<'_>,
    map: &mut [u8],
    nested: &mut Option<Box<NestedCodes>>,
    limits: &BundleLimits,
) -> Result<usize, Error> {
    if bits.read_bool() {
        let entry_bits = bits.read(2);
        for batch in map.chunks_mut(BATCH) {
            if entry_bits == 0 {
                batch.fill(0);
            } else {
                batch.iter_mut().for_each(|entry| *entry = bits.read(entry_bits) as u8);
                bits.check()?;
            }
        }
    } else {
        let move_to_front = bits.read_bool();
        let NestedCodes { codes, window } = &mut **nested.get_or_insert_default();
        let lz77 = if map.len() > 2 { Lz77::Allowed } else { Lz77::Forbidden };
        codes.read(bits, 1, lz77, limits)?;
        let count = map.len() as u64;
        codes.with_reader(bits, 0, count, window, ReadEntries { map })??;
        if move_to_front {
            undo_move_to_front(map);
        }
    }
    count_clusters(map).ok_or_else(|| bits.invalid(Invalid::ContextMapHole))
}

struct ReadEntries<'a> {
    map: &'a mut [u8],
}

impl Visitor for ReadEntries<'_> {
    type Output = Result<(), Error>;

    fn visit<R: IntegerReader>(self, mut reader: R, outer: &mut BitReader<'_>) -> Self::Output {
        let mut bits = outer.clone();
        for batch in self.map.chunks_mut(BATCH) {
            for entry in batch {
                let Ok(cluster) = reader.read(&mut bits, 0).try_into() else {
                    *outer = bits;
                    return Err(outer.invalid(Invalid::ContextMapEntry));
                };
                *entry = cluster;
            }
            bits.check()?;
        }
        *outer = bits;
        reader.finish(outer)
    }
}

fn undo_move_to_front(map: &mut [u8]) {
    let mut recent: [u8; 256] = std::array::from_fn(|i| i as u8);
    for entry in map {
        let place = usize::from(*entry);
        *entry = recent[place];
        recent.copy_within(..place, 1);
        recent[0] = *entry;
    }
}

/// One more than the highest cluster, if all below it are there.
fn count_clusters(map: &[u8]) -> Option<usize> {
    let mut seen = [false; 256];
    map.iter().for_each(|&cluster| seen[usize::from(cluster)] = true);
    let clusters = seen.iter().position(|&seen| !seen).unwrap_or(256);
    let hole = seen[clusters..].contains(&true);
    (!hole).then_some(clusters)
}
