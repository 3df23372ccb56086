//! Small integers of the tables' own syntax.

use crate::bit_reader::BitReader;

/// Smallest `k` with `2^k >= x`; 0 for 0 and 1.
pub(crate) fn ceil_log2(x: u32) -> u32 {
    x.saturating_sub(1).checked_ilog2().map_or(0, |log| log + 1)
}

/// A number of 0..=255, short when small.
pub(crate) fn read_u8(bits: &mut BitReader<'_>) -> u32 {
    read_variable(bits, 3)
}

/// A number of 0..=65535, short when small.
pub(crate) fn read_u16(bits: &mut BitReader<'_>) -> u32 {
    read_variable(bits, 4)
}

fn read_variable(bits: &mut BitReader<'_>, length_bits: u32) -> u32 {
    if !bits.read_bool() {
        return 0;
    }
    let n = bits.read(length_bits);
    (1 << n) + bits.read(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_round_up() {
        let logs = [0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 1 << 31, u32::MAX].map(ceil_log2);
        assert_eq!(logs, [0, 0, 1, 2, 2, 3, 3, 4, 4, 5, 31, 32]);
    }

    #[test]
    fn variable_integers_cover_their_range() {
        assert_eq!(read_u8(&mut BitReader::new(&[0])), 0);
        assert_eq!(read_u8(&mut BitReader::new(&[0b0001])), 1);
        assert_eq!(read_u8(&mut BitReader::new(&[0xff, 0xff])), 255);
        assert_eq!(read_u16(&mut BitReader::new(&[0b0001])), 1);
        assert_eq!(read_u16(&mut BitReader::new(&[0xff, 0xff, 0xff])), 65535);
    }
}
