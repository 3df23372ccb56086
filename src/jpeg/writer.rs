//! The JPEG, marker after marker.

use fearless_simd::Level;
use jxlake_entropy::BitReader;
use jxlake_frame::vardct::JpegCoefficients;

use super::data::{App, AppContent, Padding, ReconstructionData, Scan, marker};
use super::error::{Fault, Mismatch, Result};
use super::huffman::CodeTable;
use super::output::{Output, PaddingBits};
use super::scan::{ScanJob, ScanPlane};

/// What segments are made of.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    /// The content of the `jbrd` box.
    pub(super) data: &'a [u8],
    /// Its compressed part, unpacked.
    pub(super) opaque: &'a [u8],
    pub(super) icc: &'a [u8],
    /// Without the offset before them.
    pub(super) exif: &'a [u8],
    pub(super) xmp: &'a [u8],
}

/// Memory for writing.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    dc: [CodeTable; 4],
    ac: [CodeTable; 4],
    pending: Vec<u64>,
}

/// What the JPEG is made of.
pub(super) struct Writer<'a> {
    pub(super) data: &'a ReconstructionData,
    pub(super) sources: Sources<'a>,
    pub(super) coefficients: &'a JpegCoefficients,
    pub(super) level: Level,
}

/// How far the lists of the data are used up.
struct Progress<'a> {
    quant_tables: usize,
    huffman_tables: usize,
    scans: usize,
    apps: core::slice::Iter<'a, App>,
    comments: core::slice::Iter<'a, u32>,
    gaps: core::slice::Iter<'a, u16>,
    opaque: Segments<'a>,
    icc: Chunks<'a>,
    is_progressive: bool,
    /// 0 until it is defined.
    restart_interval: u16,
    padding: PaddingBits<'a>,
}

/// The parts of the unpacked bytes: APP segments, then COM segments, then gaps, then the tail.
struct Segments<'a> {
    apps: &'a [u8],
    comments: &'a [u8],
    gaps: &'a [u8],
    tail: &'a [u8],
}

/// The parts of an ICC profile.
struct Chunks<'a> {
    rest: &'a [u8],
    number: u8,
    count: u8,
}

/// Takes the first `length` bytes. They are there: all lengths were added up.
fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length).ok_or(Fault::Compressed)?;
    *rest = left;
    Ok(taken)
}

/// A segment, marker byte first, whose length field must say what was announced.
fn take_segment<'a>(rest: &mut &'a [u8], marker: u8, length: u32) -> Result<&'a [u8]> {
    let segment = take(rest, length as usize)?;
    match *segment {
        [found, high, low, ..]
            if found == marker && u32::from(u16::from_be_bytes([high, low])) + 1 == length =>
        {
            Ok(segment)
        }
        _ => Err(Fault::Segment(marker).into()),
    }
}

