//! The table of contents of a frame: where its sections lie.

use core::fmt;
use core::ops::Range;

use jxlake_entropy::{BitReader, BundleLimits, Codes, Lz77, Lz77Window, SymbolReader};
use jxlake_util::Pool;

use crate::error::{Error, Result};
use crate::fields::{Fields, u};
use crate::geometry::{FrameGeometry, Section};
use crate::permutation::{PERMUTATION_CONTEXTS, Permutation};

/// Where the sections of a frame lie, in bytes from the start of the slice that its header was read from.
///
/// One value is kept and read into again for each frame; its lists keep their storage.
#[derive(Default)]
pub struct Toc {
    geometry: Option<FrameGeometry>,
    /// Where each section begins, in the order of the bytes, and where the last one ends.
    offsets: Vec<u64>,
    /// The place among the bytes of each section, and the section at each place; empty if both are the same.
    place_of: Permutation,
    section_at: Vec<u32>,
    codes: Codes,
    window: Lz77Window,
}

impl Toc {
    /// A table that takes memory for large permutations from `pool`. A default one has a pool of its own, without a
    /// budget.
    pub fn new(pool: &Pool) -> Self {
        Self { window: Lz77Window::new(pool), ..Self::default() }
    }

    /// Reads the table, which follows the frame header without padding, and goes to the first byte of the sections.
    ///
    /// # Errors
    ///
    /// Truncated or invalid. That the sections themselves are there is not asked for.
    pub fn read(&mut self, bits: &mut BitReader<'_>, geometry: &FrameGeometry) -> Result<()> {
        self.geometry = None;
        self.offsets.clear();
        self.section_at.clear();
        let sections = geometry.num_sections();
        let permuted = bits.bool()?;
        // Each entry takes 12 bits at least: nothing is allocated for entries that cannot be there.
        let least = 12 * sections as u64;
        if bits.remaining() < least {
            return Err(Error::Truncated { needed: Some((bits.position() + least).div_ceil(8)) });
        }
        if permuted {
            self.read_permutation(bits, sections as u32)?;
        }
        bits.zero_pad()?;
        let mut offset = 0;
        self.offsets.push(0);
        for _ in 0..sections {
            offset += u64::from(bits.u32([u(10), 1024 + u(14), 17408 + u(22), 4_211_712 + u(30)])?);
            self.offsets.push(offset);
        }
        bits.zero_pad()?;
        let begin = bits.position() / 8;
        for offset in &mut self.offsets {
            *offset += begin;
        }
        self.geometry = Some(*geometry);
        Ok(())
    }

    fn read_permutation(&mut self, bits: &mut BitReader<'_>, sections: u32) -> Result<()> {
        self.codes.read(bits, PERMUTATION_CONTEXTS, Lz77::Allowed, &BundleLimits::default())?;
        let mut symbols = SymbolReader::new(&self.codes, bits, 0, u64::from(sections) + 1, &mut self.window)?;
        self.place_of.read(bits, &mut symbols, sections, 0)?;
        symbols.finish(bits)?;
        self.section_at.resize(sections as usize, 0);
        for (section, &place) in (0..).zip(self.place_of.order()) {
            self.section_at[place as usize] = section;
        }
        Ok(())
    }

    /// The number of sections.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether no table has been read.
    pub fn is_empty(&self) -> bool {
        self.geometry.is_none()
    }

    /// The bytes of a section; in a frame of a single section, which holds everything, that one. Empty if there is no
    /// such section.
    pub fn section(&self, section: Section) -> Range<usize> {
        self.geometry.map_or(0..0, |geometry| self.section_by_index(geometry.section_index(section)))
    }

    /// The bytes of the section of a logical number, see [`FrameGeometry::section_index`]. Empty if there is none.
    pub fn section_by_index(&self, index: usize) -> Range<usize> {
        if self.section_at.is_empty() {
            return self.bytes_at(index);
        }
        self.place_of.order().get(index).map_or(0..0, |&place| self.bytes_at(place as usize))
    }

