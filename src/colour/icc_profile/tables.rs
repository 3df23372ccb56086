//! The tables from device colours to the connection space: tone-mapped ones for PQ and HLG, fixed ones for XYB.

use jxlake_frame::colour::{Curve, GamutMapping, HlgOotf, Rec2408};

use super::bytes::Bytes;
use super::rounded::{Matrices, Matrix};

/// Points of the table along each channel.
const GRID: u8 = 9;

/// How much of the saturation the tables preserve.
const PRESERVE_SATURATION: f32 = 0.3;

/// From PQ or HLG samples to Lab as a display of modest brightness would show them.
pub(super) struct ToneMapped {
    curve: Curve,
    mapping: Mapping,
    gamut: GamutMapping,
    to_d50: Matrix,
}

enum Mapping {
    Pq(Rec2408),
    /// `None` if nothing is to be done, which the fixed luminances exclude.
    Hlg(Option<HlgOotf>),
}

impl ToneMapped {
    /// The peak of displays that show PQ, in nits.
    const PQ_PEAK: f32 = 250.0;
    /// The peaks for which HLG is meant and on which it is shown, in nits.
    const HLG_PEAKS: [f32; 2] = [300.0, 80.0];

    /// For PQ; `None` if the luminances of the primaries are not numbers.
    pub(super) fn pq(matrices: &Matrices) -> Option<Self> {
        let luminances = matrices.to_xyz[1];
        let mapping = Rec2408::new([0.0, 10_000.0], [0.0, Self::PQ_PEAK], luminances)?;
        let curve = Curve::Pq { intensity_target: 10_000.0 };
        Some(Self::new(curve, Mapping::Pq(mapping), matrices))
    }

    /// For HLG.
    pub(super) fn hlg(matrices: &Matrices) -> Self {
        let [from, to] = Self::HLG_PEAKS;
        let ootf = HlgOotf::between_displays(from, to, matrices.to_xyz[1]);
        Self::new(Curve::Hlg, Mapping::Hlg(ootf), matrices)
    }

    fn new(curve: Curve, mapping: Mapping, matrices: &Matrices) -> Self {
        let gamut = GamutMapping { luminances: matrices.to_xyz[1], preserve_saturation: PRESERVE_SATURATION };
        Self { curve, mapping, gamut, to_d50: matrices.to_d50 }
    }

    /// Writes the `mft1` table.
    pub(super) fn write(&self, out: &mut Bytes<'_>) {
        out.text("mft1").u32(0).raw(&[3, 3, GRID, 0]);
        for i in 0..9 {
            out.i32(if i % 4 == 0 { 1 << 16 } else { 0 });
        }
        for _ in 0..3 {
            (0..=255).for_each(|v| _ = out.raw(&[v]));
        }
        for r in 0..GRID {
            for g in 0..GRID {
                for b in 0..GRID {
                    out.raw(&self.lab([r, g, b]));
                }
            }
        }
        for _ in 0..3 {
            (0..=255).for_each(|v| _ = out.raw(&[v]));
        }
    }

    /// The Lab of one grid point, in bytes.
    fn lab(&self, point: [u8; 3]) -> [u8; 3] {
        let linear = point.map(|v| self.curve.decode(f64::from(f32::from(v) / f32::from(GRID - 1))) as f32);
        let mapped = match &self.mapping {
            Mapping::Pq(mapping) => mapping.apply(linear),
            Mapping::Hlg(ootf) => ootf.map_or(linear, |ootf| ootf.apply(linear)),
        };
        let [r, g, b] = self.gamut.apply(mapped);
        let [x, y, z] = self.to_d50.map(|row| row[0] * r + row[1] * g + row[2] * b);
        let [x, y, z] = [x / 0.964212, y, z / 0.825188].map(lab_root);
        [
            (255.0 * (1.16 * y - 0.16).clamp(0.0, 1.0)).round() as u8,
            (128.0 + (500.0 * (x - y)).clamp(-128.0, 127.0)).round() as u8,
            (128.0 + (200.0 * (y - z)).clamp(-128.0, 127.0)).round() as u8,
        ]
    }
}

/// The cube root of CIE Lab with its straight part near black.
fn lab_root(v: f32) -> f32 {
    const DELTA: f32 = 6.0 / 29.0;
    if v > DELTA * DELTA * DELTA { v.cbrt() } else { v * (1.0 / (3.0 * DELTA * DELTA)) + 4.0 / 29.0 }
}

/// Writes the `mAB ` table from scaled XYB samples to XYZ.
pub(super) fn write_xyb(out: &mut Bytes<'_>) {
    out.text("mAB ").u32(0).raw(&[3, 3, 0, 0]);
    let [b_curves, matrix, m_curves, grid, a_curves] = [32, 244, 148, 80, 32];
    for offset in [b_curves, matrix, m_curves, grid, a_curves] {
        out.u32(offset);
    }
    write_identity_curves(out);
    // Two points along each channel, two bytes each: the corners of the cube of scaled XYB.
    out.raw(&[2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
    for corner in XYB_CORNERS {
        for v in corner {
            out.u16(v);
        }
    }
    for curve in XYB_CURVES {
        out.text("para").u32(0).u16(3).u16(0);
        curve.into_iter().for_each(|v| _ = out.i32(v));
    }
    XYB_MATRIX.into_iter().for_each(|v| _ = out.i32(v));
}

const XYB_CORNERS: [[u16; 3]; 8] = [
    [0, 3206, 0],
    [0, 3206, 28873],
    [62329, 65535, 36662],
    [62329, 65535, 65535],
    [3206, 0, 0],
    [3206, 0, 28873],
    [65535, 62329, 36662],
    [65535, 62329, 65535],
];

/// Parametric curves of type 3, in 65536ths.
const XYB_CURVES: [[i32; 5]; 3] =
    [[196_608, 58_248, 9_212, 0, 0], [196_608, 58_248, 8_379, 0, 0], [196_608, 99_027, -7_979, 0, 5_281]];

/// Matrix and offsets, in 65536ths.
const XYB_MATRIX: [i32; 12] =
    [99_419, -72_517, 4_694, -3_278, 37_248, -1_202, -90_943, 73_044, 44_940, -120, -124, -103];

/// Writes an `mBA ` table that changes nothing: readers want one beside every `A2B0`.
pub(super) fn write_dummy_reverse(out: &mut Bytes<'_>) {
    out.text("mBA ").u32(0).raw(&[3, 3, 0, 0]);
    for offset in [32, 0, 0, 0, 0] {
        out.u32(offset);
    }
    write_identity_curves(out);
}

fn write_identity_curves(out: &mut Bytes<'_>) {
    for _ in 0..3 {
        out.text("para").u32(0).u16(0).u16(0).i32(1 << 16);
    }
}
