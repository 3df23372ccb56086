//! The table of contents of a frame: where its sections lie.

use core::fmt;
use core::ops::Range;

use jxlake_entropy::{BitReader, BundleLimits, Codes, Lz77, Lz77Window, SymbolReader};

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
