//! The 27 transform types of VarDCT and the shapes that follow from them.

/// The transform of a varblock. Names say rows x columns of samples; the numbers are the coded ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum TransformType {
    Dct8x8 = 0,
    Hornuss = 1,
    Dct2x2 = 2,
    Dct4x4 = 3,
    Dct16x16 = 4,
    Dct32x32 = 5,
    Dct16x8 = 6,
    Dct8x16 = 7,
    Dct32x8 = 8,
    Dct8x32 = 9,
    Dct32x16 = 10,
    Dct16x32 = 11,
    Dct4x8 = 12,
    Dct8x4 = 13,
    Afv0 = 14,
    Afv1 = 15,
    Afv2 = 16,
    Afv3 = 17,
    Dct64x64 = 18,
    Dct64x32 = 19,
    Dct32x64 = 20,
    Dct128x128 = 21,
    Dct128x64 = 22,
    Dct64x128 = 23,
    Dct256x256 = 24,
    Dct256x128 = 25,
    Dct128x256 = 26,
}

/// What a transform type says about its varblock.
#[derive(Clone, Copy)]
struct Properties {
    /// log2 of the rows and columns in blocks.
    log_rows: u8,
    log_cols: u8,
    order: u8,
    table: u8,
}

const fn properties(log_rows: u8, log_cols: u8, order: u8, table: u8) -> Properties {
    Properties { log_rows, log_cols, order, table }
}

const PROPERTIES: [Properties; TransformType::COUNT] = [
    properties(0, 0, 0, 0),
    properties(0, 0, 1, 1),
    properties(0, 0, 1, 2),
    properties(0, 0, 1, 3),
    properties(1, 1, 2, 4),
    properties(2, 2, 3, 5),
    properties(1, 0, 4, 6),
    properties(0, 1, 4, 6),
    properties(2, 0, 5, 7),
    properties(0, 2, 5, 7),
    properties(2, 1, 6, 8),
    properties(1, 2, 6, 8),
    properties(0, 0, 1, 9),
    properties(0, 0, 1, 9),
    properties(0, 0, 1, 10),
    properties(0, 0, 1, 10),
    properties(0, 0, 1, 10),
    properties(0, 0, 1, 10),
    properties(3, 3, 7, 11),
    properties(3, 2, 8, 12),
    properties(2, 3, 8, 12),
    properties(4, 4, 9, 13),
    properties(4, 3, 10, 14),
    properties(3, 4, 10, 14),
    properties(5, 5, 11, 15),
    properties(5, 4, 12, 16),
    properties(4, 5, 12, 16),
];

impl TransformType {
    /// How many types there are.
    pub const COUNT: usize = 27;

    /// All types, by their coded number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Dct8x8,
        Self::Hornuss,
        Self::Dct2x2,
        Self::Dct4x4,
        Self::Dct16x16,
        Self::Dct32x32,
        Self::Dct16x8,
        Self::Dct8x16,
        Self::Dct32x8,
        Self::Dct8x32,
        Self::Dct32x16,
        Self::Dct16x32,
        Self::Dct4x8,
        Self::Dct8x4,
        Self::Afv0,
        Self::Afv1,
        Self::Afv2,
        Self::Afv3,
        Self::Dct64x64,
        Self::Dct64x32,
        Self::Dct32x64,
        Self::Dct128x128,
        Self::Dct128x64,
        Self::Dct64x128,
        Self::Dct256x256,
        Self::Dct256x128,
        Self::Dct128x256,
    ];

    /// The type with a coded number.
    pub const fn from_code(code: i32) -> Option<Self> {
        if code >= 0 && (code as usize) < Self::COUNT { Some(Self::ALL[code as usize]) } else { None }
    }

    const fn properties(self) -> Properties {
        PROPERTIES[self as usize]
    }

    /// Rows of 8x8 blocks that the varblock covers: 1 to 32.
    pub const fn block_rows(self) -> usize {
        1 << self.properties().log_rows
    }

    /// Columns of 8x8 blocks that the varblock covers: 1 to 32.
    pub const fn block_cols(self) -> usize {
        1 << self.properties().log_cols
    }

    /// log2 of the number of blocks that the varblock covers: 0 to 10.
    pub const fn log_blocks(self) -> u32 {
        let Properties { log_rows, log_cols, .. } = self.properties();
        (log_rows + log_cols) as u32
    }

    /// Coefficients per channel: 64 to 65536.
    pub const fn size(self) -> usize {
        64 << self.log_blocks()
    }

    /// Whether the varblock has fewer rows than columns. Coefficients of these varblocks are stored with vertical
    /// frequencies as rows, those of all others transposed.
    pub const fn is_wide(self) -> bool {
        let Properties { log_rows, log_cols, .. } = self.properties();
        log_rows < log_cols
    }

    /// Rows of the stored array of coefficients: the smaller dimension.
    pub const fn stored_rows(self) -> usize {
        let Properties { log_rows, log_cols, .. } = self.properties();
        8 << if log_rows < log_cols { log_rows } else { log_cols }
    }

    /// Columns of the stored array of coefficients: the larger dimension.
    pub const fn stored_cols(self) -> usize {
        let Properties { log_rows, log_cols, .. } = self.properties();
        8 << if log_rows < log_cols { log_cols } else { log_rows }
    }

    /// The coefficient order (0 to 12) the type uses.
    pub const fn order(self) -> usize {
        self.properties().order as usize
    }

    /// The dequantisation table (0 to 16) the type uses.
    pub const fn table(self) -> usize {
        self.properties().table as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_shapes_and_sizes_agree() {
        for (code, ty) in TransformType::ALL.into_iter().enumerate() {
            assert_eq!(ty as usize, code);
            assert_eq!(TransformType::from_code(code as i32), Some(ty));
            assert_eq!(ty.stored_rows() * ty.stored_cols(), ty.size());
            assert_eq!(ty.block_rows() * ty.block_cols() * 64, ty.size());
            assert_eq!(ty.is_wide(), ty.block_rows() < ty.block_cols());
            assert_eq!(ty.stored_rows(), 8 * ty.block_rows().min(ty.block_cols()));
        }
        assert_eq!(TransformType::from_code(-1), None);
        assert_eq!(TransformType::from_code(27), None);
    }
}
