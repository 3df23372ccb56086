//! How the channels of a frame are cut into the tiles that sections hold.

use jxlake_util::Shape2;

use super::channel::ChannelShape;
use super::fault::ModularFault;
use crate::error::Result;
use crate::frame_header::Passes;
use crate::geometry::{FrameGeometry, Section};

/// Channels of at least this shift are in the sections of LF groups.
const LF_SHIFT: i32 = 3;

/// Where the samples of a coded channel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the LfGlobal section, or nowhere because there are none.
    Global,
    /// In the sections of LF groups.
    LfGroups,
    /// In the sections of groups in this pass.
    Groups {
        /// Number of the pass.
        pass: usize,
    },
}

/// How the coded channels of a frame are cut into tiles.
#[derive(Clone, Debug, Default)]
pub struct Partition {
    places: Vec<Place>,
    globals: usize,
}

/// The part of a channel that one section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Index of the channel in the list of coded channels.
    pub channel: usize,
    /// Column of the tile in the channel's grid of tiles.
    pub column: usize,
    /// Row of the tile in the channel's grid of tiles.
    pub row: usize,
    /// Size of the tile, and the channel's shifts.
    pub shape: ChannelShape,
}

impl Partition {
    /// Cuts the coded channels `shapes`, of which the first `meta` are meta-channels.
    ///
    /// # Errors
    ///
    /// [`ModularFault::GroupWithoutSamples`] if a channel is subsampled so much that a group holds less than a sample.
    pub fn cut(
        &mut self,
        shapes: &[ChannelShape],
        meta: usize,
        geometry: &FrameGeometry,
        passes: &Passes,
    ) -> Result<()> {
        let dim = geometry.group_dim;
        let is_large = |shape: &ChannelShape| shape.width as usize > dim || shape.height as usize > dim;
        // The first channel that is too large ends the global ones for good.
        self.globals = match shapes.iter().skip(meta).position(is_large) {
            Some(first) => meta + first,
            None => shapes.len(),
        };
        self.places.clear();
        self.places.resize(self.globals, Place::Global);
        for (channel, shape) in shapes.iter().enumerate().skip(self.globals) {
            let place = match shape.is_empty() {
                true => Place::Global,
                false => place_of(channel, shape, dim, passes)?,
            };
            self.places.push(place);
        }
        Ok(())
    }

    /// Number of coded channels whose samples are in the LfGlobal section: the first ones.
    pub fn globals(&self) -> usize {
        self.globals
    }

    /// Where the samples of each coded channel are.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Size of the tiles of a channel, but for those at its right and lower edge; `None` if it has no tiles.
    pub fn tile_size(
        &self,
        channel: usize,
        shape: &ChannelShape,
        geometry: &FrameGeometry,
    ) -> Option<Shape2> {
        let dim = match self.places.get(channel)? {
            Place::Global => return None,
            Place::LfGroups => 8 * geometry.group_dim,
            Place::Groups { .. } => geometry.group_dim,
        };
        Some(Shape2::new(dim >> shape.vshift, dim >> shape.hshift))
    }

    /// The tiles of a section, by channel; channels that have no samples there are left out. `shapes` are the coded
    /// channels.
    pub fn tiles<'a>(
        &'a self,
        shapes: &'a [ChannelShape],
        section: Section,
        geometry: &'a FrameGeometry,
    ) -> impl Iterator<Item = Tile> + 'a {
        let (place, (column, row)) = match section {
            Section::LfGroup(group) => (Some(Place::LfGroups), geometry.lf_group_position(group)),
            Section::PassGroup { pass, group } => {
                (Some(Place::Groups { pass }), geometry.group_position(group))
            }
            Section::LfGlobal | Section::HfGlobal => (None, (0, 0)),
        };
        let channels = self.places.iter().zip(shapes).enumerate().skip(self.globals);
        channels.filter(move |(_, (at, _))| Some(**at) == place).filter_map(move |(channel, (_, shape))| {
            let size = self.tile_size(channel, shape, geometry)?;
            let part = |whole: u32, side: usize, index: usize| {
                (whole as usize).saturating_sub(side.saturating_mul(index)).min(side) as u32
            };
            let width = part(shape.width, size.cols, column);
            let height = part(shape.height, size.rows, row);
            let shape = ChannelShape { width, height, ..*shape };
            (!shape.is_empty()).then_some(Tile { channel, column, row, shape })
        })
    }
}

/// The kind of section for a channel with samples that is not global.
fn place_of(channel: usize, shape: &ChannelShape, group_dim: usize, passes: &Passes) -> Result<Place> {
    let smaller = shape.hshift.min(shape.vshift);
    let larger = shape.hshift.max(shape.vshift);
    let dim = if smaller >= LF_SHIFT { 8 * group_dim } else { group_dim };
    let vanishes = smaller < 0 || dim.checked_shr(larger as u32).is_none_or(|side| side == 0);
    if vanishes {
        return Err(ModularFault::GroupWithoutSamples { channel: channel as u64, shift: larger }.into());
    }
    if smaller >= LF_SHIFT {
        return Ok(Place::LfGroups);
    }
    let pass = (0..passes.num_passes()).find(|&pass| passes.bracket(pass).contains(smaller));
    // The brackets of all passes cover every shift below that of LF groups.
    Ok(pass.map_or(Place::Global, |pass| Place::Groups { pass }))
}
