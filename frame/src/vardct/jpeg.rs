//! The coefficients of a JPEG, taken out of the frame that holds them without any arithmetic on samples.

use jxlake_util::{Lease, Matrix2, Pool, Purpose, Release, Shape2, View2, ViewMut2};

use super::TransformType;
use super::frame::VarDctFrame;
use super::lf_global::LfChannelCorrelation;
use crate::error::Result;
use crate::frame_header::{Encoding, FrameHeader};
use crate::geometry::FrameGeometry;
use crate::image_header::{ImageHeader, Size};
use crate::limits::{Limit, Limits};

/// Why a frame does not hold the coefficients of a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotJpeg {
    /// Its colours are XYB.
    #[error("it is coded in XYB")]
    Xyb,
    /// It is a Modular frame.
    #[error("it is a Modular frame")]
    Modular,
    /// It is not a whole picture: an LF frame or a mere reference, cropped, upsampled, or on top of an LF frame.
    #[error("it is not a picture of its own")]
    NotWhole,
    /// A side is longer than a JPEG can say.
    #[error("it has {width} x {height} pixels, more than a JPEG can have")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The quantisation table of 8 x 8 coefficients is not that of a JPEG.
    #[error("its quantisation table is not that of a JPEG")]
    Quantisation,
    /// LF samples of chroma contain luma.
    #[error("its LF chroma is predicted from luma")]
    LfChromaFromLuma,
    /// There are transforms other than 8 x 8 cosine transforms.
    #[error("it has transforms other than DCT 8 x 8")]
    Transform,
    /// The channels of a gray picture have different sampling factors.
    #[error("the channels of a gray picture are sampled differently")]
    GraySampling,
    /// A coefficient is beyond -4095 to 4095.
    #[error("a coefficient is beyond 4095")]
    Coefficient,
}

/// Places in a block of a JPEG, in its zig-zag order, by stored index: 8 x 8 blocks are stored transposed.
pub(super) const ZIGZAG_PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let (mut row, mut col) = (0, 0);
    let mut place = 0;
    while place < 64 {
        places[8 * col + row] = place;
        // Even diagonals go up and to the right, odd ones down and to the left.
        if (row + col) % 2 == 0 {
            if col == 7 {
                row += 1;
            } else {
                col += 1;
                row = if row == 0 { 0 } else { row - 1 };
            }
        } else if row == 7 {
            col += 1;
        } else {
            row += 1;
            col = if col == 0 { 0 } else { col - 1 };
        }
        place += 1;
    }
    places
};

/// The quantised coefficients of a frame that was a JPEG, and what else of the JPEG is in the frame.
///
/// Kept for its storage; [`clear`](Self::clear) gives the coefficients back.
#[derive(Debug)]
pub struct JpegCoefficients {
    size: Size,
    is_ycbcr: bool,
    pub(super) channels: [JpegChannel; 3],
}

impl Release for JpegCoefficients {}

impl Default for JpegCoefficients {
    fn default() -> Self {
        Self { size: Size { width: 1, height: 1 }, is_ycbcr: true, channels: Default::default() }
    }
}

/// A colour channel of a frame as a component of a JPEG.
#[derive(Debug)]
pub struct JpegChannel {
    sampling: (u8, u8),
    quantisation: [u32; 64],
    plane: Option<Lease<Matrix2<i16>>>,
}

impl Default for JpegChannel {
    fn default() -> Self {
        Self { sampling: (1, 1), quantisation: [1; 64], plane: None }
    }
}

impl JpegChannel {
    /// The sampling factors, horizontal and vertical: 1 or 2.
    pub fn sampling(&self) -> (u8, u8) {
        self.sampling
    }

    /// The quantisation table, in zig-zag order: 1 to 65535.
    pub fn quantisation(&self) -> &[u32; 64] {
        &self.quantisation
    }

    /// The coefficients: a row for each row of blocks, in it 64 for each block, in zig-zag order, -4095 to 4095. There are
    /// blocks for whole units of the sampling factors of all components. `None` for channels that are not wanted.
    pub fn blocks(&self) -> Option<View2<'_, i16>> {
        self.plane.as_ref().map(|plane| plane.view())
    }
}

impl JpegCoefficients {
    /// The size of the picture in pixels: 1 to 65535.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Whether the channels are Cb, Y and Cr, or else red, green and blue. The only one of a gray picture is channel 1.
    pub fn is_ycbcr(&self) -> bool {
        self.is_ycbcr
    }

    /// The colour channels of the frame, 0 to 2.
    pub fn channels(&self) -> &[JpegChannel; 3] {
        &self.channels
    }

    /// The planes of the channels that are wanted, to write.
    pub(crate) fn planes_mut(&mut self) -> [Option<ViewMut2<'_, i16>>; 3] {
        self.channels.each_mut().map(|channel| channel.plane.as_mut().map(|plane| plane.view_mut()))
    }

