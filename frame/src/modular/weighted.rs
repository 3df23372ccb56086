//! The weighted, self-correcting predictor: four sub-predictors, mixed by how well each did nearby.
//!
//! The format adds the errors of a sample to those of the sample above its right neighbour. Here errors stay as they are
//! made ("rows form"), and a prediction sums those of three samples of the row above and of the two samples to the left:
//! the same sums, but only the last two terms depend on what was decoded just before.

use jxlake_entropy::BitReader;

use super::predictor::Neighbours;

/// Parameters of the weighted predictor, from the header of a sub-bitstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightedHeader {
    /// How much of the errors around sub-predictor 1 corrects, in 32nds.
    pub p1: i32,
    /// The same for sub-predictor 2.
    pub p2: i32,
    /// The coefficients of sub-predictor 3, in 32nds.
    pub p3: [i32; 5],
    /// Weights of the four sub-predictors.
    pub w: [u32; 4],
}

impl Default for WeightedHeader {
    fn default() -> Self {
        Self { p1: 16, p2: 10, p3: [7, 7, 7, 0, 0], w: [13, 12, 12, 12] }
    }
}

impl WeightedHeader {
    /// Reads the parameters, or the bit that says that they are the default. The caller checks for overrun.
    pub fn read(bits: &mut BitReader<'_>) -> Self {
        let all_default = bits.read_bool();
        if all_default {
            return Self::default();
        }
        let mut header = Self { p1: bits.read(5) as i32, p2: bits.read(5) as i32, p3: [0; 5], w: [0; 4] };
        for p in &mut header.p3 {
            *p = bits.read(5) as i32;
        }
        for w in &mut header.w {
            *w = bits.read(4);
        }
        header
    }
}

/// `DIVISION[k]` = floor(2^24 / (k + 1)).
pub(crate) const DIVISION: [u32; 64] = {
    let mut table = [0; 64];
    let mut k = 0;
    while k < 64 {
        table[k] = (1 << 24) / (k as u32 + 1);
        k += 1;
    }
    table
};

/// The weight of a sub-predictor whose errors nearby sum to `errors`.
#[inline(always)]
pub(crate) fn weight_of(errors: u32, w: u32) -> u32 {
    let shift = (u64::from(errors) + 1).ilog2().saturating_sub(5);
    4 + ((w * DIVISION[(errors >> shift) as usize & 63]) >> shift)
}

/// What the weighted predictor says about a sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct WeightedPrediction {
    /// The prediction in eighths.
    eighths: i64,
    sub: [i64; 4],
    /// Property 15: of the errors nearby, in eighths, the one that is largest in magnitude.
    pub max_error: i32,
}

impl WeightedPrediction {
    /// The predicted sample, modulo 2^32.
    #[inline(always)]
    pub fn value(&self) -> i32 {
        ((self.eighths + 3) >> 3) as i32
    }
}

/// The sub-predictors' errors of one sample, four times 16 bits, so that one addition adds all four: the sum of the six
/// that a prediction needs still fits. Larger errors are [`SATURATED`] here.
pub(crate) type PackedErrors = u64;

/// Stands for errors of this size and above.
pub(crate) const SATURATED: u32 = 8191;

/// Packs four errors.
#[inline(always)]
pub(crate) fn pack(errors: [u32; 4]) -> PackedErrors {
    let [e0, e1, e2, e3] = errors.map(|error| u64::from(error.min(SATURATED)));
    e0 | e1 << 16 | (e2 | e3 << 16) << 32
}

/// The four errors, or sums of errors.
#[inline(always)]
pub(crate) fn unpack(packed: PackedErrors) -> [u32; 4] {
    [packed & 0xffff, packed >> 16 & 0xffff, packed >> 32 & 0xffff, packed >> 48].map(|error| error as u32)
}

/// Whether any of four errors, each at most 32767, is saturated.
#[inline(always)]
pub(crate) fn any_saturated(packed: PackedErrors) -> bool {
    const ONES: u64 = 0x0001_0001_0001_0001;
    (packed + ONES * (0x8000 - SATURATED as u64)) & (ONES * 0x8000) != 0
}

