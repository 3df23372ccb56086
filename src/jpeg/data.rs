//! The bundle at the beginning of a `jbrd` box: everything of a JPEG but its coefficients, its tables' values and the bytes of
//! its metadata.

use core::ops::Range;

use jxlake_entropy::BitReader;
use jxlake_frame::fields::{Distribution, Fields, c, u};

use super::error::{Error, Fault, Result};
use super::huffman::HuffmanTable;

/// Most markers of a JPEG.
const MAX_MARKERS: usize = 16384;
/// Block numbers are below this.
const MAX_BLOCKS: u64 = 3 << 26;
/// Most zero runs at the end of a block beyond those that its coefficients need.
const MAX_ZERO_RUNS: u32 = 4;

/// Markers, by the byte after `FF`.
pub(super) mod marker {
    pub(crate) const SOF0: u8 = 0xc0;
    pub(crate) const SOF2: u8 = 0xc2;
    pub(crate) const DHT: u8 = 0xc4;
    pub(crate) const SOF9: u8 = 0xc9;
    pub(crate) const SOF10: u8 = 0xca;
    pub(crate) const RST0: u8 = 0xd0;
    pub(crate) const RST7: u8 = 0xd7;
    pub(crate) const SOI: u8 = 0xd8;
    pub(crate) const EOI: u8 = 0xd9;
    pub(crate) const SOS: u8 = 0xda;
    pub(crate) const DQT: u8 = 0xdb;
    pub(crate) const DRI: u8 = 0xdd;
    pub(crate) const APP0: u8 = 0xe0;
    pub(crate) const APP15: u8 = 0xef;
    pub(crate) const COM: u8 = 0xfe;
    /// Not a marker: bytes between two segments.
    pub(crate) const GAP: u8 = 0xff;
}

/// The bundle. One value is kept and read into again; its lists keep their storage.
#[derive(Debug, Default)]
pub(super) struct ReconstructionData {
    /// In the order of the file, from after SOI to EOI.
    pub(super) markers: Vec<u8>,
    pub(super) apps: Vec<App>,
    /// Lengths of COM segments, marker byte included.
    pub(super) comments: Vec<u32>,
    pub(super) quant_tables: Vec<QuantTable>,
    pub(super) components: Vec<Component>,
    pub(super) huffman_tables: Vec<HuffmanTable>,
    pub(super) scans: Vec<Scan>,
    /// Of all scans: numbers of blocks before which an end-of-band run ends.
    pub(super) resets: Vec<u32>,
    /// Of all scans.
    pub(super) zero_runs: Vec<ZeroRuns>,
    pub(super) restart_interval: u16,
    /// Lengths of the bytes between segments.
    pub(super) gaps: Vec<u16>,
    /// Length of what follows EOI.
    pub(super) tail: u32,
    /// Where the padding bits begin in the data, and how many there are; `None` if all padding is ones.
    pub(super) padding: Option<Padding>,
}

/// An APP segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct App {
    pub(super) content: AppContent,
    /// Marker byte included.
    pub(super) length: u32,
}

/// Where the bytes of an APP segment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AppContent {
    /// In the compressed part.
    Opaque,
    /// A part of the ICC profile.
    Icc,
    /// In the `Exif` box.
    Exif,
    /// In the `xml ` box.
    Xmp,
}

/// A quantisation table, whose values are in the frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct QuantTable {
    /// Whether its entries are written in 16 bits.
    pub(super) is_wide: bool,
    /// The number it is written with.
    pub(super) index: u8,
    /// Whether it is the last one of its segment.
    pub(super) is_last: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Position in the list of quantisation tables.
    pub(super) quant_table: u8,
}