    /// Gives the coefficients back.
    pub fn clear(&mut self) {
        self.channels.iter_mut().for_each(|channel| channel.plane = None);
    }

    /// Leases planes for a frame, for channel 1 alone if the JPEG is gray. What they hold is unspecified.
    ///
    /// # Errors
    ///
    /// [`NotJpeg`] if the headers rule out a JPEG; [`Limits::memory`]; if there is no memory.
    pub(crate) fn begin(
        &mut self,
        (image, header): (&ImageHeader, &FrameHeader),
        geometry: &FrameGeometry,
        is_gray: bool,
        (limits, pool): (&Limits, &Pool),
    ) -> Result<()> {
        self.clear();
        check_headers(image, header, is_gray)?;
        self.size = image.size;
        self.is_ycbcr = header.do_ycbcr;
        let shape = |channel: usize| {
            let blocks = geometry.channel_blocks(channel);
            Shape2::new(blocks.height as usize, 64 * blocks.width as usize)
        };
        let wanted = if is_gray { 1..2 } else { 0..3 };
        let values = wanted.clone().map(|channel| (shape(channel).rows * shape(channel).cols) as u64);
        limits.check(Limit::Memory, values.sum::<u64>() * size_of::<i16>() as u64)?;
        for (number, channel) in self.channels.iter_mut().enumerate() {
            channel.sampling = header.subsampling.sampling_factors(number);
            if wanted.contains(&number) {
                channel.plane = Some(pool.matrix2(Purpose::HfCoefficients, shape(number))?);
            }
        }
        Ok(())
    }
}

/// That headers do not rule out a JPEG.
fn check_headers(
    image: &ImageHeader,
    header: &FrameHeader,
    is_gray: bool,
) -> core::result::Result<(), NotJpeg> {
    let Size { width, height } = image.size;
    let whole = header.is_normal()
        && header.size == image.size
        && !header.have_crop
        && header.upsampling == 1
        && !header.flags.use_lf_frame();
    let sampling = [0, 1, 2].map(|channel| header.subsampling.sampling_factors(channel));
    if image.xyb_encoded {
        Err(NotJpeg::Xyb)
    } else if header.encoding == Encoding::Modular {
        Err(NotJpeg::Modular)
    } else if !whole {
        Err(NotJpeg::NotWhole)
    } else if width > u16::MAX.into() || height > u16::MAX.into() {
        Err(NotJpeg::Size { width, height })
    } else if is_gray && (sampling[0] != sampling[1] || sampling[2] != sampling[1]) {
        Err(NotJpeg::GraySampling)
    } else {
        Ok(())
    }
}

impl VarDctFrame {
    /// Makes groups be decoded as those of a JPEG, and tells its quantisation tables, when HfGlobal was read.
    ///
    /// # Errors
    ///
    /// [`NotJpeg`] if the frame is not that of a JPEG.
    pub(crate) fn begin_jpeg(&mut self, jpeg: &mut JpegCoefficients) -> Result<()> {
        let num_passes = self.parameters()?.passes.num_passes();
        let neutral = LfChannelCorrelation { base_correlation_b: 0.0, ..LfChannelCorrelation::default() };
        if *self.correlation() != neutral {
            return Err(NotJpeg::LfChromaFromLuma.into());
        }
        if self.used_types() != 1 << TransformType::Dct8x8 as u32 {
            return Err(NotJpeg::Transform.into());
        }
        let table = self.hf_global.matrices.raw(TransformType::Dct8x8.table());
        let (denominator, samples) = table.ok_or(NotJpeg::Quantisation)?;
        if (denominator - 1.0 / 2040.0).abs() > 1e-8 {
            return Err(NotJpeg::Quantisation.into());
        }
        for (channel, samples) in jpeg.channels.iter_mut().zip(samples.chunks_exact(64)) {
            for (sample, place) in samples.iter().zip(ZIGZAG_PLACES) {
                if !(1..=0xffff).contains(sample) {
                    return Err(NotJpeg::Quantisation.into());
                }
                channel.quantisation[usize::from(place) & 63] = *sample as u32;
            }
        }
        self.hf_global.rearrange_8x8(num_passes, &ZIGZAG_PLACES);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_the_transposed_zigzag() {
        // Stored row by row, that is column by column of the JPEG.
        assert_eq!(ZIGZAG_PLACES[..8], [0, 2, 3, 9, 10, 20, 21, 35]);
        assert_eq!([8, 16, 9, 63, 56].map(|index| ZIGZAG_PLACES[index]), [1, 5, 4, 63, 28]);
        let mut sorted = ZIGZAG_PLACES;
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(i, place)| i == usize::from(*place)));
    }
}