/// Errors made in one row. Index 0 and the last one repeat the first and the last column.
#[derive(Debug, Default)]
pub(crate) struct ErrorRow {
    /// Prediction minus sample, in eighths.
    pub(crate) true_errors: Vec<i32>,
    /// Magnitudes of the sub-predictors' errors, in whole samples.
    pub(crate) packed: Vec<PackedErrors>,
    /// The same, but only where one of them is saturated.
    pub(crate) exact: Vec<[u32; 4]>,
}

impl ErrorRow {
    fn reset(&mut self, width: usize) {
        self.true_errors.clear();
        self.true_errors.resize(width + 2, 0);
        self.packed.clear();
        self.packed.resize(width + 2, 0);
        self.exact.resize(width + 2, [0; 4]);
    }

    fn repeat_edges(&mut self) {
        repeat_edges(&mut self.true_errors);
        repeat_edges(&mut self.packed);
        repeat_edges(&mut self.exact);
    }

    /// Notes the sub-predictors' errors at column `x`.
    pub(crate) fn set_errors(&mut self, x: usize, errors: [u32; 4]) {
        self.packed[x + 1] = pack(errors);
        if errors.iter().any(|&error| error >= SATURATED) {
            self.exact[x + 1] = errors;
        }
    }

    /// The errors at index `at`, which are `packed` there.
    fn unpack(&self, at: usize, packed: PackedErrors) -> [u32; 4] {
        let errors = unpack(packed);
        if errors.contains(&SATURATED) { self.exact[at] } else { errors }
    }
}

fn repeat_edges<T: Copy>(row: &mut [T]) {
    if let [left, first, .., last, right] = row {
        (*left, *right) = (*first, *last);
    } else if let [left, only, right] = row {
        (*left, *right) = (*only, *only);
    }
}

/// The weighted predictor at work on one channel: it must see every sample, row by row.
///
/// For each sample call [`predict`](Self::predict), then [`update`](Self::update); after each row
/// [`end_row`](Self::end_row).
#[derive(Debug, Default)]
pub struct WeightedState {
    pub(crate) header: WeightedHeader,
    width: usize,
    pub(crate) north: ErrorRow,
    pub(crate) row: ErrorRow,
}

impl WeightedState {
    /// Starts a channel of `width` columns with no errors. Keeps its memory.
    pub fn start(&mut self, header: &WeightedHeader, width: usize) {
        self.header = *header;
        self.width = width;
        self.north.reset(width);
        self.row.reset(width);
    }

    /// The prediction at column `x`, which must be below the width given to [`start`](Self::start).
    pub fn predict(&self, x: usize, around: &Neighbours) -> WeightedPrediction {
        let header = &self.header;
        // Column `x` of a row with margins is at `x + 1`.
        let [te_nw, te_n, te_ne] = [x, x + 1, x + 2].map(|i| i64::from(self.north.true_errors[i]));
        let te_w = if x > 0 { i64::from(self.row.true_errors[x]) } else { 0 };

        let [n, w, ne, nw, nn] =
            [around.north, around.west, around.north_east, around.north_west, around.north_north]
                .map(|sample| i64::from(sample) * 8);
        let p3 = header.p3.map(i64::from);
        let sub = [
            w + ne - n,
            n - (((te_w + te_n + te_ne) * i64::from(header.p1)) >> 5),
            w - (((te_w + te_n + te_nw) * i64::from(header.p2)) >> 5),
            n - ((te_nw * p3[0] + te_n * p3[1] + te_ne * p3[2] + (nn - n) * p3[3] + (nw - w) * p3[4]) >> 5),
        ];

        let packed = |distance: usize| if x >= distance { self.row.packed[x + 1 - distance] } else { 0 };
        let errors = self.errors_around(x, packed(1), packed(2));
        let weights = [0, 1, 2, 3].map(|i| weight_of(errors[i], header.w[i]));
        let mut eighths = mix(weights, &sub);
        if (te_n ^ te_w) | (te_n ^ te_nw) <= 0 {
            eighths = eighths.clamp(w.min(n).min(ne), w.max(n).max(ne));
        }

        let larger = |a: i64, b: i64| if b.abs() > a.abs() { b } else { a };
        let max_error = larger(larger(larger(te_w, te_n), te_nw), te_ne) as i32;
        WeightedPrediction { eighths, sub, max_error }
    }

