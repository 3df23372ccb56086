//! A writer of headers, for tests: it says in its own words what the parsers must understand.
//!
//! Values are written as they are, valid or not; where several codings of a value exist a [`Random`] picks one.

mod frame;
mod image;
pub(crate) mod random;

pub(crate) use frame::write_frame_header;
pub(crate) use image::{write_colour_encoding, write_image_header};

use jxlake_entropy::test_support::{BitWriter, Random};

/// The field codings, written.
pub(crate) trait FieldWriter {
    fn flag(&mut self, value: bool) -> &mut Self;
    fn u64(&mut self, value: u64, random: &mut Random) -> &mut Self;
    fn f16(&mut self, value: f32) -> &mut Self;
    fn f16s(&mut self, values: &[f32]) -> &mut Self;
    fn enumeration(&mut self, code: u32) -> &mut Self;
    fn name(&mut self, name: &[u8]) -> &mut Self;
    fn extensions(&mut self, random: &mut Random) -> &mut Self;
    /// `U32` with one of the distributions (offset, bits) that fit.
    fn u32(&mut self, value: u32, choices: [(u32, u32); 4], random: &mut Random) -> &mut Self;
}

impl FieldWriter for BitWriter {
    fn flag(&mut self, value: bool) -> &mut Self {
        self.write(value.into(), 1)
    }

    fn u64(&mut self, value: u64, random: &mut Random) -> &mut Self {
        let shorter = !random.one_in(4);
        match value {
            0 if shorter => self.write(0, 2),
            1..=16 if shorter => self.write(1, 2).write(value - 1, 4),
            17..=272 if shorter => self.write(2, 2).write(value - 17, 8),
            _ => {
                self.write(3, 2).write(value & 0xfff, 12);
                let mut shift = 12;
                while shift < 60 && (value >> shift != 0 || random.one_in(8)) {
                    self.write(1, 1).write(value >> shift & 0xff, 8);
                    shift += 8;
                }
                if shift == 60 && value >> 60 != 0 {
                    return self.write(1, 1).write(value >> 60, 4);
                }
                self.write(0, 1)
            }
        }
    }

    fn f16(&mut self, value: f32) -> &mut Self {
        self.write(binary16(value).into(), 16)
    }

    fn f16s(&mut self, values: &[f32]) -> &mut Self {
        values.iter().fold(self, |writer, &value| writer.f16(value))
    }

    fn enumeration(&mut self, code: u32) -> &mut Self {
        self.write_u32(code, [(0, 0), (1, 0), (2, 4), (18, 6)])
    }

    fn name(&mut self, name: &[u8]) -> &mut Self {
        self.write_u32(name.len() as u32, [(0, 0), (0, 4), (16, 5), (48, 10)]);
        name.iter().fold(self, |writer, &byte| writer.write(byte.into(), 8))
    }

    fn extensions(&mut self, random: &mut Random) -> &mut Self {
        let mask = if random.one_in(3) { u64::from(random.of_bits(8)) << random.below(57) } else { 0 };
        self.u64(mask, random);
        let lengths: Vec<u64> = (0..mask.count_ones()).map(|_| random.of_bits(6).into()).collect();
        for &length in &lengths {
            self.u64(length, random);
        }
        for _ in 0..lengths.iter().sum() {
            self.write(random.below(2) as u64, 1);
        }
        self
    }

    fn u32(&mut self, value: u32, choices: [(u32, u32); 4], random: &mut Random) -> &mut Self {
        let fits =
            |(offset, bits): (u32, u32)| value.checked_sub(offset).filter(|&v| u64::from(v) >> bits == 0);
        let fitting: Vec<usize> = (0..4).filter(|&i| fits(choices[i]).is_some()).collect();
        let selector = fitting[random.below(fitting.len())];
        let (offset, bits) = choices[selector];
        self.write(selector as u64, 2).write((value - offset).into(), bits)
    }
}

/// The bits of a number that binary16 has exactly.
fn binary16(value: f32) -> u16 {
    let bits = value.to_bits();
    let (sign, exponent, mantissa) = (bits >> 31, bits >> 23 & 255, bits >> 13 & 1023);
    if exponent > 112 {
        return (sign << 15 | (exponent - 112) << 10 | mantissa) as u16;
    }
    (sign << 15) as u16 | (value.abs() * 16_777_216.0) as u16
}

/// The opposite of `Sgn`.
fn packed(value: i32) -> u32 {
    if value < 0 { (!value as u32) << 1 | 1 } else { (value as u32) << 1 }
}
