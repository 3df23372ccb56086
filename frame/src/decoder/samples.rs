//! Decoded modular channels as real samples, row by row.

use super::frame::FrameJob;
use crate::composition::COLOUR_CHANNELS;
use crate::error::{Error, Result};
use crate::image_header::BitDepth;
use crate::modular::channel::{Channel, Sample};
use crate::render::RowSource;
use crate::vardct::LfChannelDequantization;

/// The channels of a modular image as sources of the rendering chain.
pub(super) struct ModularRows<'f, S: Sample> {
    channels: &'f [Channel<S>],
    colour_channels: usize,
    colour: Colour,
    extra: &'f [crate::image_header::ExtraChannelInfo],
}

/// What the integers of the colour channels stand for.
#[derive(Clone, Copy)]
enum Colour {
    /// Y, X and B - Y, to be multiplied by the factors of X, Y and B.
    Xyb([f32; 3]),
    /// Samples of this format.
    Samples(BitDepth),
}

impl<'f, S: Sample> ModularRows<'f, S> {
    /// The finished `channels` of a frame: colour, if it is coded as Modular, then extra.
    pub(super) fn new(
        job: &FrameJob<'f>,
        channels: &'f [Channel<S>],
        factors: &LfChannelDequantization,
    ) -> Self {
        let colour = match job.image.xyb_encoded {
            true => Colour::Xyb(factors.m_lf),
            false => Colour::Samples(job.image.bit_depth),
        };
        let extra = &job.image.extra_channels;
        Self { channels, colour_channels: channels.len().saturating_sub(extra.len()), colour, extra }
    }

    fn row(&self, index: usize, x: usize, y: usize, width: usize) -> Result<&[S]> {
        let view = self.channels.get(index).and_then(Channel::view).filter(|view| y < view.rows());
        view.and_then(|view| view.row(y).get(x..x + width)).ok_or(Error::Misuse("no samples of a channel"))
    }
}

impl<S: Sample> RowSource for ModularRows<'_, S> {
    fn read(&self, channel: usize, x: usize, y: usize, out: &mut [f32]) -> Result<()> {
        let width = out.len();
        if let Some(extra) = channel.checked_sub(COLOUR_CHANNELS) {
            let depth = self.extra.get(extra).map_or(BitDepth::default(), |channel| channel.bit_depth);
            return to_real(self.row(self.colour_channels + extra, x, y, width)?, depth, out);
        }
        match self.colour {
            // A grey image has one colour channel, which all three are.
            Colour::Samples(depth) => {
                to_real(self.row(channel.min(self.colour_channels - 1), x, y, width)?, depth, out)
            }
            Colour::Xyb([x_factor, y_factor, b_factor]) => {
                // Coded in the order Y, X, B - Y.
                let luma = self.row(0, x, y, width)?;
                match channel {
                    0 => scale(self.row(1, x, y, width)?, x_factor, out),
                    1 => scale(luma, y_factor, out),
                    _ => {
                        let blue = self.row(2, x, y, width)?;
                        for (out, (blue, luma)) in out.iter_mut().zip(blue.iter().zip(luma)) {
                            *out = blue.to_i32().wrapping_add(luma.to_i32()) as f32 * b_factor;
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

fn scale<S: Sample>(row: &[S], factor: f32, out: &mut [f32]) {
    for (out, sample) in out.iter_mut().zip(row) {
        *out = sample.to_i32() as f32 * factor;
    }
}

fn to_real<S: Sample>(row: &[S], depth: BitDepth, out: &mut [f32]) -> Result<()> {
    match depth {
        BitDepth::Integer { bits_per_sample } if bits_per_sample < 23 => {
            scale(row, (1.0 / ((1u64 << bits_per_sample) - 1) as f64) as f32, out)
        }
        BitDepth::Integer { bits_per_sample } => {
            let factor = 1.0 / ((1u64 << bits_per_sample) - 1) as f64;
            for (out, sample) in out.iter_mut().zip(row) {
                *out = (f64::from(sample.to_i32()) * factor) as f32;
            }
        }
        BitDepth::Float { .. } => return Err(Error::Misuse("floats")),
    }
    Ok(())
}
