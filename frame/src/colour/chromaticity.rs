//! White points and primaries as CIE 1931 xy chromaticities, and the matrices that follow from them.

use super::matrix::{self, Matrix3};

/// A colour without its luminance: CIE 1931 x and y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chromaticity {
    /// x, for a white point in 0 ..= 1; primaries may lie outside.
    pub x: f64,
    /// y, for a white point in 0 (excluded) ..= 1; primaries may lie outside.
    pub y: f64,
}

impl Chromaticity {
    /// CIE standard illuminant D65, the white of sRGB, BT.709, BT.2100 and Display P3.
    pub const D65: Self = Self::new(0.3127, 0.3290);
    /// Illuminant E: equal energy.
    pub const E: Self = Self::new(1.0 / 3.0, 1.0 / 3.0);
    /// The white of SMPTE RP 431-2 (DCI cinema).
    pub const DCI: Self = Self::new(0.314, 0.351);

    /// The chromaticity (x, y).
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// x and y.
    pub const fn xy(self) -> [f64; 2] {
        [self.x, self.y]
    }

    /// The XYZ of this white at Y = 1; `None` outside 0 <= x <= 1, 0 < y <= 1 or where it is not finite.
    pub fn white_xyz(self) -> Option<[f64; 3]> {
        let inside = (0.0..=1.0).contains(&self.x) && self.y > 0.0 && self.y <= 1.0;
        let xyz = [self.x / self.y, 1.0, (1.0 - self.x - self.y) / self.y];
        (inside && xyz.iter().all(|v| v.is_finite())).then_some(xyz)
    }

    /// The Bradford adaptation from this white to D50, on XYZ; `None` if this is no white point.
    pub fn adaptation_to_d50(self) -> Option<Matrix3> {
        let from = matrix::multiply_vector(&BRADFORD, self.white_xyz()?);
        let to = matrix::multiply_vector(&BRADFORD, D50_XYZ);
        let mut scaled = BRADFORD;
        for (row, (from, to)) in scaled.iter_mut().zip(from.into_iter().zip(to)) {
            let ratio = to / from;
            if !ratio.is_finite() {
                return None;
            }
            for v in row {
                *v *= ratio;
            }
        }
        Some(matrix::multiply(&BRADFORD_INVERSE, &scaled))
    }
}

/// The chromaticities of a display's red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Primaries {
    /// Red.
    pub red: Chromaticity,
    /// Green.
    pub green: Chromaticity,
    /// Blue.
    pub blue: Chromaticity,
}

impl Primaries {
    /// sRGB and BT.709.
    pub const SRGB: Self = Self {
        red: Chromaticity::new(0.639998686, 0.330010138),
        green: Chromaticity::new(0.300003784, 0.600003357),
        blue: Chromaticity::new(0.150002046, 0.059997204),
    };
    /// BT.2020 and BT.2100.
    pub const BT2100: Self = Self {
        red: Chromaticity::new(0.708, 0.292),
        green: Chromaticity::new(0.170, 0.797),
        blue: Chromaticity::new(0.131, 0.046),
    };
    /// DCI P3 and Display P3.
    pub const P3: Self = Self {
        red: Chromaticity::new(0.680, 0.320),
        green: Chromaticity::new(0.265, 0.690),
        blue: Chromaticity::new(0.150, 0.060),
    };

    /// x and y of red, green and blue.
    pub const fn xy(self) -> [[f64; 2]; 3] {
        [self.red.xy(), self.green.xy(), self.blue.xy()]
    }

    /// The matrix from linear RGB, whose (1, 1, 1) is `white` at Y = 1, to XYZ.
    ///
    /// `None` if `white` is no white point or the primaries lie on a line.
    pub fn to_xyz(&self, white: Chromaticity) -> Option<Matrix3> {
        let [r, g, b] = [self.red, self.green, self.blue];
        let mut m = [[r.x, g.x, b.x], [r.y, g.y, b.y], [1.0 - r.x - r.y, 1.0 - g.x - g.y, 1.0 - b.x - b.y]];
        let scale = matrix::multiply_vector(&matrix::inverse(&m)?, white.white_xyz()?);
        for row in &mut m {
            for (v, k) in row.iter_mut().zip(scale) {
                *v *= k;
            }
        }
        m.iter().flatten().all(|v| v.is_finite()).then_some(m)
    }
}