#[derive(Debug, Clone)]
pub(super) struct Scan {
    /// First and last coefficient, as written.
    pub(super) spectrum: (u8, u8),
    /// Bits that later scans refine.
    pub(super) al: u8,
    /// [`al`](Self::al) of the scan that this one refines, or 0.
    pub(super) ah: u8,
    components: [ScanComponent; 3],
    num_components: u8,
    /// Its part of the list of resets.
    pub(super) resets: Range<usize>,
    /// Its part of the list of zero runs.
    pub(super) zero_runs: Range<usize>,
}

impl Scan {
    pub(super) fn components(&self) -> &[ScanComponent] {
        &self.components[..usize::from(self.num_components)]
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ScanComponent {
    /// Position in the list of components.
    pub(super) component: u8,
    pub(super) ac_table: u8,
    pub(super) dc_table: u8,
}

/// Zero runs at the end of a block beyond those that its coefficients need.
#[derive(Debug, Clone, Copy)]
pub(super) struct ZeroRuns {
    pub(super) block: u32,
    pub(super) count: u8,
}

/// Padding bits that are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Padding {
    /// Bits from the beginning of the data.
    pub(super) start: u64,
    pub(super) count: u32,
}

/// Reads fields of data that are all there.
struct Reader<'a>(BitReader<'a>);

impl Reader<'_> {
    fn u(&mut self, n: u32) -> Result<u32> {
        self.0.u(n).map_err(|_| Fault::End.at(self.0.end()))
    }

    fn bool(&mut self) -> Result<bool> {
        Ok(self.u(1)? != 0)
    }

    fn u32(&mut self, choices: [Distribution; 4]) -> Result<u32> {
        self.0.u32(choices).map_err(|_| Fault::End.at(self.0.end()))
    }

    /// A field that has at most the value `bound`.
    fn bounded(&mut self, field: &'static str, bound: u32, choices: [Distribution; 4]) -> Result<u32> {
        let place = self.0.position();
        let value = self.u32(choices)?;
        if value > bound { Err(Fault::Value { field, value: value.into() }.at(place)) } else { Ok(value) }
    }

    /// The length of a segment: marker byte, two bytes of length, payload.
    fn segment_length(&mut self) -> Result<u32> {
        let place = self.0.position();
        let length = 1 + self.u(16)?;
        if length < 3 {
            Err(Fault::Value { field: "length", value: length.into() }.at(place))
        } else {
            Ok(length)
        }
    }

    /// A number in an ascending list: the one before is `previous`.
    fn ascending(&mut self, previous: Option<u32>) -> Result<u32> {
        let place = self.0.position();
        let step = self.u32([c(0), 1 + u(3), 9 + u(5), 41 + u(28)])?;
        let value = previous.map_or(0, |previous| u64::from(previous) + 1) + u64::from(step);
        match u32::try_from(value) {
            Ok(value) if u64::from(value) < MAX_BLOCKS => Ok(value),
            _ => Err(Fault::Value { field: "block", value }.at(place)),
        }
    }
}

/// How many entries a list of a scan has.
fn list_length() -> [Distribution; 4] {
    [c(0), 1 + u(2), 4 + u(4), 20 + u(16)]
}

impl ReconstructionData {
    /// Reads the bundle from the content of a `jbrd` box in place of the one before, and returns where the compressed part
    /// begins. What it says is checked as far as it can be by itself.
    pub(super) fn read(&mut self, data: &[u8]) -> Result<usize> {
        let mut bits = Reader(BitReader::new(data));
        let _is_gray = bits.bool()?;
        self.read_markers(&mut bits)?;
        self.read_segments(&mut bits)?;
        self.read_quant_tables(&mut bits)?;
        self.read_components(&mut bits)?;
        self.huffman_tables.clear();
        for number in 0..bits.u32([c(4), 2 + u(3), 10 + u(4), 26 + u(6)])? as usize {
            self.huffman_tables.push(read_huffman_table(&mut bits, number)?);
        }
        self.read_scans(&mut bits)?;
        self.restart_interval = 0;
        if self.markers.contains(&marker::DRI) {
            self.restart_interval = bits.u(16)? as u16;
        }
        self.read_scan_lists(&mut bits)?;
        self.gaps.clear();
        for _ in self.markers.iter().filter(|&&marker| marker == marker::GAP) {
            self.gaps.push(bits.u(16)? as u16);
        }
        self.tail = bits.u32([c(0), 1 + u(8), 257 + u(16), 65793 + u(22)])?;
        self.padding = None;
        if bits.bool()? {
            let count = bits.u(24)?;
            self.padding = Some(Padding { start: bits.0.position(), count });
            bits.0.skip(count.into()).map_err(|_| Fault::End.at(bits.0.end()))?;
        }
        let place = bits.0.position();
        bits.0.align().map_err(|_| Fault::Value { field: "padding", value: 1 }.at(place))?;
        super::structure::check(self)?;
        Ok((bits.0.position() / 8) as usize)
    }