impl<'a> Writer<'a> {
    /// Writes the whole JPEG.
    pub(super) fn write(&self, output: &mut Output<'_>, workspace: &mut Workspace) -> Result<()> {
        let tables = self.quantisation_tables()?;
        let data = self.data;
        let mut progress = Progress {
            quant_tables: 0,
            huffman_tables: 0,
            scans: 0,
            apps: data.apps.iter(),
            comments: data.comments.iter(),
            gaps: data.gaps.iter(),
            opaque: data.segments(self.sources.opaque)?,
            icc: Chunks {
                rest: self.sources.icc,
                number: 0,
                count: data.apps.iter().filter(|app| app.content == AppContent::Icc).count() as u8,
            },
            is_progressive: false,
            restart_interval: 0,
            padding: match data.padding {
                // That no bit is stored says that all are ones.
                None | Some(Padding { count: 0, .. }) => PaddingBits::Ones,
                Some(Padding { start, count }) => {
                    let mut bits = BitReader::new(self.sources.data);
                    bits.skip(start).map_err(|_| Fault::End)?;
                    PaddingBits::Stored(bits, count)
                }
            },
        };
        output.bytes(&[0xff, marker::SOI])?;
        for &marker in &data.markers {
            match marker {
                marker::SOF0..=marker::SOF2 => {
                    progress.is_progressive = marker == marker::SOF2;
                    self.write_frame_header(marker, output)?;
                }
                marker::DHT => self.write_huffman_tables(&mut progress, workspace, output)?,
                marker::DQT => self.write_quant_tables(&mut progress, &tables, output)?,
                marker::DRI => {
                    progress.restart_interval = data.restart_interval;
                    let [high, low] = data.restart_interval.to_be_bytes();
                    output.bytes(&[0xff, marker, 0, 4, high, low])?;
                }
                marker::SOS => self.write_scan(&mut progress, workspace, output)?,
                marker::APP0..=marker::APP15 => self.write_app(marker, &mut progress, output)?,
                marker::COM => {
                    let length = *progress.comments.next().ok_or(Fault::End)?;
                    output.bytes(&[0xff])?;
                    output.bytes(take_segment(&mut progress.opaque.comments, marker, length)?)?;
                }
                marker::GAP => {
                    let length = *progress.gaps.next().ok_or(Fault::End)?;
                    output.bytes(take(&mut progress.opaque.gaps, length.into())?)?;
                }
                _ => output.bytes(&[0xff, marker])?,
            }
        }
        output.bytes(progress.opaque.tail)?;
        progress.padding.finish()?;
        output.drain()
    }

