//! The matrices of a profile, rounded to single precision at each of the places that make profiles agree byte by byte.

use jxlake_frame::colour::{self, D50_XYZ};

use super::ProfileError;

/// A 3 × 3 matrix of rounded numbers, row by row.
pub(super) type Matrix = [[f32; 3]; 3];

/// The matrices of an encoding with these primaries and this white.
pub(super) struct Matrices {
    /// From linear RGB to XYZ.
    pub(super) to_xyz: Matrix,
    /// From linear RGB to XYZ with D50 white.
    pub(super) to_d50: Matrix,
}

impl Matrices {
    /// For the chromaticities x, y of red, green and blue, and of white.
    pub(super) fn new(primaries: [[f64; 2]; 3], white: [f64; 2]) -> Result<Self, ProfileError> {
        let [r, g, b] = primaries.map(|[x, y]| [x as f32, y as f32, 1.0 - x as f32 - y as f32]);
        let columns = [[r[0], g[0], b[0]], [r[1], g[1], b[1]], [r[2], g[2], b[2]]];
        let scale = multiply_vector(&inverse(&columns)?, white_xyz(white)?);
        let to_xyz = columns.map(|row| [row[0] * scale[0], row[1] * scale[1], row[2] * scale[2]]);
        let to_d50 = multiply(&adaptation(white)?, &to_xyz);
        Ok(Self { to_xyz, to_d50 })
    }
}

/// The adaptation of a white to D50.
pub(super) fn adaptation(white: [f64; 2]) -> Result<Matrix, ProfileError> {
    let bradford = rounded(&colour::BRADFORD);
    let from = multiply_vector(&bradford, white_xyz(white)?);
    let to = multiply_vector(&bradford, D50_XYZ.map(|v| v as f32));
    let mut scaled = bradford;
    for (row, (from, to)) in scaled.iter_mut().zip(from.into_iter().zip(to)) {
        let ratio = to / from;
        if !ratio.is_finite() {
            return Err(ProfileError::WhitePoint);
        }
        *row = row.map(|v| ratio * v);
    }
    Ok(multiply(&rounded(&colour::BRADFORD_INVERSE), &scaled))
}

fn white_xyz([x, y]: [f64; 2]) -> Result<[f32; 3], ProfileError> {
    let inside = (0.0..=1.0).contains(&x) && y > 0.0 && y <= 1.0;
    let (x, y) = (x as f32, y as f32);
    let xyz = [x / y, 1.0, (1.0 - x - y) / y];
    if inside && xyz.iter().all(|v| v.is_finite()) { Ok(xyz) } else { Err(ProfileError::WhitePoint) }
}

fn rounded(m: &colour::matrix::Matrix3) -> Matrix {
    m.map(|row| row.map(|v| v as f32))
}

fn widened(m: &Matrix) -> colour::matrix::Matrix3 {
    m.map(|row| row.map(f64::from))
}

fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    rounded(&colour::matrix::multiply(&widened(a), &widened(b)))
}

fn multiply_vector(m: &Matrix, v: [f32; 3]) -> [f32; 3] {
    colour::matrix::multiply_vector(&widened(m), v.map(f64::from)).map(|v| v as f32)
}

fn inverse(m: &Matrix) -> Result<Matrix, ProfileError> {
    let inverse = colour::matrix::inverse(&widened(m)).ok_or(ProfileError::Primaries)?;
    Ok(rounded(&inverse))
}
