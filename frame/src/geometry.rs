//! The geometry of a frame: sizes, blocks, groups, LF groups, and the sections that hold them.

use jxlake_util::Rect;

use crate::error::{Error, Result};
use crate::frame_header::{Encoding, FrameHeader};
use crate::image_header::Size;
use crate::limits::{Limit, Limits};

/// The sizes of a frame, in pixels, 8 x 8 blocks, groups and LF groups.
///
/// *Coded* pixels are those before upsampling. Groups and LF groups are numbered row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameGeometry {
    /// Size of the frame after upsampling, in pixels.
    pub upsampled: Size,
    /// Size of the coded frame, in pixels.
    pub coded: Size,
    /// Coded size in blocks, padded to whole units of chroma subsampling.
    pub blocks: Size,
    /// What the decoded samples fill, in coded pixels: whole blocks in VarDCT, the coded size in Modular.
    pub padded: Size,
    /// Width and height of a group in coded pixels: 128, 256, 512 or 1024; in blocks an eighth. Also the width and height
    /// of an LF group in blocks.
    pub group_dim: usize,
    /// Number of groups, in columns (`width`) and rows (`height`).
    pub groups: Size,
    /// Number of LF groups, in columns (`width`) and rows (`height`).
    pub lf_groups: Size,
    /// Number of passes.
    pub num_passes: usize,
    /// By how many powers of two each colour channel is narrower than the frame.
    pub hshift: [u32; 3],
    /// By how many powers of two each colour channel is lower than the frame.
    pub vshift: [u32; 3],
}

/// A part of a frame that has its own bytes.
///
/// The only section of a frame that has just one holds the contents of all, bit by bit one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// What holds for the whole frame: patches, splines, noise, quantisation, the global Modular stream.
    LfGlobal,
    /// LF coefficients and HF metadata of an LF group.
    LfGroup(usize),
    /// Dequantisation matrices, coefficient orders and histograms; empty in Modular frames.
    HfGlobal,
    /// One pass over the HF coefficients and Modular channels of a group.
    PassGroup {
        /// Number of the pass.
        pass: usize,
        /// Number of the group.
        group: usize,
    },
}

impl FrameGeometry {
    /// The geometry of a frame.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] if the frame has more sections than `limits` allow (or than 2^31).
    pub fn new(header: &FrameHeader, limits: &Limits) -> Result<Self> {
        let upsampled = header.upsampled_size();
        let coded = upsampled.map(|side| side.div_ceil(header.upsampling));
        let group_dim = 128 << header.group_size_shift;
        let blocks_of = |side: u32, shift: u32| side.div_ceil(8 << shift) << shift;
        let subsampling = header.subsampling;
        let blocks = Size {
            width: blocks_of(coded.width, subsampling.max_hshift()),
            height: blocks_of(coded.height, subsampling.max_vshift()),
        };
        let padded = match header.encoding {
            Encoding::VarDct => blocks.map(|side| 8 * side),
            Encoding::Modular => coded,
        };
        let geometry = Self {
            upsampled,
            coded,
            blocks,
            padded,
            group_dim: group_dim as usize,
            groups: coded.map(|side| side.div_ceil(group_dim)),
            lf_groups: blocks.map(|side| side.div_ceil(group_dim)),
            num_passes: header.passes.num_passes(),
            hshift: [0, 1, 2].map(|channel| subsampling.hshift(channel)),
            vshift: [0, 1, 2].map(|channel| subsampling.vshift(channel)),
        };
        let sections =
            2 + geometry.lf_groups.pixels() + geometry.groups.pixels() * header.passes.num_passes() as u64;
        limits.check(Limit::TocEntries, sections)?;
        if sections > MAX_SECTIONS {
            return Err(Error::Limit { limit: Limit::TocEntries, value: sections, bound: MAX_SECTIONS });
        }
        Ok(geometry)
    }

    /// The number of groups.
    pub fn num_groups(&self) -> usize {
        self.groups.pixels() as usize
    }

    /// The number of LF groups.
    pub fn num_lf_groups(&self) -> usize {
        self.lf_groups.pixels() as usize
    }

    /// The number of sections, that is entries of the table of contents.
    pub fn num_sections(&self) -> usize {
        if self.is_single_section() {
            1
        } else {
            2 + self.num_lf_groups() + self.num_groups() * self.num_passes
        }
    }

    /// Whether one section holds everything.
    pub fn is_single_section(&self) -> bool {
        self.num_groups() == 1 && self.num_passes == 1
    }

    /// The logical number of a section; 0 for all in a frame of a single section.
    pub fn section_index(&self, section: Section) -> usize {
        if self.is_single_section() {
            return 0;
        }
        match section {
            Section::LfGlobal => 0,
            Section::LfGroup(lf_group) => 1 + lf_group,
            Section::HfGlobal => 1 + self.num_lf_groups(),
            Section::PassGroup { pass, group } => 2 + self.num_lf_groups() + pass * self.num_groups() + group,
        }
    }