    /// Sums of the sub-predictors' errors around column `x`, given those at the two columns before: in the first and
    /// second column, zeros instead.
    pub(crate) fn errors_around(&self, x: usize, west: PackedErrors, west_west: PackedErrors) -> [u32; 4] {
        let mut sums = [0u32; 4];
        let mut add = |errors: [u32; 4]| {
            for (sum, error) in sums.iter_mut().zip(errors) {
                *sum = sum.wrapping_add(error);
            }
        };
        (x..x + 3).for_each(|at| add(self.north.unpack(at, self.north.packed[at])));
        add(self.row.unpack(x, west));
        // The format's errors of the last column and, repeated, of the margin both include those of West.
        if x + 1 == self.width {
            add(self.row.unpack(x, west));
        }
        add(self.row.unpack(x.saturating_sub(1), west_west));
        sums
    }

    /// Learns the sample at column `x` of which `prediction` was made.
    pub fn update(&mut self, x: usize, prediction: &WeightedPrediction, sample: i32) {
        let sample = i64::from(sample) * 8;
        self.row.true_errors[x + 1] = (prediction.eighths - sample) as i32;
        self.row.set_errors(x, prediction.sub.map(|sub| (((sub - sample).abs() + 3) >> 3) as u32));
    }

    /// Makes the row that was decoded the row above.
    pub fn end_row(&mut self) {
        self.row.repeat_edges();
        std::mem::swap(&mut self.north, &mut self.row);
    }
}

/// The mean of the sub-predictions by weight, in the format's integer arithmetic.
#[inline(always)]
fn mix(weights: [u32; 4], sub: &[i64; 4]) -> i64 {
    let sum: u32 = weights.iter().sum();
    // The sum is at least 16; scaled, it is 13 to 31.
    let shift = sum.ilog2() - 4;
    let weights = weights.map(|weight| weight >> shift);
    let sum: u32 = weights.iter().sum();
    let mut total = i64::from(sum >> 1) - 1;
    for (weight, sub) in weights.iter().zip(sub) {
        total += i64::from(*weight) * sub;
    }
    (total * i64::from(DIVISION[(sum - 1) as usize & 63])) >> 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_and_errors_of_a_small_channel() {
        let rows = [[10, 12, 200, 40, 41], [11, 13, 190, 60, 42], [5, 0, 255, 80, 43]];
        let mut state = WeightedState::default();
        state.start(&WeightedHeader::default(), 5);
        let mut seen = Vec::new();
        for (y, row) in rows.iter().enumerate() {
            let above = |distance: usize| y.checked_sub(distance).map(|y| &rows[y][..]);
            for (x, &sample) in row.iter().enumerate() {
                let prediction = state.predict(x, &Neighbours::around(row, above(1), above(2), x));
                seen.push((prediction.value(), prediction.max_error));
                state.update(x, &prediction, sample);
            }
            state.end_row();
        }
        let expected = [
            (0, 0),
            (10, -80),
            (12, -16),
            (200, -1504),
            (14, 1280),
            (12, -80),
            (97, -1504),
            (70, -1504),
            (119, -1504),
            (41, 1280),
            (6, 676),
            (22, -962),
            (152, -962),
            (103, -962),
            (42, 469),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn extreme_samples_and_parameters_do_not_overflow() {
        let header = WeightedHeader { p1: 31, p2: 31, p3: [31; 5], w: [15; 4] };
        let mut seed = 1u32;
        for width in 1..5 {
            let mut state = WeightedState::default();
            state.start(&header, width);
            let mut rows = vec![vec![0i32; width]; 40];
            for y in 0..rows.len() {
                for x in 0..width {
                    let above = |distance: usize| y.checked_sub(distance).map(|y| &rows[y][..]);
                    let prediction = state.predict(x, &Neighbours::around(&rows[y], above(1), above(2), x));
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let sample = if seed >> 31 == 0 { i32::MIN } else { i32::MAX };
                    state.update(x, &prediction, sample);
                    rows[y][x] = sample;
                }
                state.end_row();
            }
        }
    }
}