    /// The logical numbers and bytes of all sections in the order of the bytes, which is the order in which an encoder
    /// wants them to arrive.
    pub fn in_byte_order(&self) -> impl ExactSizeIterator<Item = (usize, Range<usize>)> {
        (0..self.len()).map(|place| {
            let index = self.section_at.get(place).map_or(place, |&section| section as usize);
            (index, self.bytes_at(place))
        })
    }

    /// Where the sections begin.
    pub fn begin(&self) -> u64 {
        self.offsets.first().copied().unwrap_or(0)
    }

    /// Where the sections end and the next frame begins, be it beyond the bytes that are there.
    pub fn end(&self) -> u64 {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// The bytes at a place; cut at what an address can be, which is beyond any slice.
    fn bytes_at(&self, place: usize) -> Range<usize> {
        let offset =
            |place| self.offsets.get(place).map(|&offset| usize::try_from(offset).unwrap_or(usize::MAX));
        match (offset(place), offset(place + 1)) {
            (Some(start), Some(end)) => start..end,
            _ => 0..0,
        }
    }
}

impl fmt::Debug for Toc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.in_byte_order()).finish()
    }
}

#[cfg(test)]
mod tests {
    use jxlake_entropy::test_support::{BitWriter, BundleWriter, Kind, Random};

    use super::*;
    use crate::error::Invalid;
    use crate::frame_header::{FrameHeader, Passes};
    use crate::image_header::Size;
    use crate::limits::Limits;
    use crate::permutation::tests::items;

    fn geometry(width: u32, height: u32, passes: usize) -> FrameGeometry {
        let size = Size { width, height };
        let passes = Passes::new(&vec![0; passes - 1], &[]);
        FrameGeometry::new(&FrameHeader { size, passes, ..FrameHeader::default() }, &Limits::default())
            .unwrap()
    }

    fn write_sizes(writer: &mut BitWriter, sizes: &[u32]) {
        writer.align();
        for &size in sizes {
            writer.write_u32(size, [(0, 10), (1024, 14), (17408, 22), (4_211_712, 30)]);
        }
        writer.align();
    }

    /// A table after 3 bits of something else; a permutation is given by the Lehmer codes of its first elements.
    fn written(sizes: &[u32], lehmer: Option<&[u32]>) -> Vec<u8> {
        let mut writer = BitWriter::new();
        writer.write(5, 3).write(lehmer.is_some().into(), 1);
        if let Some(codes) = lehmer {
            let items = items(sizes.len() as u32, codes);
            let bundle = BundleWriter::fitting(PERMUTATION_CONTEXTS, &items, Kind::Ans(8));
            bundle.write(&mut writer);
            bundle.write_stream(&mut writer, &items);
        }
        write_sizes(&mut writer, sizes);
        writer.into_bytes()
    }

    fn read(bytes: &[u8], geometry: &FrameGeometry) -> Result<(Toc, u64)> {
        let (mut toc, mut bits) = (Toc::default(), BitReader::new(bytes));
        bits.u(3)?;
        toc.read(&mut bits, geometry)?;
        Ok((toc, bits.position()))
    }

    #[test]
    fn a_single_section_holds_everything() {
        let bytes = written(&[16], None);
        let (toc, position) = read(&bytes, &geometry(256, 256, 1)).unwrap();
        assert_eq!((position, bytes.len()), (24, 3));
        for section in [Section::LfGlobal, Section::HfGlobal, Section::PassGroup { pass: 0, group: 0 }] {
            assert_eq!(toc.section(section), 3..19);
        }
        assert_eq!((toc.len(), toc.begin(), toc.end()), (1, 3, 19));
    }

    #[test]
    fn sections_follow_each_other() {
        // Two groups, one LF group, two passes, a size of each coding and an empty section.
        let sizes = [1000, 0, 5000, 17408, 4_211_711, u32::MAX / 4, 7];
        let geometry = geometry(300, 100, 2);
        let (toc, position) = read(&written(&sizes, None), &geometry).unwrap();
        let begin = position / 8;
        assert_eq!(toc.begin(), begin);
        assert_eq!(toc.end(), begin + sizes.iter().map(|&size| u64::from(size)).sum::<u64>());
        let begin = begin as usize;
        assert_eq!(toc.section(Section::LfGlobal), begin..begin + 1000);
        assert_eq!(toc.section(Section::LfGroup(0)), begin + 1000..begin + 1000);
        assert_eq!(toc.section(Section::HfGlobal), begin + 1000..begin + 6000);
        assert_eq!(toc.section(Section::PassGroup { pass: 0, group: 1 }).len(), 4_211_711);
        assert_eq!(toc.section(Section::PassGroup { pass: 1, group: 1 }).len(), 7);
        assert_eq!(toc.section(Section::PassGroup { pass: 2, group: 0 }), 0..0);
        assert!(toc.in_byte_order().map(|(index, _)| index).eq(0..7));
    }