    /// The section of a logical number; `LfGlobal` in a frame of a single section. `None` if there is no such section.
    pub fn section(&self, index: usize) -> Option<Section> {
        if index >= self.num_sections() {
            return None;
        }
        let lf_groups = self.num_lf_groups();
        Some(match index {
            0 => Section::LfGlobal,
            _ if index <= lf_groups => Section::LfGroup(index - 1),
            _ if index == 1 + lf_groups => Section::HfGlobal,
            _ => {
                let index = index - 2 - lf_groups;
                Section::PassGroup { pass: index / self.num_groups(), group: index % self.num_groups() }
            }
        })
    }

    /// The column and row of a group.
    pub fn group_position(&self, group: usize) -> (usize, usize) {
        let columns = self.groups.width as usize;
        (group % columns, group / columns)
    }

    /// The column and row of an LF group.
    pub fn lf_group_position(&self, lf_group: usize) -> (usize, usize) {
        let columns = self.lf_groups.width as usize;
        (lf_group % columns, lf_group / columns)
    }

    /// The LF group that a group lies in.
    pub fn lf_group_of(&self, group: usize) -> usize {
        let (x, y) = self.group_position(group);
        y / 8 * self.lf_groups.width as usize + x / 8
    }

    /// The coded pixels of a group.
    pub fn group_rect(&self, group: usize) -> Rect {
        tile(self.group_position(group), self.group_dim, self.coded)
    }

    /// The blocks of a group, padding included. With chroma subsampling the padding can be a block more than the pixels
    /// need.
    pub fn group_blocks(&self, group: usize) -> Rect {
        tile(self.group_position(group), self.group_dim / 8, self.blocks)
    }

    /// The coded pixels of an LF group.
    pub fn lf_group_rect(&self, lf_group: usize) -> Rect {
        tile(self.lf_group_position(lf_group), 8 * self.group_dim, self.coded)
    }

    /// The blocks of an LF group, padding included.
    pub fn lf_group_blocks(&self, lf_group: usize) -> Rect {
        tile(self.lf_group_position(lf_group), self.group_dim, self.blocks)
    }

    /// The number of blocks, columns (`width`) and rows (`height`), of a colour channel, 0 to 2, with its subsampling.
    pub fn channel_blocks(&self, channel: usize) -> Size {
        Size {
            width: self.blocks.width >> self.hshift[channel],
            height: self.blocks.height >> self.vshift[channel],
        }
    }

    /// The coded size of a colour channel, 0 to 2, in samples, with its subsampling.
    pub fn channel_size(&self, channel: usize) -> Size {
        Size {
            width: self.coded.width.div_ceil(1 << self.hshift[channel]),
            height: self.coded.height.div_ceil(1 << self.vshift[channel]),
        }
    }
}

/// More sections than this are not counted in any file that could be read.
const MAX_SECTIONS: u64 = 1 << 31;

