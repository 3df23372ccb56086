//! The short way: integers go from the decoder to the output as they are.

use super::banded::BandedSections;
use super::frame::{FrameJob, GroupRows, decode_sections};
use super::output::{Output, Partition, PixelTile, PixelWriter};
use crate::composition::{COLOUR_CHANNELS, ChannelRows};
use crate::error::Result;
use crate::frame_header::Encoding;
use crate::geometry::Section;
use crate::image_header::ExtraChannelKind;
use crate::modular::channel::{Channel, Sample};
use crate::modular::global::{GroupWorkspace, ModularGlobal};
use crate::modular::sub_bitstream::ModularContext;
use jxlake_entropy::BitReader;
use jxlake_util::{Axis, Rect, Scratch, View2};

/// Rows that one task hands to the output.
const BAND: usize = 64;

/// Whether nothing has to be computed between the decoded integers and the output.
pub(super) fn can_show(job: &FrameJob<'_>) -> bool {
    let (image, header) = (job.image, job.header);
    let filter = &header.restoration_filter;
    let integers = || {
        let depths = image.extra_channels.iter().map(|channel| channel.bit_depth);
        depths.chain([image.bit_depth]).all(|depth| !depth.is_float())
    };
    let is_spot = |kind| matches!(kind, ExtraChannelKind::SpotColour { .. });
    let features = header.flags.noise() || header.flags.patches() || header.flags.splines();
    header.encoding == Encoding::Modular
        && !image.xyb_encoded
        && !header.do_ycbcr
        && !filter.gab
        && filter.epf_iters == 0
        && !features
        && job.context.delivery.is_plain()
        && header.upsampling == 1
        && header.extra_upsampling.iter().all(|&factor| factor == 1)
        && job.shown_directly()
        && !header.can_be_referenced()
        && integers()
        && !(job.context.spot_colours && image.extra_channels.iter().any(|channel| is_spot(channel.kind)))
}

/// Decodes the sections of a frame and shows its integers.
pub(super) fn show<S: IntegerSample>(
    job: &FrameJob<'_>,
    global: &mut ModularGlobal<S>,
    groups: &Scratch<GroupWorkspace<S>>,
    modular: &ModularContext<'_>,
    mut bits: BitReader<'_>,
    output: &mut dyn Output,
) -> Result<()> {
    let (geometry, colour) = (job.geometry, job.header.colour_channels);
    let Some(pass) = global.group_local() else {
        if let Some(bands) = &global.bands(geometry) {
            show_bands(&BandedSections { job, bands, groups, modular }, output)?;
        } else {
            decode_sections(job, global, groups, modular, bits)?;
            show_whole(job, global.channels(), output)?;
        }
        global.clear();
        return Ok(());
    };
    let global = &*global;
    let decode = |writer: &dyn PixelWriter, group: usize, bits: &mut BitReader<'_>| {
        let mut workspace = groups.take();
        global.decode_group((pass, group), bits, modular, &mut workspace)?;
        let rect = geometry.group_rect(group);
        let (column, row) = geometry.group_position(group);
        let channels = workspace.channels();
        let view: ViewOf<'_, S> = &|index| Channel::view_of(channels, index);
        show_tile(writer, (row, column), rect, |y| IntegerRow {
            x: rect.x,
            y,
            origin: [rect.x, rect.y],
            width: rect.width,
            colour,
            view,
        })?;
        workspace.clear();
        Ok(())
    };
    let side = Axis::Every(geometry.group_dim);
    output.show(job.displayed(), Partition { columns: side, rows: side }, &mut |writer| {
        if geometry.is_single_section() {
            return decode(writer, 0, &mut bits);
        }
        job.context.threads.run(geometry.num_groups(), |group| {
            decode(writer, group, &mut job.section(Section::PassGroup { pass, group }))?;
            job.context.watch.step()
        })
    })
}

