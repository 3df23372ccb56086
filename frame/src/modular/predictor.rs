//! The fourteen predictors, and the decoded samples around a position that they look at.

use super::channel::Sample;

/// How a sample is predicted from its neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Predictor {
    /// Always 0.
    #[default]
    Zero,
    /// The sample to the left.
    West,
    /// The sample above.
    North,
    /// Mean of West and North.
    AverageWestNorth,
    /// West or North, whichever direction changes less.
    Select,
    /// West + North − NorthWest, kept between West and North.
    Gradient,
    /// The self-correcting predictor of [`super::weighted`].
    Weighted,
    /// The sample above and to the right.
    NorthEast,
    /// The sample above and to the left.
    NorthWest,
    /// The second sample to the left.
    WestWest,
    /// Mean of West and NorthWest.
    AverageWestNorthWest,
    /// Mean of North and NorthWest.
    AverageNorthNorthWest,
    /// Mean of North and NorthEast.
    AverageNorthNorthEast,
    /// A weighted mean of six neighbours.
    AverageAll,
}

impl Predictor {
    /// All predictors, in the order of their codes.
    pub const ALL: [Self; 14] = [
        Self::Zero,
        Self::West,
        Self::North,
        Self::AverageWestNorth,
        Self::Select,
        Self::Gradient,
        Self::Weighted,
        Self::NorthEast,
        Self::NorthWest,
        Self::WestWest,
        Self::AverageWestNorthWest,
        Self::AverageNorthNorthWest,
        Self::AverageNorthNorthEast,
        Self::AverageAll,
    ];

    /// The predictor with this code, `None` from 14 on.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get(code as usize).copied()
    }
}

/// Decoded samples around a position. Those outside the channel are replaced by nearer ones, in the last resort by 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// (x − 1, y).
    pub west: i32,
    /// (x, y − 1).
    pub north: i32,
    /// (x − 1, y − 1).
    pub north_west: i32,
    /// (x + 1, y − 1).
    pub north_east: i32,
    /// (x − 2, y).
    pub west_west: i32,
    /// (x, y − 2).
    pub north_north: i32,
    /// (x + 2, y − 1).
    pub north_east_east: i32,
}

impl Neighbours {
    /// The neighbours of column `x`. `row` is the row being decoded, of which the samples before `x` are known;
    /// `north` and `north_north` are the rows above, of the same length, if they exist.
    #[inline]
    pub fn around<S: Sample>(row: &[S], north: Option<&[S]>, north_north: Option<&[S]>, x: usize) -> Self {
        let at = |row: Option<&[S]>, x: usize| row.and_then(|row| row.get(x)).map(|sample| sample.to_i32());
        let west_of = |x: usize, distance: usize| x.checked_sub(distance).and_then(|x| at(Some(row), x));
        let above = at(north, x);
        let west = west_of(x, 1).or(above).unwrap_or(0);
        let above = above.unwrap_or(west);
        let north_east = at(north, x + 1).unwrap_or(above);
        Self {
            west,
            north: above,
            north_west: x.checked_sub(1).and_then(|x| at(north, x)).unwrap_or(west),
            north_east,
            west_west: west_of(x, 2).unwrap_or(west),
            north_north: at(north_north, x).unwrap_or(above),
            north_east_east: at(north, x + 2).unwrap_or(north_east),
        }
    }