    fn read_markers(&mut self, bits: &mut Reader<'_>) -> Result<()> {
        self.markers.clear();
        loop {
            let place = bits.0.position();
            let marker = 0xc0 + bits.u(6)? as u8;
            if self.markers.len() == MAX_MARKERS {
                let value = MAX_MARKERS as u64 + 1;
                return Err(Fault::Value { field: "number of markers", value }.at(place));
            }
            self.markers.push(marker);
            match marker {
                marker::EOI => return Ok(()),
                marker::SOF9 | marker::SOF10 => return Err(Error::Process(marker)),
                marker::SOF0..=marker::SOF2
                | marker::DHT
                | marker::RST0..=marker::RST7
                | marker::SOS..=marker::DQT
                | marker::DRI
                | marker::APP0..=marker::APP15
                | marker::COM..=marker::GAP => {}
                _ => return Err(Fault::Value { field: "marker", value: marker.into() }.at(place)),
            }
        }
    }

    fn read_segments(&mut self, bits: &mut Reader<'_>) -> Result<()> {
        let (markers, apps, comments) = (&self.markers, &mut self.apps, &mut self.comments);
        apps.clear();
        for _ in markers.iter().filter(|marker| (marker::APP0..=marker::APP15).contains(marker)) {
            let place = bits.0.position();
            let content = match bits.u32([c(0), c(1), 2 + u(1), 4 + u(2)])? {
                0 => AppContent::Opaque,
                1 => AppContent::Icc,
                2 => AppContent::Exif,
                3 => AppContent::Xmp,
                value => return Err(Fault::Value { field: "app_type", value: value.into() }.at(place)),
            };
            let again = matches!(content, AppContent::Exif | AppContent::Xmp)
                && apps.iter().any(|app: &App| app.content == content);
            let length = bits.segment_length()?;
            if again || length < content.header_length() {
                return Err(Fault::Value { field: "app_len", value: length.into() }.at(place));
            }
            apps.push(App { content, length });
        }
        comments.clear();
        for _ in markers.iter().filter(|&&marker| marker == marker::COM) {
            comments.push(bits.segment_length()?);
        }
        Ok(())
    }

    fn read_quant_tables(&mut self, bits: &mut Reader<'_>) -> Result<()> {
        self.quant_tables.clear();
        for _ in 0..bits.bounded("num_quant", 3, [c(1), c(2), c(3), c(4)])? {
            let is_wide = bits.bool()?;
            let index = bits.u(2)? as u8;
            self.quant_tables.push(QuantTable { is_wide, index, is_last: bits.bool()? });
        }
        Ok(())
    }