    /// The frame's channel of each component.
    fn channels(&self) -> &'static [usize] {
        match (self.data.components.len(), self.coefficients.is_ycbcr()) {
            (1, _) => &[1],
            (_, true) => &[1, 0, 2],
            (_, false) => &[0, 1, 2],
        }
    }

    /// The values of the quantisation tables, in zig-zag order. One that no component uses is like the one before.
    fn quantisation_tables(&self) -> Result<[[u32; 64]; 3]> {
        let mut tables = [None; 3];
        for (component, &channel) in self.data.components.iter().zip(self.channels()) {
            let values = self.coefficients.channels()[channel].quantisation();
            let table = &mut tables[usize::from(component.quant_table).min(2)];
            if *table.get_or_insert(*values) != *values {
                return Err(Mismatch::Quantisation.into());
            }
        }
        let mut values = tables[0].ok_or(Mismatch::Quantisation)?;
        let mut filled = [values; 3];
        for (number, (filled, table)) in filled.iter_mut().zip(tables).enumerate() {
            values = table.unwrap_or(values);
            let narrow = self.data.quant_tables.get(number).is_some_and(|table| !table.is_wide);
            if narrow && values.iter().any(|value| *value > 255) {
                return Err(Mismatch::Quantisation.into());
            }
            *filled = values;
        }
        Ok(filled)
    }

    fn write_frame_header(&self, marker: u8, output: &mut Output<'_>) -> Result<()> {
        let size = self.coefficients.size();
        let components = &self.data.components;
        // Both sides were checked to have 16 bits.
        let [height, width] = [size.height, size.width].map(|side| (side as u16).to_be_bytes());
        output.bytes(&[0xff, marker, 0, 8 + 3 * components.len() as u8, 8])?;
        output.bytes(&[height[0], height[1], width[0], width[1], components.len() as u8])?;
        for (component, &channel) in components.iter().zip(self.channels()) {
            let (across, down) = self.coefficients.channels()[channel].sampling();
            let table = self.data.quant_tables.get(usize::from(component.quant_table)).ok_or(Fault::End)?;
            output.bytes(&[component.id, across << 4 | down, table.index])?;
        }
        Ok(())
    }

    fn write_quant_tables(
        &self,
        progress: &mut Progress<'_>,
        values: &[[u32; 64]; 3],
        output: &mut Output<'_>,
    ) -> Result<()> {
        let first = progress.quant_tables;
        let rest = self.data.quant_tables.get(first..).unwrap_or_default();
        let count = rest.iter().position(|table| table.is_last).ok_or(Fault::NoTable(marker::DQT))? + 1;
        progress.quant_tables += count;
        let length: u16 = rest[..count].iter().map(|table| 65 + 64 * u16::from(table.is_wide)).sum();
        let [high, low] = (2 + length).to_be_bytes();
        output.bytes(&[0xff, marker::DQT, high, low])?;
        for (table, values) in rest[..count].iter().zip(&values[first..]) {
            output.bytes(&[u8::from(table.is_wide) << 4 | table.index])?;
            for value in values {
                let bytes = (*value as u16).to_be_bytes();
                output.bytes(if table.is_wide { &bytes } else { &bytes[1..] })?;
            }
        }
        Ok(())
    }

    fn write_huffman_tables(
        &self,
        progress: &mut Progress<'_>,
        workspace: &mut Workspace,
        output: &mut Output<'_>,
    ) -> Result<()> {
        let rest = self.data.huffman_tables.get(progress.huffman_tables..).unwrap_or_default();
        let ends = |table: &super::huffman::HuffmanTable| table.is_last || table.is_empty;
        let count = rest.iter().position(ends).ok_or(Fault::NoTable(marker::DHT))? + 1;
        progress.huffman_tables += count;
        let tables = || rest[..count].iter().filter(|table| !table.is_empty);
        let length: usize = tables().map(|table| 17 + table.values().len()).sum();
        let length = u16::try_from(2 + length).map_err(|_| Fault::NoTable(marker::DHT))?;
        let [high, low] = length.to_be_bytes();
        output.bytes(&[0xff, marker::DHT, high, low])?;
        for table in tables() {
            output.bytes(&[u8::from(table.is_ac) << 4 | table.id])?;
            output.bytes(&table.counts)?;
            output.bytes(table.values())?;
            let codes = if table.is_ac { &mut workspace.ac } else { &mut workspace.dc };
            codes[usize::from(table.id & 3)].set(table);
        }
        Ok(())
    }

    fn write_app(&self, marker: u8, progress: &mut Progress<'_>, output: &mut Output<'_>) -> Result<()> {
        let App { content, length } = *progress.apps.next().ok_or(Fault::End)?;
        output.bytes(&[0xff])?;
        if content == AppContent::Opaque {
            return output.bytes(take_segment(&mut progress.opaque.apps, marker, length)?);
        }
        let [_, _, high, low] = (length - 1).to_be_bytes();
        let (marker, name): (_, &[u8]) = match content {
            AppContent::Icc => (marker::APP0 + 2, b"ICC_PROFILE\0"),
            AppContent::Exif => (marker::APP0 + 1, b"Exif\0\0"),
            _ => (marker::APP0 + 1, b"http://ns.adobe.com/xap/1.0/\0"),
        };
        output.bytes(&[marker, high, low])?;
        output.bytes(name)?;
        match content {
            AppContent::Icc => {
                let chunks = &mut progress.icc;
                chunks.number = chunks.number.wrapping_add(1);
                output.bytes(&[chunks.number, chunks.count])?;
                output.bytes(take(&mut chunks.rest, (length - content.header_length()) as usize)?)
            }
            AppContent::Exif => output.bytes(self.sources.exif),
            _ => output.bytes(self.sources.xmp),
        }
    }

    fn write_scan(
        &self,
        progress: &mut Progress<'_>,
        workspace: &mut Workspace,
        output: &mut Output<'_>,
    ) -> Result<()> {
        let number = progress.scans;
        progress.scans += 1;
        let scan = self.data.scans.get(number).ok_or(Fault::End)?;
        let ((first, last), ah, al) = (scan.spectrum, scan.ah, scan.al);
        let count = scan.components().len() as u8;
        output.bytes(&[0xff, marker::SOS, 0, 6 + 2 * count, count])?;
        for component in scan.components() {
            let id = self.data.components.get(usize::from(component.component)).ok_or(Fault::End)?.id;
            output.bytes(&[id, component.dc_table << 4 | component.ac_table])?;
        }
        output.bytes(&[first, last, ah << 4 | al])?;
        let Workspace { dc, ac, pending } = workspace;
        let (planes, units) = self.planes(scan, dc, ac)?;
        let (spectrum, ah, al) = scan.coded(progress.is_progressive);
        let job = ScanJob {
            number,
            planes: &planes[..count.into()],
            units,
            spectrum,
            ah,
            al,
            is_progressive: progress.is_progressive,
            restart_interval: progress.restart_interval,
            resets: self.data.resets.get(scan.resets.clone()).unwrap_or_default(),
            zero_runs: self.data.zero_runs.get(scan.zero_runs.clone()).unwrap_or_default(),
        };
        job.write(output, &mut progress.padding, pending, self.level)
    }

    /// The components of a scan, and columns and rows of its units. A scan of one component leaves out the blocks that only
    /// fill units of several.
    fn planes<'t>(
        &'t self,
        scan: &Scan,
        dc: &'t [CodeTable; 4],
        ac: &'t [CodeTable; 4],
    ) -> Result<([ScanPlane<'t>; 3], (usize, usize))> {
        let channels = self.channels();
        let sampling = |component: usize| {
            let (across, down) = self.coefficients.channels()[channels[component]].sampling();
            (usize::from(across), usize::from(down))
        };
        let all = || (0..channels.len()).map(sampling);
        let across = all().map(|(across, _)| across).max().unwrap_or(1);
        let down = all().map(|(_, down)| down).max().unwrap_or(1);
        let size = self.coefficients.size();
        let (width, height) = (size.width as usize, size.height as usize);
        let plane = |number: usize| {
            let component = scan.components().get(number).or(scan.components().first()).ok_or(Fault::End)?;
            let place = usize::from(component.component);
            let channel = channels.get(place).ok_or(Fault::End)?;
            Ok::<_, super::Error>(ScanPlane {
                blocks: self.coefficients.channels()[*channel].blocks().ok_or(Fault::End)?,
                sampling: sampling(place),
                dc: &dc[usize::from(component.dc_table & 3)],
                ac: &ac[usize::from(component.ac_table & 3)],
            })
        };
        let planes = [plane(0)?, plane(1)?, plane(2)?];
        let units = match scan.components() {
            [_] => {
                let (h, v) = planes[0].sampling;
                ((width * h).div_ceil(8 * across), (height * v).div_ceil(8 * down))
            }
            _ => (width.div_ceil(8 * across), height.div_ceil(8 * down)),
        };
        Ok((planes, units))
    }
}

impl ReconstructionData {
    /// How many bytes are in the compressed part.
    pub(super) fn opaque_length(&self) -> u64 {
        let [apps, comments, gaps] = self.part_lengths();
        apps + comments + gaps + u64::from(self.tail)
    }

    fn part_lengths(&self) -> [u64; 3] {
        let opaque = self.apps.iter().filter(|app| app.content == AppContent::Opaque);
        [
            opaque.map(|app| u64::from(app.length)).sum(),
            self.comments.iter().map(|length| u64::from(*length)).sum(),
            self.gaps.iter().map(|length| u64::from(*length)).sum(),
        ]
    }

    /// The parts of the unpacked bytes.
    fn segments<'a>(&self, opaque: &'a [u8]) -> Result<Segments<'a>> {
        let [apps, comments, gaps] = self.part_lengths();
        let mut rest = opaque;
        let mut part = |length: u64| take(&mut rest, usize::try_from(length).unwrap_or(usize::MAX));
        let (apps, comments, gaps) = (part(apps)?, part(comments)?, part(gaps)?);
        Ok(Segments { apps, comments, gaps, tail: rest })
    }
}