    /// The prediction, modulo 2^32; `weighted` is what the weighted predictor says here, used by
    /// [`Predictor::Weighted`] only.
    #[inline]
    pub fn predict(&self, predictor: Predictor, weighted: i32) -> i32 {
        let half_sum = |a: i32, b: i32| ((i64::from(a) + i64::from(b)) / 2) as i32;
        match predictor {
            Predictor::Zero => 0,
            Predictor::West => self.west,
            Predictor::North => self.north,
            Predictor::AverageWestNorth => half_sum(self.west, self.north),
            Predictor::Select => select(self.west, self.north, self.north_west),
            Predictor::Gradient => clamped_gradient(self.west, self.north, self.north_west),
            Predictor::Weighted => weighted,
            Predictor::NorthEast => self.north_east,
            Predictor::NorthWest => self.north_west,
            Predictor::WestWest => self.west_west,
            Predictor::AverageWestNorthWest => half_sum(self.west, self.north_west),
            Predictor::AverageNorthNorthWest => half_sum(self.north, self.north_west),
            Predictor::AverageNorthNorthEast => half_sum(self.north, self.north_east),
            Predictor::AverageAll => self.average_all(),
        }
    }

    #[inline(always)]
    fn average_all(&self) -> i32 {
        let sum = 6 * i64::from(self.north) - 2 * i64::from(self.north_north)
            + 7 * i64::from(self.west)
            + i64::from(self.west_west)
            + i64::from(self.north_east_east)
            + 3 * i64::from(self.north_east)
            + 8;
        (sum / 16) as i32
    }
}

/// `west + north − north_west`, kept between `west` and `north`.
#[inline(always)]
pub fn clamped_gradient(west: i32, north: i32, north_west: i32) -> i32 {
    let low = west.min(north);
    let high = west.max(north);
    // Outside [low, high] the sum may wrap, but then it is not used.
    let inside = west.wrapping_add(north).wrapping_sub(north_west);
    let at_most_high = if north_west < low { high } else { inside };
    if north_west > high { low } else { at_most_high }
}

#[inline(always)]
fn select(west: i32, north: i32, north_west: i32) -> i32 {
    if north.abs_diff(north_west) < west.abs_diff(north_west) { west } else { north }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_predictor_follows_its_formula() {
        let around = Neighbours {
            west: -5,
            north: -4,
            north_west: 7,
            north_east: -3,
            west_west: 2,
            north_north: 1,
            north_east_east: -9,
        };
        let predictions = Predictor::ALL.map(|predictor| around.predict(predictor, 99));
        assert_eq!(predictions, [0, -5, -4, -4, -5, -5, 99, -3, 7, 2, 1, 1, -3, -4]);
    }

    #[test]
    fn extreme_samples_wrap_without_panic() {
        let extremes = [i32::MIN, -1, 0, i32::MAX];
        for west in extremes {
            for north in extremes {
                for other in extremes {
                    let around = Neighbours {
                        west,
                        north,
                        north_west: other,
                        north_east: other,
                        west_west: north,
                        north_north: west,
                        north_east_east: other,
                    };
                    for predictor in Predictor::ALL {
                        around.predict(predictor, west);
                    }
                    let exact = i64::from(west) + i64::from(north) - i64::from(other);
                    let clamped = exact.clamp(i64::from(west.min(north)), i64::from(west.max(north)));
                    assert_eq!(i64::from(clamped_gradient(west, north, other)), clamped);
                }
            }
        }
    }

    #[test]
    fn neighbours_outside_the_channel_are_replaced_by_nearer_ones() {
        let rows: [[i32; 3]; 3] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]];
        let around = |x, y: usize| {
            let above = |distance: usize| y.checked_sub(distance).map(|y| &rows[y][..]);
            let n = Neighbours::around(&rows[y], above(1), above(2), x);
            [n.west, n.north, n.north_west, n.north_east, n.west_west, n.north_north, n.north_east_east]
        };
        assert_eq!(around(0, 0), [0; 7]);
        assert_eq!(around(2, 0), [2, 2, 2, 2, 1, 2, 2]);
        assert_eq!(around(0, 1), [1, 1, 1, 2, 1, 1, 3]);
        assert_eq!(around(0, 2), [4, 4, 4, 5, 4, 1, 6]);
        assert_eq!(around(1, 2), [7, 5, 4, 6, 7, 2, 6]);
        assert_eq!(around(2, 2), [8, 6, 5, 6, 7, 3, 6]);
    }
}
