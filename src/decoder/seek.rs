//! Going to a frame of an animation.

use super::Frames;
use crate::error::Result;
use jxlake_frame::Result as FrameResult;

impl Frames<'_> {
    /// Goes back to the first frame.
    pub fn rewind(&mut self) {
        self.codestream.rewind();
    }

    /// Byte of the codestream at which the next frame, displayed or not, begins: what a frame index tells of keyframes.
    /// `None` behind the last one.
    pub fn position(&self) -> Option<u64> {
        self.codestream.position()
    }

    /// Goes to the nearest place from which the displayed frame with this number, from 0, can be decoded, and returns the
    /// number of the displayed frame that comes next: the frame itself, or one before it that must be decoded first. That
    /// is a keyframe of the file's frame index or the first frame; or the frame where this stands, if that is nearer.
    ///
    /// Frames are passed over by their headers, which also verifies the index: of a wrong one no use is made.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`](crate::Decoder::decode), of the frames' headers.
    ///
    /// ```
    /// use jxlake::{Decoder, PixelFormat};
    ///
    /// # let file = std::fs::read("testdata/animation.jxl")?;
    /// let (mut decoder, format) = (Decoder::new(), PixelFormat::default());
    /// let mut frames = decoder.open(&file)?;
    /// let wanted = 2;
    /// for _ in frames.seek(wanted)?..wanted {
    ///     frames.next_image::<u8>(&format)?;
    /// }
    /// let image = frames.next_image::<u8>(&format)?;
    /// # assert!(image.is_some() && frames.next_image::<u8>(&format)?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn seek(&mut self, frame: u64) -> Result<u64> {
        // What is wrong with the index is no hindrance.
        let index = self.frame_index().ok().flatten();
        let keyframe = index.as_ref().and_then(|index| index.keyframe(frame));
        let here = self.codestream.displayed();
        let stays = here <= frame && self.position().is_some() && !self.codestream.has_gap();
        let here = stays.then_some(here);
        match (keyframe, here) {
            (Some((_, first)), Some(here)) if here >= first => Ok(here),
            (Some((entry, _)), _) if entry.offset > 0 => {
                let offset = entry.offset;
                self.at_keyframe(offset, frame).map_err(|error| self.whole_file_error(error))
            }
            (_, Some(here)) => Ok(here),
            _ => {
                self.rewind();
                Ok(0)
            }
        }
    }

    /// Goes to the frame that begins at `offset`, or to the first one if that is not one at or before the displayed `frame`.
    fn at_keyframe(&mut self, offset: u64, frame: u64) -> FrameResult<u64> {
        let found = self.codestream.seek(self.data, offset, &self.context.limits)?;
        if !found || self.codestream.displayed() > frame {
            self.rewind();
        }
        Ok(self.codestream.displayed())
    }

    /// The number, from 0, of the displayed frame that is on show so many ticks after the start of an animation: of its
    /// last frame, if the animation is shorter. This leaves it at the first frame; [`seek`](Self::seek) goes to the frame.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`](crate::Decoder::decode), of the frames' headers.
    ///
    /// ```
    /// # let file = std::fs::read("testdata/animation.jxl")?;
    /// let mut decoder = jxlake::Decoder::new();
    /// let mut frames = decoder.open(&file)?;
    /// assert_eq!(frames.frame_at(0)?, 0);
    /// assert_eq!(frames.frame_at(u64::MAX)?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn frame_at(&mut self, ticks: u64) -> Result<u64> {
        self.rewind();
        let mut end = 0u64;
        while let Some(header) = self.skip_frame()? {
            end = end.saturating_add(header.duration.into());
            if header.visible() && end > ticks {
                break;
            }
        }
        let frame = self.codestream.displayed().saturating_sub(1);
        self.rewind();
        Ok(frame)
    }
}
