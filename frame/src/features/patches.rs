//! Patches: rectangles of reference frames, and where in the frame they are put.

use super::numbers::{NumberCodes, Numbers, push};
use super::tiles::TileIndex;
use super::{FeatureContext, FeatureFault};
use crate::composition::{BlendOperation, ChannelBlending};
use crate::error::Result;
use crate::image_header::ExtraChannelKind;
use crate::limits::Limit;
use jxlake_entropy::BitReader;
use jxlake_util::Rect;

/// Contexts of the numbers.
mod contexts {
    pub(super) const NUM_PATCHES: usize = 0;
    pub(super) const REFERENCE: usize = 1;
    pub(super) const SIZE: usize = 2;
    pub(super) const SOURCE: usize = 3;
    pub(super) const POSITION: usize = 4;
    pub(super) const BLEND_MODE: usize = 5;
    pub(super) const DELTA: usize = 6;
    pub(super) const COUNT: usize = 7;
    pub(super) const ALPHA_CHANNEL: usize = 8;
    pub(super) const CLAMP: usize = 9;
    pub(super) const ALL: usize = 10;
}

/// A rectangle of a reference frame; it lies inside of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patch {
    /// Reference slot.
    pub(super) slot: usize,
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A patch at its place in the frame; it may reach beyond the frame to the right and below.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placement {
    pub(super) x: u32,
    pub(super) y: u32,
    /// Index of the patch.
    pub(super) patch: u32,
    /// First of its entries in the list of blendings: one for colour, one for each extra channel.
    pub(super) blending: u32,
}

/// The patches of a frame, in the order in which they are drawn. Kept from frame to frame for its memory.
#[derive(Debug, Default)]
pub struct PatchList {
    pub(super) patches: Vec<Patch>,
    pub(super) placements: Vec<Placement>,
    pub(super) blendings: Vec<ChannelBlending>,
    pub(super) tiles: TileIndex,
    entry: Vec<ChannelBlending>,
    /// Blendings of a placement.
    pub(super) channels: usize,
    /// Whether no channel's samples depend on another channel's.
    pub(super) independent: bool,
    has_alpha: bool,
}

impl PatchList {
    /// Forgets all patches; lists keep their storage.
    pub fn clear(&mut self) {
        self.patches.clear();
        self.placements.clear();
        self.blendings.clear();
        self.tiles.clear();
        self.independent = true;
    }

    /// Whether nothing is drawn.
    pub fn is_empty(&self) -> bool {
        self.placements.is_empty()
    }

    /// Reads the list.
    pub(super) fn read(
        &mut self,
        bits: &mut BitReader<'_>,
        codes: &mut NumberCodes,
        context: &FeatureContext<'_>,
    ) -> Result<()> {
        self.clear();
        let extra = &context.image.extra_channels;
        self.channels = 1 + extra.len();
        self.has_alpha = extra.iter().any(|channel| matches!(channel.kind, ExtraChannelKind::Alpha { .. }));
        let mut stream = codes.begin(bits, contexts::ALL, context.pool)?;
        let numbers = &mut stream;
        let bound = 1024 + context.geometry.padded.pixels() / 4;
        let count = numbers.unsigned(contexts::NUM_PATCHES);
        numbers.check_count("patches", count.into(), bound)?;
        let mut area = 0u64;
        for index in 0..count {
            let patch = read_patch(numbers, context)?;
            push(&mut self.patches, patch, context.pool)?;
            let count = u64::from(numbers.unsigned(contexts::COUNT)) + 1;
            let total = self.placements.len() as u64 + count;
            numbers.check_count("places of patches", total, 4 * bound)?;
            numbers.check_count("blendings of patches", total * self.channels as u64, 16 * bound)?;
            let mut position = [0; 2];
            for place in 0..count {
                if place == 0 {
                    position = [0, 1].map(|_| i64::from(numbers.unsigned(contexts::POSITION)));
                } else {
                    let delta = [0, 1].map(|_| i64::from(numbers.signed(contexts::DELTA)));
                    position = [position[0] + delta[0], position[1] + delta[1]];
                }
                let [x, y] = self.check_position(numbers, position, &patch, context)?;
                let blending = self.read_blending(numbers, context)?;
                push(&mut self.placements, Placement { x, y, patch: index, blending }, context.pool)?;
                numbers.check()?;
                let coded = context.geometry.coded;
                let drawn =
                    |start: u32, length: u32, size: u32| u64::from(length.min(size.saturating_sub(start)));
                area += drawn(x, patch.width, coded.width) * drawn(y, patch.height, coded.height);
                context.limits.check_linear(Limit::PatchArea, area, coded.pixels())?;
            }
        }
        stream.finish()
    }