/// Decodes a frame in bands and shows each when it is joined.
fn show_bands<S: IntegerSample>(sections: &BandedSections<'_, S>, output: &mut dyn Output) -> Result<()> {
    let BandedSections { job, bands, .. } = *sections;
    let (geometry, colour) = (job.geometry, job.header.colour_channels);
    let partition = Partition { columns: Axis::Every(geometry.group_dim), rows: Axis::Edges(bands.edges()) };
    output.show(job.displayed(), partition, &mut |writer| {
        sections.decode(bands.behind(), &|band| {
            let (top, bottom) = (bands.edges()[band], bands.edges()[band + 1]);
            job.context.threads.run(geometry.groups.width as usize, |column| {
                let Rect { x, width, .. } = geometry.group_rect(column);
                let joined = bands.joined();
                let origin = [0, joined.first_row()];
                let view: ViewOf<'_, S> = &|index| joined.channel(index);
                let rect = Rect::new(x, top, width, bottom - top);
                show_tile(writer, (band, column), rect, |y| IntegerRow { x, y, origin, width, colour, view })
            })
        })
    })
}

/// Shows the finished channels of a frame.
fn show_whole<S: IntegerSample>(
    job: &FrameJob<'_>,
    channels: &[Channel<S>],
    output: &mut dyn Output,
) -> Result<()> {
    let (size, colour) = (job.geometry.coded, job.header.colour_channels);
    let (width, height) = (size.width as usize, size.height as usize);
    let partition = Partition { columns: Axis::Every(width), rows: Axis::Every(BAND) };
    output.show(job.displayed(), partition, &mut |writer| {
        job.context.threads.run(height.div_ceil(BAND), |band| {
            let top = band * BAND;
            let rect = Rect::new(0, top, width, BAND.min(height - top));
            let view: ViewOf<'_, S> = &|index| Channel::view_of(channels, index);
            let row = |y| IntegerRow { x: 0, y, origin: [0, 0], width, colour, view };
            show_tile(writer, (band, 0), rect, row)
        })
    })
}

fn show_tile<'c, S: IntegerSample>(
    writer: &dyn PixelWriter,
    (row, column): (usize, usize),
    rect: Rect,
    row_at: impl Fn(usize) -> IntegerRow<'c, S>,
) -> Result<()> {
    writer.tile(row, column, rect, &mut |tile| {
        (rect.y..rect.bottom()).try_for_each(|y| S::put(tile, &row_at(y)))
    })
}

/// A type of decoded samples that the output takes.
pub(super) trait IntegerSample: Sample {
    /// Hands a row to the output.
    fn put(tile: &mut dyn PixelTile, row: &dyn ChannelRows<Self>) -> Result<()>;
}

impl IntegerSample for i16 {
    fn put(tile: &mut dyn PixelTile, row: &dyn ChannelRows<Self>) -> Result<()> {
        tile.narrow_row(row)
    }
}

impl IntegerSample for i32 {
    fn put(tile: &mut dyn PixelTile, row: &dyn ChannelRows<Self>) -> Result<()> {
        tile.wide_row(row)
    }
}

/// A row of decoded channels.
struct IntegerRow<'a, S: Sample> {
    x: usize,
    y: usize,
    /// Column and row of the channels' first sample in the frame.
    origin: [usize; 2],
    width: usize,
    /// Number of colour channels, which come first.
    colour: usize,
    view: ViewOf<'a, S>,
}

/// The samples of each channel.
type ViewOf<'a, S> = &'a dyn Fn(usize) -> Option<View2<'a, S>>;

impl<S: Sample> ChannelRows<S> for IntegerRow<'_, S> {
    fn x(&self) -> usize {
        self.x
    }
    fn y(&self) -> usize {
        self.y
    }
    fn width(&self) -> usize {
        self.width
    }
    fn channel(&self, channel: usize) -> &[S] {
        let index = match channel.checked_sub(COLOUR_CHANNELS) {
            Some(extra) => self.colour + extra,
            None if channel < self.colour => channel,
            None => return &[],
        };
        let [column, row] = [self.x - self.origin[0], self.y - self.origin[1]];
        let row = (self.view)(index).filter(|view| row < view.rows()).map(|view| view.row(row));
        row.and_then(|row| row.get(column..column + self.width)).unwrap_or(&[])
    }
}
