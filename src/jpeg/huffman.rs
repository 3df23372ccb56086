//! Huffman tables: as they are written, and as codes are looked up.

/// A Huffman table as the reconstruction data have it, its last value left out, which stands for the code word of ones that
/// no JPEG uses.
#[derive(Debug, Clone)]
pub(super) struct HuffmanTable {
    pub(super) is_ac: bool,
    /// 0 to 3.
    pub(super) id: u8,
    /// Whether it is the last one of its segment.
    pub(super) is_last: bool,
    /// Whether it stands for a segment without a table.
    pub(super) is_empty: bool,
    /// Codes of each length, from 1 on.
    pub(super) counts: [u8; 16],
    values: [u8; 256],
    num_values: u16,
}

/// The value that stands for the code of ones.
const SENTINEL: u16 = 256;
/// Largest number of bits of a DC difference.
const MAX_DC_BITS: u16 = 11;

impl HuffmanTable {
    /// Most values: every byte, and the one that is left out.
    pub(super) const MAX_VALUES: usize = 257;

    /// The table with so many codes of each length, from 0 on, for `values` in ascending order of the lengths. `None` if
    /// that is no prefix code, or the values are not those of a JPEG.
    pub(super) fn new(
        (is_ac, id, is_last): (bool, u8, bool),
        mut counts: [u16; 17],
        values: &[u16],
    ) -> Option<Self> {
        let mut table =
            Self { is_ac, id, is_last, is_empty: true, counts: [0; 16], values: [0; 256], num_values: 0 };
        let Some((sentinel, values)) = values.split_last() else { return Some(table) };
        let room = 1 << 16;
        let taken =
            counts.iter().zip(0..).map(|(count, length)| u64::from(*count) << (16 - length)).sum::<u64>();
        if *sentinel != SENTINEL || counts[0] != 0 || taken > room {
            return None;
        }
        let last = counts.iter().rposition(|count| *count > 0)?;
        counts[last] -= 1;
        let mut known = [false; 256];
        for (to, value) in table.values.iter_mut().zip(values) {
            let known = known.get_mut(usize::from(*value))?;
            if *known || (!is_ac && *value > MAX_DC_BITS) {
                return None;
            }
            *known = true;
            *to = *value as u8;
        }
        for (to, count) in table.counts.iter_mut().zip(&counts[1..]) {
            // More than 255 codes of a length cannot be written.
            *to = u8::try_from(*count).ok()?;
        }
        (table.num_values, table.is_empty) = (values.len() as u16, false);
        Some(table)
    }

    /// The values, in ascending order of their codes.
    pub(super) fn values(&self) -> &[u8] {
        &self.values[..usize::from(self.num_values)]
    }
}

/// The codes of a table, by symbol.
///
/// The lower half byte of a symbol is a number of bits that follow the code, for all but the end-of-band runs of
/// progressive scans; codes are kept with room for them, so that both are put out in one go.
#[derive(Debug, Clone)]
pub(super) struct CodeTable {
    /// The code in bits 8 to 62, number of bits in the lowest byte. [`MISSING`](Self::MISSING) without a code.
    pub(super) entries: [u64; 256],
}

impl Default for CodeTable {
    fn default() -> Self {
        Self { entries: [Self::MISSING; 256] }
    }
}

impl CodeTable {
    /// The entry of a symbol that has no code: no bits, and a bit that no other entry has.
    pub(super) const MISSING: u64 = 1 << 63;

    /// The codes of a table in place of those before.
    pub(super) fn set(&mut self, table: &HuffmanTable) {
        self.entries.fill(Self::MISSING);
        let mut code = 0;
        let mut values = table.values().iter();
        for (length, count) in (1u64..).zip(table.counts) {
            code <<= 1;
            for value in values.by_ref().take(count.into()) {
                let extra = u64::from(*value & 15);
                self.entries[usize::from(*value)] = code << extra << 8 | (length + extra);
                code += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(lengths: &[u16]) -> [u16; 17] {
        std::array::from_fn(|length| lengths.get(length).copied().unwrap_or(0))
    }

    fn ac(lengths: &[u16], values: &[u16]) -> Option<HuffmanTable> {
        HuffmanTable::new((true, 0, true), counts(lengths), values)
    }

    #[test]
    fn codes_ascend_and_have_room_for_bits() {
        // 0, 10, 110, 1110, and the one that is left out.
        let table = ac(&[0, 1, 1, 1, 2], &[0x01, 0x00, 0x32, 0xf0, 256]).unwrap();
        assert_eq!(
            (table.values(), &table.counts[..5]),
            (&[0x01, 0x00, 0x32, 0xf0][..], &[1, 1, 1, 1, 0][..])
        );
        let mut codes = CodeTable::default();
        codes.set(&table);
        let entry = |symbol: usize| (codes.entries[symbol] >> 8, codes.entries[symbol] & 255);
        assert_eq!(entry(0x01), (0b00, 2));
        assert_eq!(entry(0x00), (0b10, 2));
        assert_eq!(entry(0x32), (0b11000, 5));
        assert_eq!(entry(0xf0), (0b1110, 4));
        assert_eq!(codes.entries[0x02], CodeTable::MISSING);
    }

    #[test]
    fn broken_tables_are_refused() {
        assert!(ac(&[], &[]).unwrap().is_empty);
        assert!(ac(&[0, 1], &[256]).unwrap().values().is_empty());
        for (lengths, values) in [
            (&[0, 1][..], &[5][..]),      // no sentinel
            (&[1, 1], &[5, 256]),         // a code of no bits
            (&[0, 3], &[1, 2, 256]),      // too many codes
            (&[0, 1, 2], &[5, 5, 256]),   // a value twice
            (&[0, 1, 2], &[5, 256, 256]), // a sentinel too many
        ] {
            assert!(ac(lengths, values).is_none(), "{lengths:?} {values:?}");
        }
        let dc = |value| HuffmanTable::new((false, 0, true), counts(&[0, 2]), &[value, 256]);
        assert!(dc(11).is_some() && dc(12).is_none());
    }
}
