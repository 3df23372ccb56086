//! What a player or an editor wants to know of a frame.

use jxlake_frame::frame_header::{BlendingInfo, FrameHeader};
use jxlake_frame::image_header::{Animation, ImageHeader};

/// A frame, as its header describes it.
#[derive(Debug, Clone, Copy)]
pub struct FrameInfo<'f> {
    /// Its name, meant as UTF-8; often empty.
    pub name: &'f [u8],
    /// How long it is displayed, in ticks; 0 for a layer of a later frame and for still images, 0xFFFFFFFF for a page.
    pub duration: u32,
    /// SMPTE timecode, a byte each of hours, minutes, seconds, frame; of animations that have them.
    pub timecode: Option<u32>,
    /// Whether no frame follows.
    pub is_last: bool,
    /// Column and row of the canvas, as stored, at which its own pixels begin; they may lie outside.
    pub position: [i32; 2],
    /// Columns and rows of its own pixels, as stored.
    pub size: [u32; 2],
    /// How its colours are laid over what is below.
    pub blending: BlendingInfo,
    /// How each of its extra channels is laid over what is below.
    pub extra_blending: &'f [BlendingInfo],
    animation: Option<Animation>,
}

impl<'f> FrameInfo<'f> {
    /// The frame with this header.
    pub fn new(image: &ImageHeader, header: &'f FrameHeader) -> Self {
        Self {
            name: &header.name,
            duration: header.duration,
            timecode: image.animation.filter(|a| a.have_timecodes).map(|_| header.timecode),
            is_last: header.is_last,
            position: [header.x0, header.y0],
            size: [header.size.width, header.size.height],
            blending: header.blending,
            extra_blending: &header.extra_blending,
            animation: image.animation,
        }
    }

    /// How long the frame is displayed, as a fraction of seconds; (0, 1) in still images.
    pub fn seconds(&self) -> (u64, u64) {
        let Some(animation) = &self.animation else { return (0, 1) };
        let ticks = u64::from(self.duration) * u64::from(animation.tps_denominator);
        (ticks, u64::from(animation.tps_numerator).max(1))
    }
}
