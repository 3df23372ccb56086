use super::selfcheck::SELFCHECK;
use super::*;
use crate::error::Invalid;
use crate::vardct::test_support::BitWriter;
use crate::vardct::{TransformType, VarDctFault};

/// Gives the numbers 1, 2, 3, … as samples, times `sign`.
struct Counting {
    sign: i32,
    asked: Vec<(usize, (usize, usize))>,
}

impl RawTables for Counting {
    fn read(
        &mut self,
        _bits: &mut BitReader<'_>,
        table: usize,
        size: (usize, usize),
        samples: &mut [i32],
    ) -> Result<()> {
        assert_eq!(samples.len(), 3 * size.0 * size.1);
        self.asked.push((table, size));
        (1..).zip(samples).for_each(|(i, sample)| *sample = i * self.sign);
        Ok(())
    }
}

fn close(found: f32, expected: f64) -> bool {
    (f64::from(found) - expected).abs() <= 2e-6 * expected.abs()
}

#[test]
fn library_tables_have_the_checksums_of_the_reference() {
    for line in SELFCHECK {
        let (table, channel) = (line[0] as usize, line[1] as usize);
        let (rows, cols) = TABLE_SHAPES[table];
        assert_eq!([rows as f64, cols as f64], line[2..4]);
        let matrices = DequantMatrices::default();
        let m = matrices.get(table).unwrap()[channel];
        let n = m.len();
        assert_eq!(n, rows * cols);
        // The first entry of some tables is never used; the checksums have other dummies there.
        let dummy = match table {
            2 | 10 => line[6],
            _ => m[0].into(),
        };
        let value = |i: usize| if i == 0 { dummy } else { f64::from(m[i]) };
        let sum: f64 = (0..n).map(value).sum();
        let weighted: f64 = (0..n).map(|i| (i % 97 + 1) as f64 * value(i)).sum();
        let found = [
            sum,
            weighted,
            value(0),
            value(1),
            value(2),
            value(cols),
            value(n / 2),
            value(n - 2),
            value(n - 1),
        ];
        for (i, (found, expected)) in found.into_iter().zip(&line[4..]).enumerate() {
            assert!(
                (found - expected).abs() <= 2e-6 * expected,
                "table {table} {channel} {i}: {found} {expected}"
            );
        }
    }
}

#[test]
fn tables_have_the_shapes_of_their_types() {
    for ty in TransformType::ALL {
        assert_eq!(TABLE_SHAPES[ty.table()], (ty.stored_rows(), ty.stored_cols()));
    }
}

/// A frame whose table `table` has a coding and all others the default.
fn coded(table: usize, write: impl FnOnce(&mut BitWriter)) -> Vec<u8> {
    let mut bits = BitWriter::new();
    bits.write(0, 1);
    for i in 0..TABLES {
        if i == table {
            break;
        }
        bits.write(0, 3);
    }
    write(&mut bits);
    for _ in table + 1..TABLES {
        bits.write(0, 3);
    }
    bits.finish()
}

fn read(data: &[u8], raw: &mut Counting) -> Result<DequantMatrices> {
    let mut matrices = DequantMatrices::default();
    matrices.read(&mut BitReader::new(data), &Pool::new(), raw)?;
    Ok(matrices)
}

fn counting(sign: i32) -> Counting {
    Counting { sign, asked: Vec::new() }
}

/// 1 as binary16.
const ONE: u32 = 0x3c00;

#[test]
fn a_coded_table_replaces_the_default_where_it_is_used() {
    let data = coded(4, |bits| {
        bits.write(6, 3).write(1, 4);
        for channel in 0..3u32 {
            bits.write(ONE + (channel << 10), 16).write(0, 16);
        }
    });
    let mut matrices = read(&data, &mut counting(1)).unwrap();
    assert!(matches!(matrices.get(4), Err(Error::Misuse(_))));
    matrices.prepare(1 << 4 | 1, &Pool::new()).unwrap();
    for (channel, matrix) in matrices.get(4).unwrap().into_iter().enumerate() {
        let expected = 1.0 / (64.0 * f64::from(1 << channel));
        assert!(matrix.len() == 256 && matrix.iter().all(|v| close(*v, expected)));
    }
    assert_eq!(matrices.get(0).unwrap()[1], DequantMatrices::default().get(0).unwrap()[1]);
    assert!(matrices.raw(4).is_none());
    matrices.clear();
    assert_eq!(matrices.get(4).unwrap()[1], DequantMatrices::default().get(4).unwrap()[1]);
}

