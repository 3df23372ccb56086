//! What storage is leased for.

/// What a lease is for; the statistics are kept by it.
///
/// ```
/// use jxlake_util::Purpose;
///
/// assert_eq!(Purpose::HfCoefficients.name(), "HfCoefficients");
/// assert_eq!(Purpose::ALL.len(), 10);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Modular channels.
    Modular,
    /// Low-frequency coefficients.
    LfCoefficients,
    /// High-frequency coefficients.
    HfCoefficients,
    /// Samples on their way to the canvas.
    Pixels,
    /// Borders and strips of the filters.
    Filter,
    /// Frames kept for later frames.
    Reference,
    /// Samples in the caller's format.
    Output,
    /// Tables and windows of entropy decoding.
    Entropy,
    /// Maps of blocks, claims and other bookkeeping.
    Metadata,
    /// Anything else.
    Other,
}

impl Purpose {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    /// All purposes, in the order the statistics list them.
    pub const ALL: [Self; 10] = [
        Self::Modular,
        Self::LfCoefficients,
        Self::HfCoefficients,
        Self::Pixels,
        Self::Filter,
        Self::Reference,
        Self::Output,
        Self::Entropy,
        Self::Metadata,
        Self::Other,
    ];

    /// The name, as in the code.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Modular => "Modular",
            Self::LfCoefficients => "LfCoefficients",
            Self::HfCoefficients => "HfCoefficients",
            Self::Pixels => "Pixels",
            Self::Filter => "Filter",
            Self::Reference => "Reference",
            Self::Output => "Output",
            Self::Entropy => "Entropy",
            Self::Metadata => "Metadata",
            Self::Other => "Other",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A purpose's index is its place in the list.
    #[test]
    fn all_are_listed_in_order() {
        for (index, purpose) in Purpose::ALL.into_iter().enumerate() {
            assert_eq!(purpose.index(), index);
        }
    }
}
