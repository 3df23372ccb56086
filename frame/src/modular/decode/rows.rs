//! The rows that the decoding loops work on: 32-bit copies of the last rows of a channel.
//!
//! One kind of sample for all loops, whatever the channel stores, and margins on the right that make the rules for
//! neighbours outside the channel come true by themselves.

/// A copy of the first sample before, and two of the last sample behind each row above.
const MARGINS: usize = 3;

/// The row being decoded and the two above it.
#[derive(Debug, Default)]
pub(crate) struct RowBuffers {
    row: Vec<i32>,
    north: Vec<i32>,
    north_north: Vec<i32>,
    width: usize,
    /// Rows that were decoded.
    rows: usize,
}

/// The rows as a loop over one row sees them.
pub(crate) struct Rows<'a> {
    /// The row to decode: as many samples as the channel has columns.
    pub(crate) row: &'a mut [i32],
    /// The row above, with the margin behind it. In the first row unspecified.
    pub(crate) north: &'a [i32],
    /// The same one column to the left: it begins with what stands for NW in the first column.
    pub(crate) north_west: &'a [i32],
    /// Its row above, or again the row above if there is none.
    pub(crate) north_north: &'a [i32],
    /// Number of the row.
    pub(crate) y: usize,
}

impl RowBuffers {
    /// Starts a channel of `width >= 1` columns.
    pub(crate) fn start(&mut self, width: usize) {
        self.width = width;
        self.rows = 0;
        for row in [&mut self.row, &mut self.north, &mut self.north_north] {
            row.resize(width + MARGINS, 0);
        }
    }

    /// The row to decode next and those above.
    pub(crate) fn rows(&mut self) -> Rows<'_> {
        let north_north = if self.rows < 2 { &self.north } else { &self.north_north };
        Rows {
            row: &mut self.row[1..=self.width],
            north: &self.north[1..],
            north_west: &self.north,
            north_north: &north_north[1..],
            y: self.rows,
        }
    }

    /// The decoded row.
    pub(crate) fn decoded(&self) -> &[i32] {
        &self.row[1..=self.width]
    }

    /// Makes the decoded row the row above.
    pub(crate) fn finish_row(&mut self) {
        self.row[0] = self.row[1];
        let last = self.row[self.width];
        self.row[self.width + 1..].fill(last);
        std::mem::swap(&mut self.north, &mut self.north_north);
        std::mem::swap(&mut self.north, &mut self.row);
        self.rows += 1;
    }
}