    #[test]
    fn permuted_sections_lie_where_the_permutation_says() {
        let geometry = geometry(600, 300, 1);
        let sizes: Vec<u32> = (0..9).map(|i| 10 * i + 1).collect();
        // The order 2 4 0 1 3 5 6 7 8.
        let (toc, _) = read(&written(&sizes, Some(&[2, 3])), &geometry).unwrap();
        let places = [2, 4, 0, 1, 3, 5, 6, 7, 8];
        for (index, place) in places.into_iter().enumerate() {
            let start = toc.begin() as usize + sizes[..place].iter().sum::<u32>() as usize;
            assert_eq!(toc.section_by_index(index), start..start + sizes[place] as usize);
        }
        let order: Vec<usize> = toc.in_byte_order().map(|(index, _)| index).collect();
        assert_eq!(order, [2, 3, 0, 4, 1, 5, 6, 7, 8]);
        let mut end = toc.begin() as usize;
        for (index, bytes) in toc.in_byte_order() {
            assert_eq!((bytes.clone(), bytes.start), (toc.section_by_index(index), end));
            end = bytes.end;
        }
        // A table without permutation forgets the one before.
        let mut reused = toc;
        let bytes = written(&sizes, None);
        let mut bits = BitReader::new(&bytes);
        bits.u(3).unwrap();
        reused.read(&mut bits, &geometry).unwrap();
        assert!(reused.in_byte_order().map(|(index, _)| index).eq(0..9));
    }

    #[test]
    fn padding_must_be_zero() {
        let mut bytes = written(&[16], None);
        bytes[0] |= 0x80;
        assert_eq!(read(&bytes, &geometry(8, 8, 1)).unwrap_err(), Invalid::Padding.at(4));
        let mut bytes = written(&[16], None);
        bytes[2] |= 0x80;
        assert_eq!(read(&bytes, &geometry(8, 8, 1)).unwrap_err(), Invalid::Padding.at(20));
    }

    #[test]
    fn a_cut_table_is_truncated_and_says_what_it_needs() {
        let geometry = geometry(600, 300, 1);
        for lehmer in [None, Some(&[2, 3][..])] {
            let bytes = written(&[1000, 2000, 3, 4, 5, 30000, 7, 8, 9], lehmer);
            for end in 0..bytes.len() {
                let error = read(&bytes[..end], &geometry).unwrap_err();
                let Error::Truncated { needed: Some(needed) } = error else { panic!("{error:?} at {end}") };
                assert!(needed > end as u64 && needed <= bytes.len() as u64, "{needed} at {end}");
            }
        }
        // 65283 sections are not believed on the word of a few bytes.
        let needed = (4 + 12 * 65283u64).div_ceil(8);
        let many = FrameGeometry { groups: Size { width: 256, height: 255 }, ..geometry };
        assert_eq!(read(&[0; 50], &many).unwrap_err(), Error::Truncated { needed: Some(needed) });
    }

    #[test]
    fn random_bytes_are_survived() {
        let mut random = Random::new(1);
        let (mut toc, geometry) = (Toc::default(), geometry(600, 300, 1));
        for _ in 0..5000 {
            let bytes: Vec<u8> = (0..20 + random.below(40)).map(|_| random.of_bits(8) as u8).collect();
            let mut bits = BitReader::new(&bytes);
            if toc.read(&mut bits, &geometry).is_ok() {
                assert_eq!(
                    toc.in_byte_order().map(|(_, bytes)| bytes.len() as u64).sum::<u64>(),
                    toc.end() - toc.begin()
                );
            } else {
                assert!(toc.is_empty());
            }
        }
    }
}