/// The tile of a grid of `side` x `side` tiles at a column and row, cut at the size of the whole.
fn tile((column, row): (usize, usize), side: usize, whole: Size) -> Rect {
    let (x, y) = (column * side, row * side);
    Rect {
        x,
        y,
        width: side.min((whole.width as usize).saturating_sub(x)),
        height: side.min((whole.height as usize).saturating_sub(y)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame_header::{ChromaSubsampling, FrameFlags, FrameType, Passes};

    fn geometry(width: u32, height: u32, change: impl FnOnce(&mut FrameHeader)) -> FrameGeometry {
        let mut header = FrameHeader { size: Size { width, height }, ..FrameHeader::default() };
        change(&mut header);
        FrameGeometry::new(&header, &Limits::default()).unwrap()
    }

    #[test]
    fn a_pixel_is_a_block_a_group_and_an_lf_group() {
        let one = Size { width: 1, height: 1 };
        let geometry = geometry(1, 1, |_| {});
        assert_eq!((geometry.blocks, geometry.groups, geometry.lf_groups), (one, one, one));
        assert_eq!(geometry.padded, Size { width: 8, height: 8 });
        assert_eq!(geometry.num_sections(), 1);
        assert_eq!(geometry.section_index(Section::HfGlobal), 0);
    }

    #[test]
    fn a_modular_frame_of_two_passes() {
        let geometry = geometry(512, 8240, |header| {
            header.encoding = Encoding::Modular;
            header.group_size_shift = 0;
            header.passes = Passes::new(&[0], &[]);
        });
        assert_eq!((geometry.num_groups(), geometry.num_lf_groups()), (260, 9));
        assert_eq!(geometry.num_sections(), 531);
        assert_eq!(geometry.padded, geometry.coded);
    }

    #[test]
    fn a_subsampled_frame() {
        let geometry = geometry(2333, 2333, |h| h.subsampling = ChromaSubsampling::new([0, 1, 0]));
        assert_eq!(geometry.blocks, Size { width: 292, height: 292 });
        assert_eq!((geometry.num_groups(), geometry.num_lf_groups()), (100, 4));
        assert_eq!(geometry.num_sections(), 106);
        assert_eq!(geometry.channel_blocks(0), Size { width: 146, height: 146 });
        assert_eq!(geometry.channel_blocks(1), geometry.blocks);
        assert_eq!(geometry.channel_size(2), Size { width: 1167, height: 1167 });
    }

    #[test]
    fn padding_can_be_a_block_more_than_the_pixels() {
        // One pixel into the second group: with units of 16 pixels it is two blocks wide.
        let geometry = geometry(257, 256, |h| h.subsampling = ChromaSubsampling::new([0, 2, 0]));
        assert_eq!(geometry.blocks, Size { width: 34, height: 32 });
        assert_eq!(geometry.group_rect(1), Rect { x: 256, y: 0, width: 1, height: 256 });
        assert_eq!(geometry.group_blocks(1), Rect { x: 32, y: 0, width: 2, height: 32 });
    }

    #[test]
    fn upsampled_and_lf_frames_are_smaller() {
        let geometry_of = |level, upsampling| {
            geometry(1000, 17, |header| {
                if level > 0 {
                    (header.frame_type, header.lf_level) = (FrameType::Lf, level);
                }
                header.upsampling = upsampling;
                header.flags = FrameFlags::default();
            })
        };
        assert_eq!(geometry_of(0, 8).coded, Size { width: 125, height: 3 });
        assert_eq!(geometry_of(1, 1).coded, Size { width: 125, height: 3 });
        assert_eq!(geometry_of(1, 4).coded, Size { width: 32, height: 1 });
        assert_eq!(geometry_of(1, 4).upsampled, Size { width: 125, height: 3 });
        assert_eq!(geometry_of(4, 1).coded, Size { width: 1, height: 1 });
    }

    #[test]
    fn one_group_of_several_passes_has_all_sections() {
        let geometry = geometry(10, 10, |header| header.passes = Passes::new(&[0, 0], &[]));
        assert_eq!(geometry.num_sections(), 6);
        assert!(!geometry.is_single_section());
    }

    #[test]
    fn rectangles_tile_the_frame_and_sections_have_their_numbers() {
        for (width, height, modes, shift) in [
            (700, 3000, [0, 1, 0], 1),
            (1, 2049, [0; 3], 0),
            (2050, 2048, [0, 3, 0], 2),
            (300, 9000, [1; 3], 1),
        ] {
            let geometry = geometry(width, height, |header| {
                header.subsampling = ChromaSubsampling::new(modes);
                header.group_size_shift = shift;
                header.passes = Passes::new(&[0, 0], &[]);
            });
            let area = |rect: Rect| (rect.width * rect.height) as u64;
            let groups = 0..geometry.num_groups();
            let lf_groups = 0..geometry.num_lf_groups();
            assert_eq!(
                groups.clone().map(|g| area(geometry.group_rect(g))).sum::<u64>(),
                geometry.coded.pixels()
            );
            assert_eq!(
                groups.clone().map(|g| area(geometry.group_blocks(g))).sum::<u64>(),
                geometry.blocks.pixels()
            );
            assert_eq!(
                lf_groups.clone().map(|l| area(geometry.lf_group_rect(l))).sum::<u64>(),
                geometry.coded.pixels()
            );
            assert_eq!(
                lf_groups.map(|l| area(geometry.lf_group_blocks(l))).sum::<u64>(),
                geometry.blocks.pixels()
            );
            for group in groups {
                let (inner, outer) =
                    (geometry.group_blocks(group), geometry.lf_group_blocks(geometry.lf_group_of(group)));
                assert_eq!(inner.intersect(outer), inner);
            }
            for index in 0..geometry.num_sections() {
                assert_eq!(geometry.section_index(geometry.section(index).unwrap()), index);
            }
            assert_eq!(geometry.section(geometry.num_sections()), None);
            assert_eq!(geometry.section(1), Some(Section::LfGroup(0)));
        }
    }

    #[test]
    fn too_many_sections_are_refused() {
        let size = Size { width: 1 << 30, height: 1 << 30 };
        let header =
            FrameHeader { size, encoding: Encoding::Modular, group_size_shift: 0, ..FrameHeader::default() };
        let sections = (1 << 46) + (1 << 40) + 2;
        let error = |bound| Err(Error::Limit { limit: Limit::TocEntries, value: sections, bound });
        assert_eq!(FrameGeometry::new(&header, &Limits::default()), error(65536));
        assert_eq!(FrameGeometry::new(&header, &Limits::none()), error(1 << 31));
    }
}