#[test]
fn every_mode_of_8_by_8_reads_what_it_says() {
    // Parameters per channel (ones), number of lists of bands.
    for (mode, parameters, lists) in [(1, 3, 0), (2, 6, 0), (3, 2, 1), (4, 1, 1), (5, 9, 2), (6, 0, 1)] {
        for table in [0, 1, 2, 3, 9, 10] {
            let data = coded(table, |bits| {
                bits.write(mode, 3);
                for _ in 0..3 * parameters {
                    bits.write(ONE, 16);
                }
                for _ in 0..lists {
                    bits.write(2, 4);
                    for _ in 0..9 {
                        bits.write(ONE, 16);
                    }
                }
            });
            let mut reader = BitReader::new(&data);
            let mut matrices = DequantMatrices::default();
            matrices.read(&mut reader, &Pool::new(), &mut counting(1)).unwrap();
            assert!(data.len() as u64 * 8 - reader.position() < 8, "mode {mode}");
            matrices.prepare(1 << table, &Pool::new()).unwrap();
            // All multipliers lie between those of the smallest and largest parameter.
            let all = matrices.get(table).unwrap();
            assert!(all.iter().all(|m| m[1..].iter().all(|v| *v <= 1.0 && *v > 1.0 / 600.0)), "mode {mode}");
        }
        if mode != 6 {
            for table in [4, 8, 11, 16] {
                let data = coded(table, |bits| {
                    bits.write(mode, 3);
                });
                let expected = Invalid::VarDct(VarDctFault::TableMode { table: table as u32, mode });
                let error = read(&data, &mut counting(1)).err();
                assert!(matches!(error, Some(Error::Invalid { what, .. }) if what == expected));
            }
        }
    }
}

#[test]
fn raw_tables_multiply_by_their_denominator() {
    let data = coded(7, |bits| {
        // The denominator of JPEG transcodes, about 1 / 2040.
        bits.write(7, 3).write(0x1004, 16);
    });
    let mut raw = counting(1);
    let mut matrices = read(&data, &mut raw).unwrap();
    assert_eq!(raw.asked, [(7, (8, 32))]);
    matrices.prepare(1 << 7, &Pool::new()).unwrap();
    let denominator = 0.000_490_188_598_632_812_5;
    for (channel, matrix) in matrices.get(7).unwrap().into_iter().enumerate() {
        for (i, value) in matrix.iter().enumerate() {
            assert!(close(*value, denominator * (256 * channel + i + 1) as f64));
        }
    }
    let (found, samples) = matrices.raw(7).unwrap();
    assert_eq!((f64::from(found), samples.len()), (denominator, 768));
    assert!(matches!(
        read(&data, &mut counting(-1)).err(),
        Some(Error::Invalid { what: Invalid::VarDct(VarDctFault::TableParameter { .. }), .. })
    ));
}

#[test]
fn small_parameters_and_weights_are_invalid() {
    let parameter = |what: Option<Error>| {
        matches!(what, Some(Error::Invalid { what: Invalid::VarDct(VarDctFault::TableParameter { .. }), .. }))
    };
    for (mode, before) in [(1, 0), (2, 5), (3, 1), (4, 2), (6, 0)] {
        let data = coded(0, |bits| {
            bits.write(mode, 3);
            if mode == 6 {
                bits.write(0, 4);
            }
            for _ in 0..before {
                bits.write(ONE, 16);
            }
            bits.write(0, 16);
        });
        assert!(parameter(read(&data, &mut counting(1)).err()), "mode {mode}");
    }
    let denominator = coded(0, |bits| {
        bits.write(7, 3).write(0x8400, 16);
    });
    assert!(parameter(read(&denominator, &mut counting(1)).err()));

    // Bands that fall below the bound: each a 65504th of the one before.
    let bands = coded(0, |bits| {
        bits.write(6, 3).write(3, 4);
        for _ in 0..3 {
            bits.write(ONE, 16).write(0xfbff, 16).write(0xfbff, 16).write(0xfbff, 16);
        }
    });
    let mut matrices = read(&bands, &mut counting(1)).unwrap();
    assert!(matrices.prepare(2, &Pool::new()).is_ok(), "a table that is not used is not looked at");
    assert!(parameter(matrices.prepare(1, &Pool::new()).err()));

    // A negative Hornuss weight is read, but cannot be divided by.
    let weight = coded(0, |bits| {
        bits.write(1, 3);
        for _ in 0..9 {
            bits.write(0xbc00, 16);
        }
    });
    let mut matrices = read(&weight, &mut counting(1)).unwrap();
    assert!(matches!(
        matrices.prepare(1, &Pool::new()).err(),
        Some(Error::Invalid { what: Invalid::VarDct(VarDctFault::TableWeight { table: 0 }), .. })
    ));
}
