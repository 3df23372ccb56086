//! The tree that all modular sub-bitstreams of a frame may share.

use jxlake_entropy::BitReader;

use super::tree::MaTree;
use crate::error::Result;
use crate::fields::Fields;
use crate::frame_header::FrameHeader;
use crate::geometry::FrameGeometry;
use crate::image_header::ImageHeader;

/// Trees of more nodes are invalid, however large the frame.
const MAX_NODES: u64 = 1 << 22;

/// The tree of a frame, with its codes, if it has one. Keeps its memory from frame to frame.
#[derive(Debug, Default)]
pub struct GlobalTree {
    tree: MaTree,
    present: bool,
}

impl GlobalTree {
    /// Reads `has_tree` and the tree. It is the same in VarDCT and Modular frames.
    ///
    /// # Errors
    ///
    /// An invalid or truncated tree.
    pub fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        image: &ImageHeader,
        header: &FrameHeader,
        geometry: &FrameGeometry,
    ) -> Result<()> {
        self.present = false;
        if bits.bool()? {
            self.tree.read(bits, node_limit(image, header, geometry))?;
            bits.check()?;
            self.present = true;
        }
        Ok(())
    }

    /// The tree, if the frame has one.
    pub fn tree(&self) -> Option<&MaTree> {
        self.present.then_some(&self.tree)
    }

    /// Forgets the tree but not its memory.
    pub fn clear(&mut self) {
        self.present = false;
    }
}

fn node_limit(image: &ImageHeader, header: &FrameHeader, geometry: &FrameGeometry) -> u64 {
    let colour = if image.is_grey() && !image.xyb_encoded && !header.do_ycbcr { 1 } else { 3 };
    let channels = colour + image.extra_channels.len() as u64;
    MAX_NODES.min(1024 + geometry.coded.pixels().saturating_mul(channels) / 16)
}
