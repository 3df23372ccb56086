//! Products and inverses of 3 × 3 matrices in double precision.

/// A 3 × 3 matrix, row by row.
pub type Matrix3 = [[f64; 3]; 3];

/// The matrix that changes nothing.
pub const IDENTITY: Matrix3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// Matrices whose determinant is smaller count as singular.
const SMALLEST_DETERMINANT: f64 = 1e-10;

/// The product `a * b`.
pub fn multiply(a: &Matrix3, b: &Matrix3) -> Matrix3 {
    let mut product = [[0.0; 3]; 3];
    for (row, a) in product.iter_mut().zip(a) {
        for (x, v) in row.iter_mut().enumerate() {
            *v = a[0] * b[0][x] + a[1] * b[1][x] + a[2] * b[2][x];
        }
    }
    product
}

/// The product `m * v`.
pub fn multiply_vector(m: &Matrix3, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// The determinant.
pub fn determinant(m: &Matrix3) -> f64 {
    let c = cofactors(m);
    m[0][0] * c[0][0] + m[0][1] * c[0][1] + m[0][2] * c[0][2]
}

/// The inverse; `None` for matrices that are singular, nearly so (|determinant| < 1e-10) or not finite.
pub fn inverse(m: &Matrix3) -> Option<Matrix3> {
    let determinant = determinant(m);
    if !determinant.is_finite() || determinant.abs() < SMALLEST_DETERMINANT {
        return None;
    }
    let factor = 1.0 / determinant;
    let c = cofactors(m);
    let mut inverse = [[0.0; 3]; 3];
    for (y, row) in inverse.iter_mut().enumerate() {
        for (x, v) in row.iter_mut().enumerate() {
            *v = c[x][y] * factor;
        }
    }
    Some(inverse)
}

/// The signed minor of each entry.
fn cofactors(m: &Matrix3) -> Matrix3 {
    let mut c = [[0.0; 3]; 3];
    for (y, row) in c.iter_mut().enumerate() {
        let (a, b) = (&m[(y + 1) % 3], &m[(y + 2) % 3]);
        for (x, v) in row.iter_mut().enumerate() {
            *v = a[(x + 1) % 3] * b[(x + 2) % 3] - a[(x + 2) % 3] * b[(x + 1) % 3];
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_times_matrix_is_identity() {
        let m = [[2.0, -1.0, 0.5], [0.25, 3.0, -2.0], [1.0, 0.0, 1.5]];
        let product = multiply(&inverse(&m).unwrap(), &m);
        for (a, b) in product.as_flattened().iter().zip(IDENTITY.as_flattened()) {
            assert!((a - b).abs() < 1e-14);
        }
    }

    #[test]
    fn singular_matrices_have_no_inverse() {
        assert_eq!(inverse(&[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 0.0]]), None);
        assert_eq!(inverse(&[[f64::NAN; 3]; 3]), None);
        assert_eq!(inverse(&[[f64::INFINITY; 3]; 3]), None);
    }
}