    fn read_components(&mut self, bits: &mut Reader<'_>) -> Result<()> {
        self.components.clear();
        let ids: &[u8] = match bits.u(2)? {
            0 => &[1],
            1 => &[1, 2, 3],
            2 => b"RGB",
            _ => {
                let place = bits.0.position();
                let count = bits.u32([c(1), c(2), c(3), c(4)])?;
                if count % 2 == 0 {
                    return Err(Fault::Value { field: "num_components", value: count.into() }.at(place));
                }
                for _ in 0..count {
                    self.components.push(Component { id: bits.u(8)? as u8, quant_table: 0 });
                }
                &[]
            }
        };
        self.components.extend(ids.iter().map(|id| Component { id: *id, quant_table: 0 }));
        for component in &mut self.components {
            let place = bits.0.position();
            let table = bits.u(2)?;
            if table as usize >= self.quant_tables.len() {
                return Err(Fault::Value { field: "quant_idx", value: table.into() }.at(place));
            }
            component.quant_table = table as u8;
        }
        Ok(())
    }

    fn read_scans(&mut self, bits: &mut Reader<'_>) -> Result<()> {
        self.scans.clear();
        for _ in self.markers.iter().filter(|&&marker| marker == marker::SOS) {
            let place = bits.0.position();
            let num_components =
                bits.bounded("num_components", self.components.len() as u32, [c(1), c(2), c(3), c(4)])?;
            let spectrum = (bits.u(6)? as u8, bits.u(6)? as u8);
            let (al, ah) = (bits.u(4)? as u8, bits.u(4)? as u8);
            let mut components = [ScanComponent::default(); 3];
            for number in 0..num_components as usize {
                let component = bits.u(2)?;
                let again =
                    components[..number].iter().any(|before| u32::from(before.component) == component);
                if again || component as usize >= self.components.len() {
                    return Err(Fault::Value { field: "comp_idx", value: component.into() }.at(place));
                }
                let (component, ac_table) = (component as u8, bits.u(2)? as u8);
                components[number] = ScanComponent { component, ac_table, dc_table: bits.u(2)? as u8 };
            }
            let _last_needed_pass = bits.u32([c(0), c(1), c(2), 3 + u(3)])?;
            let num_components = num_components as u8;
            self.scans.push(Scan {
                spectrum,
                al,
                ah,
                components,
                num_components,
                resets: 0..0,
                zero_runs: 0..0,
            });
        }
        Ok(())
    }

    fn read_scan_lists(&mut self, bits: &mut Reader<'_>) -> Result<()> {
        let Self { scans, resets, zero_runs, .. } = self;
        resets.clear();
        zero_runs.clear();
        for scan in scans {
            let (first_reset, first_run) = (resets.len(), zero_runs.len());
            let mut previous = None;
            for _ in 0..bits.u32(list_length())? {
                let block = bits.ascending(previous)?;
                previous = Some(block);
                resets.push(block);
            }
            let mut previous = None;
            for _ in 0..bits.u32(list_length())? {
                let count =
                    bits.bounded("ezr_count", MAX_ZERO_RUNS, [c(1), 2 + u(2), 5 + u(4), 20 + u(8)])?;
                let block = bits.ascending(previous)?;
                previous = Some(block);
                zero_runs.push(ZeroRuns { block, count: count as u8 });
            }
            scan.resets = first_reset..resets.len();
            scan.zero_runs = first_run..zero_runs.len();
        }
        Ok(())
    }
}

fn read_huffman_table(bits: &mut Reader<'_>, number: usize) -> Result<HuffmanTable> {
    let place = bits.0.position();
    let (is_ac, id, is_last) = (bits.bool()?, bits.u(2)? as u8, bits.bool()?);
    let mut counts = [0; 17];
    for count in &mut counts {
        *count = bits.u32([c(0), c(1), 2 + u(3), u(8)])? as u16;
    }
    let length = counts.iter().map(|count| usize::from(*count)).sum();
    let mut values = [0; HuffmanTable::MAX_VALUES];
    let values = values.get_mut(..length).ok_or_else(|| Fault::Code(number).at(place))?;
    for value in values.iter_mut() {
        *value = bits.u32([u(2), 4 + u(2), 8 + u(4), 1 + u(8)])? as u16;
    }
    HuffmanTable::new((is_ac, id, is_last), counts, values).ok_or_else(|| Fault::Code(number).at(place))
}