/// An RGB space in linear light: primaries and white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RgbSpace {
    /// Where red, green and blue lie.
    pub primaries: Primaries,
    /// What (1, 1, 1) looks like.
    pub white: Chromaticity,
}

impl RgbSpace {
    /// sRGB primaries, D65 white.
    pub const SRGB: Self = Self { primaries: Primaries::SRGB, white: Chromaticity::D65 };

    /// The matrix to XYZ with D50 white; `None` if the space is degenerate.
    pub fn to_xyz_d50(&self) -> Option<Matrix3> {
        Some(matrix::multiply(&self.white.adaptation_to_d50()?, &self.primaries.to_xyz(self.white)?))
    }

    /// The matrix from this space's linear light to `target`'s; `None` if one of them is degenerate.
    ///
    /// ```
    /// use jxlake_frame::colour::RgbSpace;
    ///
    /// let m = RgbSpace::SRGB.to(&RgbSpace::SRGB).unwrap();
    /// assert!((m[0][0] - 1.0).abs() < 1e-12 && m[0][1].abs() < 1e-12);
    /// ```
    pub fn to(&self, target: &RgbSpace) -> Option<Matrix3> {
        Some(matrix::multiply(&matrix::inverse(&target.to_xyz_d50()?)?, &self.to_xyz_d50()?))
    }

    /// How much red, green and blue at 1 add to the luminance; `None` if the space is degenerate.
    ///
    /// For sRGB primaries with D65 the usual rounded numbers are used, not the ones of the matrix.
    pub fn luminances(&self) -> Option<[f64; 3]> {
        if *self == Self::SRGB { Some(SRGB_LUMINANCES) } else { Some(self.primaries.to_xyz(self.white)?[1]) }
    }
}

/// The luminances of sRGB's primaries, also those of gray images.
pub const SRGB_LUMINANCES: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// XYZ of the white of profile connection spaces.
pub const D50_XYZ: [f64; 3] = [0.96422, 1.0, 0.82521];

/// From XYZ to the cone responses in which Bradford adaptation scales.
pub const BRADFORD: Matrix3 =
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];

/// The customary rounded inverse of [`BRADFORD`]; profiles are made with it, not with the computed one.
pub const BRADFORD_INVERSE: Matrix3 = [
    [0.9869929, -0.1470543, 0.1599627],
    [0.4323053, 0.5183603, 0.0492912],
    [-0.0085287, 0.0400428, 0.9684867],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(a: &[f64], b: &[f64], tolerance: f64) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= tolerance, "{a} is not {b}");
        }
    }

    #[test]
    fn luminances_are_those_of_the_standards() {
        let p3 = RgbSpace { primaries: Primaries::P3, white: Chromaticity::D65 };
        let bt2100 = RgbSpace { primaries: Primaries::BT2100, white: Chromaticity::D65 };
        let dci = RgbSpace { primaries: Primaries::P3, white: Chromaticity::DCI };
        assert_close(&p3.luminances().unwrap(), &[0.2289746, 0.6917385, 0.0792869], 1e-7);
        assert_close(&bt2100.luminances().unwrap(), &[0.2627002, 0.6779980, 0.0593017], 1e-7);
        assert_close(&dci.luminances().unwrap(), &[0.2094917, 0.7215952, 0.0689131], 1e-7);
    }

    #[test]
    fn d65_adapts_to_d50() {
        let m = Chromaticity::D65.adaptation_to_d50().unwrap();
        let expected = [
            [1.0478573, 0.0229073, -0.0501622],
            [0.0295704, 0.9904757, -0.0170615],
            [-0.0092405, 0.0150529, 0.7519709],
        ];
        assert_close(m.as_flattened(), expected.as_flattened(), 1.5e-7);
    }

    #[test]
    fn degenerate_spaces_are_refused() {
        for (x, y) in [(0.3, 0.0), (-0.1, 0.3), (1.1, 0.3), (0.3, 1.1), (f64::NAN, 0.3), (0.3, 1e-320)] {
            let space = RgbSpace { white: Chromaticity::new(x, y), ..RgbSpace::SRGB };
            assert_eq!(space.to_xyz_d50(), None, "white {x}, {y}");
        }
        let red = Primaries::SRGB.red;
        let line = RgbSpace { primaries: Primaries { red, green: red, blue: red }, ..RgbSpace::SRGB };
        assert_eq!(line.luminances(), None);
        assert_eq!(RgbSpace::SRGB.to(&line), None);
    }
}
