//! Numbers of the modular sub-bitstreams of a frame.

use crate::geometry::FrameGeometry;

/// A modular sub-bitstream of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModularStream {
    /// The global one, in the LfGlobal section.
    Global,
    /// LF coefficients of an LF group.
    LfCoefficients(usize),
    /// Channels with little detail of an LF group.
    LfGroup(usize),
    /// HF metadata of an LF group.
    HfMetadata(usize),
    /// A quantisation table with coded samples, 0 to 16.
    QuantisationTable(usize),
    /// Channels of a group in one pass.
    PassGroup {
        /// Number of the pass.
        pass: usize,
        /// Number of the group.
        group: usize,
    },
}

impl ModularStream {
    /// Number of quantisation tables that have a sub-bitstream of their own.
    const QUANTISATION_TABLES: usize = 17;

    /// The number that trees see as property 1.
    pub fn index(self, geometry: &FrameGeometry) -> u32 {
        let lf_groups = geometry.num_lf_groups();
        let index = match self {
            Self::Global => 0,
            Self::LfCoefficients(lf_group) => 1 + lf_group,
            Self::LfGroup(lf_group) => 1 + lf_groups + lf_group,
            Self::HfMetadata(lf_group) => 1 + 2 * lf_groups + lf_group,
            Self::QuantisationTable(table) => 1 + 3 * lf_groups + table,
            Self::PassGroup { pass, group } => {
                1 + 3 * lf_groups + Self::QUANTISATION_TABLES + pass * geometry.num_groups() + group
            }
        };
        // As many as there are sections, about; it would wrap where others wrap.
        index as u32
    }
}
