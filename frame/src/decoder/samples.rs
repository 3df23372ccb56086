//! Decoded modular channels as real samples, row by row.

use super::frame::FrameJob;
use crate::composition::COLOUR_CHANNELS;
use crate::error::{Error, Result};
use crate::frame_header::Encoding;
use crate::image_header::{BitDepth, ExtraChannelInfo};
use crate::modular::channel::{Channel, Sample};
use crate::modular::global_bands::Bands;
use crate::modular::sample_conversion::SampleConversion;
use crate::render::{Extent, GroupInput, RowSource};
use crate::vardct::LfChannelDequantization;
use fearless_simd::{Level, dispatch};
use jxlake_util::View2;

/// The finished channels of a frame.
pub(super) enum DecodedRows<'f, S: Sample> {
    /// All rows.
    Whole(&'f [Channel<S>]),
    /// Those of the last bands.
    Bands(&'f Bands<'f, S>),
}

/// The channels of a modular image as sources of the rendering chain.
pub(super) struct ModularRows<'f, S: Sample> {
    decoded: DecodedRows<'f, S>,
    colour_channels: usize,
    colour: Colour,
    extra: &'f [ExtraChannelInfo],
    image_depth: BitDepth,
    level: Level,
}

/// What the integers of the colour channels stand for.
#[derive(Clone, Copy)]
enum Colour {
    /// Y, X and B - Y, to be multiplied by the LF dequantisation factors of X, Y and B.
    Xyb([f32; 3]),
    /// Samples of the image's depth.
    Samples(SampleConversion),
}

impl<'f, S: Sample> ModularRows<'f, S> {
    /// The modular channels of a frame: colour, if it is coded as Modular, then extra.
    pub(super) fn new(
        job: &FrameJob<'f>,
        decoded: DecodedRows<'f, S>,
        factors: &LfChannelDequantization,
    ) -> Self {
        let image_depth = job.image.bit_depth;
        let colour = match job.image.xyb_encoded {
            true => Colour::Xyb(factors.m_lf),
            false => Colour::Samples(SampleConversion::new(image_depth, image_depth)),
        };
        let extra = &job.image.extra_channels;
        let colour_channels = match job.header.encoding {
            Encoding::Modular => job.header.colour_channels,
            Encoding::VarDct => 0,
        };
        Self { decoded, colour_channels, colour, extra, image_depth, level: job.context.level }
    }

    /// Reads a row of channels that begin with the frame's row `first`; as [`RowSource::read`].
    fn read_from<'s>(
        &self,
        (channels, first): (impl Fn(usize) -> Option<View2<'s, S>>, usize),
        channel: usize,
        [x, y]: [usize; 2],
        out: &mut [f32],
    ) -> Result<()> {
        let width = out.len();
        let row = |index: usize| {
            let y = y.checked_sub(first).ok_or(NO_SAMPLES)?;
            let view = channels(index).filter(|view| y < view.rows());
            view.and_then(|view| view.row(y).get(x..x + width)).ok_or(NO_SAMPLES)
        };
        if let Some(extra) = channel.checked_sub(COLOUR_CHANNELS) {
            let depth = self.extra.get(extra).map_or(self.image_depth, |channel| channel.bit_depth);
            let samples = row(self.colour_channels + extra)?;
            SampleConversion::new(depth, self.image_depth).convert_row(self.level, samples, out);
            return Ok(());
        }
        match self.colour {
            // A grey image has one colour channel, which all three are.
            Colour::Samples(conversion) => {
                let samples = row(channel.min(self.colour_channels.saturating_sub(1)))?;
                conversion.convert_row(self.level, samples, out);
            }
            Colour::Xyb([x_factor, y_factor, b_factor]) => match channel {
                0 => scale(self.level, [row(1)?], x_factor, out),
                1 => scale(self.level, [row(0)?], y_factor, out),
                _ => scale(self.level, [row(0)?, row(2)?], b_factor, out),
            },
        }
        Ok(())
    }
}

const NO_SAMPLES: Error = Error::Misuse("no samples of a channel");

/// The extra channels of a frame, for groups that bring their own.
pub(super) struct ExtraChannels<'f> {
    extra: &'f [ExtraChannelInfo],
    image_depth: BitDepth,
    level: Level,
}

impl<'f> ExtraChannels<'f> {
    pub(super) fn of(job: &FrameJob<'f>) -> Self {
        Self { extra: &job.image.extra_channels, image_depth: job.image.bit_depth, level: job.context.level }
    }

    /// Writes the decoded extra channels of a group to its place in the chain.
    pub(super) fn write<S: Sample>(&self, channels: &[Channel<S>], input: &mut GroupInput<'_>) -> Result<()> {
        for ((index, info), channel) in self.extra.iter().enumerate().zip(channels) {
            let mut to = input.channel(COLOUR_CHANNELS + index, Extent::Exact)?;
            let conversion = SampleConversion::new(info.bit_depth, self.image_depth);
            match channel.view() {
                Some(from) if from.shape() == to.shape() => conversion.convert(self.level, from, to),
                _ if to.shape().is_empty() => {}
                _ => to.fill(0.0),
            }
        }
        Ok(())
    }
}

impl<S: Sample> RowSource for ModularRows<'_, S> {
    fn read(&self, channel: usize, x: usize, y: usize, out: &mut [f32]) -> Result<()> {
        match self.decoded {
            DecodedRows::Whole(channels) => {
                self.read_from((|index| Channel::view_of(channels, index), 0), channel, [x, y], out)
            }
            DecodedRows::Bands(bands) => {
                let joined = bands.joined();
                self.read_from((|index| joined.channel(index), joined.first_row()), channel, [x, y], out)
            }
        }
    }
}

/// The sums of the samples of all rows, times `factor`.
fn scale<S: Sample, const N: usize>(level: Level, rows: [&[S]; N], factor: f32, out: &mut [f32]) {
    dispatch!(level, _simd => scale_rows(rows, factor, out));
}

#[inline(always)]
fn scale_rows<S: Sample, const N: usize>(rows: [&[S]; N], factor: f32, out: &mut [f32]) {
    let rows = rows.map(|row| &row[..out.len()]);
    for (x, out) in out.iter_mut().enumerate() {
        let mut sum = 0i32;
        for row in rows {
            sum = sum.wrapping_add(row[x].to_i32());
        }
        *out = sum as f32 * factor;
    }
}
