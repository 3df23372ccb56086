//! What later frames can refer to: four reference slots, four LF slots, and how many frames have gone by.

use crate::Result;
use crate::frame_header::{FrameHeader, FrameType};
use crate::image_header::Size;
use jxlake_util::{Lease, Matrix2, Pool, Purpose, Release, Shape2, View2, ViewMut2};

/// The samples of a whole frame, all channels: colour, then extra.
///
/// Rows of the channels alternate, so that one row of all channels is one view (row `c` is channel `c`) and any
/// rectangle of the frame is a rectangle of the matrix.
#[derive(Debug)]
pub struct SavedFrame {
    samples: Option<Lease<Matrix2<f32>>>,
    channels: usize,
    size: Size,
    before_colour_transform: bool,
}

impl Default for SavedFrame {
    /// An empty one.
    fn default() -> Self {
        let size = Size { width: 0, height: 0 };
        Self { samples: None, channels: 0, size, before_colour_transform: false }
    }
}

impl SavedFrame {
    /// Leases room for `channels` channels of `size`, in place of what was held. The contents are unspecified.
    ///
    /// # Errors
    ///
    /// [`Error::Pool`](crate::Error::Pool) if the pool has no memory.
    pub fn lease(
        &mut self,
        pool: &Pool,
        channels: usize,
        size: Size,
        before_colour_transform: bool,
    ) -> Result<()> {
        self.clear();
        let rows = (size.height as usize).saturating_mul(channels);
        self.samples = Some(pool.matrix2(Purpose::Reference, Shape2::new(rows, size.width as usize))?);
        *self = Self { samples: self.samples.take(), channels, size, before_colour_transform };
        Ok(())
    }

    /// A frame that is not there, but whose size is known: for what depends on that alone.
    pub fn announced(channels: usize, size: Size, before_colour_transform: bool) -> Self {
        Self { samples: None, channels, size, before_colour_transform }
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.channels == 0
    }

    /// Bytes that its samples take from a pool.
    pub fn bytes(&self) -> u64 {
        let rows = (self.size.height as usize).saturating_mul(self.channels);
        Pool::bytes_of::<f32>(Shape2::new(rows, self.size.width as usize))
    }

    /// Size in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Whether the samples are in the frame's coded colour space, as patches want them.
    pub fn is_before_colour_transform(&self) -> bool {
        self.before_colour_transform
    }

    /// Number of channels, colour and extra.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Row `y` of one channel; empty if there is no such row.
    pub fn row(&self, channel: usize, y: usize) -> &[f32] {
        match &self.samples {
            Some(samples) if channel < self.channels && y < self.size.height as usize => {
                samples.row(y * self.channels + channel)
            }
            _ => &[],
        }
    }

    /// All rows of one channel; `None` if it was not saved.
    pub fn plane(&self, channel: usize) -> Option<View2<'_, f32>> {
        let view = self.view().filter(|_| channel < self.channels)?;
        Some(view.every(channel, self.channels))
    }

    /// All samples: row `y * channels + c` of the view is row `y` of channel `c`.
    pub fn view(&self) -> Option<View2<'_, f32>> {
        self.samples.as_ref().map(|samples| samples.view())
    }

    /// All samples, to be written; laid out as in [`view`](Self::view).
    pub fn view_mut(&mut self) -> Option<ViewMut2<'_, f32>> {
        self.samples.as_mut().map(|samples| samples.view_mut())
    }

    /// Gives the samples back; the empty slot can be filled again.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Release for SavedFrame {
    fn release(self) {}
}

/// The slots of a codestream; all are empty at its start.
#[derive(Debug, Default)]
pub struct Slots {
    /// Frames to blend over and to take patches from.
    pub reference: [SavedFrame; 4],
    /// LF frames of level 1 to 4.
    pub lf: [SavedFrame; 4],
}

impl Slots {
    /// Empties all slots.
    pub fn clear(&mut self) {
        self.reference.iter_mut().chain(&mut self.lf).for_each(SavedFrame::clear);
    }

    /// Puts a complete frame where its header says.
    pub fn store(&mut self, header: &FrameHeader, frame: SavedFrame) {
        let slot = match header.frame_type {
            FrameType::Lf => self.lf.get_mut((header.lf_level as usize).wrapping_sub(1)),
            _ => self.reference.get_mut(usize::from(header.save_as_reference)),
        };
        if let Some(slot) = slot {
            *slot = frame;
        }
    }
}

/// Visible and invisible frames so far; they seed the noise generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameCounters {
    /// Visible frames up to and including this one.
    pub visible: u32,
    /// Invisible frames since the last visible one, this one included if it is invisible.
    pub invisible: u32,
}

impl FrameCounters {
    /// Counts a frame whose header has been read.
    pub fn count(&mut self, visible: bool) {
        if visible {
            self.visible = self.visible.wrapping_add(1);
            self.invisible = 0;
        } else {
            self.invisible = self.invisible.wrapping_add(1);
        }
    }
}