    fn check_position(
        &self,
        numbers: &Numbers<'_, '_, '_>,
        position: [i64; 2],
        patch: &Patch,
        context: &FeatureContext<'_>,
    ) -> Result<[u32; 2]> {
        let padded = context.geometry.padded;
        let inside = |start: i64, length: u32, size: u32| {
            u32::try_from(start).ok().filter(|&s| u64::from(s) + u64::from(length) <= u64::from(size))
        };
        let x = inside(position[0], patch.width, padded.width);
        let y = inside(position[1], patch.height, padded.height);
        match (x, y) {
            (Some(x), Some(y)) => Ok([x, y]),
            _ => Err(numbers.refuse(FeatureFault::PatchPosition { x: position[0], y: position[1] })),
        }
    }

    /// Reads the blending of one placement; returns where it is in the list, which holds runs of equal ones only once.
    fn read_blending(
        &mut self,
        numbers: &mut Numbers<'_, '_, '_>,
        context: &FeatureContext<'_>,
    ) -> Result<u32> {
        let extra = context.image.extra_channels.len();
        self.entry.clear();
        for _ in 0..self.channels {
            let mode = numbers.unsigned(contexts::BLEND_MODE);
            let Some(operation) = operation(mode) else {
                return Err(numbers.refuse(FeatureFault::PatchBlendMode { mode }));
            };
            let mut blending = ChannelBlending { operation, alpha_channel: 0, clamp: false };
            if mode >= 4 && extra > 1 {
                let channel = numbers.unsigned(contexts::ALPHA_CHANNEL);
                blending.alpha_channel = channel as usize;
                if blending.alpha_channel >= extra {
                    return Err(numbers.refuse(FeatureFault::PatchAlphaChannel { channel }));
                }
            }
            if mode >= 3 {
                blending.clamp = numbers.unsigned(contexts::CLAMP) != 0;
            }
            if self.entry.is_empty() && !self.has_alpha {
                blending.operation = blending.operation.without_alpha();
            }
            self.entry.push(blending);
        }
        let last = self.blendings.len().saturating_sub(self.channels);
        if self.blendings.get(last..) == Some(&self.entry[..]) {
            return Ok(last as u32);
        }
        let start = self.blendings.len();
        for &blending in &self.entry {
            push(&mut self.blendings, blending, context.pool)?;
        }
        self.independent &= self.entry.iter().all(ChannelBlending::is_independent);
        Ok(start as u32)
    }

    /// Sorts the placements for drawing.
    pub(super) fn prepare(&mut self, context: &FeatureContext<'_>) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut tiles = std::mem::take(&mut self.tiles);
        tiles.build(context.geometry.coded, self.placements.len(), |i| self.rect(i), context.pool)?;
        self.tiles = tiles;
        Ok(())
    }

    /// The rectangle of the frame that a placement covers.
    fn rect(&self, placement: usize) -> Rect {
        let Placement { x, y, patch, .. } = self.placements[placement];
        let Patch { width, height, .. } = self.patches[patch as usize];
        Rect::new(x as usize, y as usize, width as usize, height as usize)
    }
}

fn read_patch(numbers: &mut Numbers<'_, '_, '_>, context: &FeatureContext<'_>) -> Result<Patch> {
    let slot = numbers.unsigned(contexts::REFERENCE);
    let [x, y] = [0, 1].map(|_| numbers.unsigned(contexts::SOURCE));
    let [width, height] = [0, 1].map(|_| u64::from(numbers.unsigned(contexts::SIZE)) + 1);
    let source = context.slots.reference.get(slot as usize);
    let usable = source.filter(|source| !source.is_empty() && source.is_before_colour_transform());
    let Some(source) = usable else {
        return Err(numbers.refuse(FeatureFault::PatchSource { slot }));
    };
    let size = source.size();
    if u64::from(x) + width > size.width.into() || u64::from(y) + height > size.height.into() {
        return Err(numbers.refuse(FeatureFault::PatchRectangle { x, y, width, height }));
    }
    Ok(Patch { slot: slot as usize, x, y, width: width as u32, height: height as u32 })
}

fn operation(mode: u32) -> Option<BlendOperation> {
    Some(match mode {
        0 => BlendOperation::Keep,
        1 => BlendOperation::Replace,
        2 => BlendOperation::Add,
        3 => BlendOperation::Multiply,
        4 => BlendOperation::Above,
        5 => BlendOperation::Below,
        6 => BlendOperation::WeightedAddAbove,
        7 => BlendOperation::WeightedAddBelow,
        _ => return None,
    })
}