impl AppContent {
    /// Bytes of a segment before what is stored elsewhere: marker, length, name.
    pub(super) fn header_length(self) -> u32 {
        match self {
            Self::Opaque => 3,
            Self::Icc => 17,
            Self::Exif => 9,
            Self::Xmp => 32,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The data of a JPEG of 3 x 3 pixels, header and compressed part.
    pub(crate) const DATA: [u8; 78] = [
        0xc0, 0x6d, 0x03, 0x08, 0x82, 0x20, 0xb4, 0x0c, 0x08, 0x80, 0x50, 0xa3, 0x40, 0x12, 0x00, 0x00, 0x00,
        0x00, 0xf9, 0x7f, 0x82, 0x10, 0x26, 0x01, 0x00, 0x00, 0x84, 0xc0, 0x51, 0x69, 0xba, 0xff, 0x2b, 0x09,
        0x00, 0x00, 0x00, 0x20, 0xfe, 0x7f, 0x29, 0x84, 0x02, 0x00, 0x00, 0x08, 0x81, 0xc3, 0x1c, 0xec, 0x7f,
        0x81, 0x1f, 0x00, 0xa8, 0x2c, 0x00, 0x0b, 0x08, 0x80, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00,
        0x01, 0x01, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x03,
    ];

    #[test]
    fn the_header_of_the_reference_is_read() {
        let mut data = ReconstructionData::default();
        for _ in 0..2 {
            assert_eq!(data.read(&DATA), Ok(57));
            assert_eq!(data.markers, [0xe0, 0xdb, 0xdb, 0xc0, 0xc4, 0xc4, 0xc4, 0xc4, 0xda, 0xd9]);
            let apps: Vec<_> = data.apps.iter().map(|app| (app.content, app.length)).collect();
            assert_eq!((apps.as_slice(), data.opaque_length()), (&[(AppContent::Opaque, 17)][..], 17));
            let tables: Vec<_> = data.quant_tables.iter().map(|t| (t.is_wide, t.index, t.is_last)).collect();
            assert_eq!(tables, [(false, 0, true), (false, 1, true)]);
            let components: Vec<_> = data.components.iter().map(|c| (c.id, c.quant_table)).collect();
            assert_eq!(components, [(1, 0), (2, 1), (3, 1)]);
            let values: Vec<_> = data.huffman_tables.iter().map(|t| (t.is_ac, t.id, t.values())).collect();
            assert_eq!(values[0], (false, 0, &[0, 6][..]));
            assert_eq!(values[1], (true, 0, &[1, 2, 0, 3, 4, 5, 6, 17, 19][..]));
            assert_eq!(values[2], (false, 1, &[1, 3][..]));
            assert_eq!(values[3], (true, 1, &[1, 2, 0, 3, 4, 17, 97][..]));
            assert_eq!((data.scans.len(), data.scans[0].spectrum), (1, (0, 63)));
            let scan: Vec<_> =
                data.scans[0].components().iter().map(|c| (c.component, c.ac_table, c.dc_table)).collect();
            assert_eq!(scan, [(0, 0, 0), (1, 1, 1), (2, 1, 1)]);
            assert!(data.resets.is_empty() && data.zero_runs.is_empty() && data.padding.is_none());
        }
    }

    /// Cut headers, and headers with any bit flipped, are read or give an error.
    #[test]
    fn damaged_headers_do_no_harm() {
        let mut data = ReconstructionData::default();
        for length in 0..57 {
            assert!(matches!(data.read(&DATA[..length]), Err(Error::Invalid { .. })), "{length}");
        }
        for bit in 0..8 * 57 {
            let mut flipped = DATA;
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(compressed) = data.read(&flipped) {
                assert!(compressed <= DATA.len());
            }
        }
    }
}
