//! A frame that was a JPEG: its sections up to the coefficients, without any samples.

use super::frame::{FrameJob, ModularFrame, Scene};
use super::integers::IntegerSample;
use super::vardct::{ExtraPlace, GroupReader, Sections, VarDctParts};
use crate::error::{Error, Result};
use crate::geometry::Section;
use crate::vardct::{JpegCoefficients, JpegRules};
use jxlake_util::{Axis, Grid, ViewMut2};
use std::sync::Mutex;

/// Decodes the coefficients of a frame into `jpeg`, which was begun with its headers.
pub(super) fn decode<S: IntegerSample>(
    job: &FrameJob<'_>,
    scene: &mut Scene<'_>,
    ModularFrame { global, groups }: &mut ModularFrame<S>,
    jpeg: &mut JpegCoefficients,
) -> Result<()> {
    let Scene { tree, vardct, features, slots, .. } = scene;
    let VarDctParts { frame, pass_groups, .. } = &mut **vardct;
    let mut bits = job.section(Section::LfGlobal);
    frame.begin(job.header, job.image, job.geometry);
    features.read(&mut bits, &job.features(slots))?;
    frame.read_lf_global(&mut bits)?;
    tree.read(&mut bits, job.image, job.header, job.geometry)?;
    let modular = job.modular(tree);
    global.read(&mut bits, job.header, &modular)?;
    // Extra channels are not wanted, but may lie between the parts of LF groups.
    let extra = match ExtraPlace::of(global) {
        ExtraPlace::Sections => Some(global.tiles(&modular)?),
        ExtraPlace::Global | ExtraPlace::Groups(_) => None,
    };
    let sections = Sections { job, modular: &modular, groups };
    sections.lf_groups(frame, extra.as_ref(), &mut bits)?;
    drop(extra);
    let hf_bits = &mut job.section(Section::HfGlobal);
    frame.read_hf_global(if job.geometry.is_single_section() { &mut bits } else { hf_bits }, &modular)?;
    frame.begin_jpeg(jpeg)?;

    let frame = &*frame;
    let rules = JpegRules::new(jpeg, !job.header.subsampling.is_none());
    let reader = GroupReader { job, modular: &modular, groups, frame, single_section: Mutex::new(bits) };
    let grids = grids(job, jpeg)?;
    job.context.threads.run(job.geometry.num_groups(), |group| {
        let mut pass_group = pass_groups.take();
        reader.decode(group, &mut pass_group, |_, _| Ok(()))?;
        let (column, row) = job.geometry.group_position(group);
        let mut tiles = [0, 1, 2].map(|channel| tile(&grids[channel], row, column));
        frame.store_jpeg_group(group, &pass_group, &rules, &mut tiles, modular.level)?;
        job.context.watch.step()
    })?;
    global.clear();
    Ok(())
}

/// The planes of the JPEG divided into groups; `None` for channels that it does not have.
fn grids<'a>(job: &FrameJob<'_>, jpeg: &'a mut JpegCoefficients) -> Result<[Option<Grid<'a, i16>>; 3]> {
    let side = job.geometry.group_dim / 8;
    let mut grids = [None, None, None];
    for (channel, (grid, plane)) in grids.iter_mut().zip(jpeg.planes_mut()).enumerate() {
        let rows = Axis::Every(side >> job.geometry.vshift[channel]);
        let cols = Axis::Every(64 * (side >> job.geometry.hshift[channel]));
        *grid = plane
            .map(|plane| plane.into_grid(&job.context.pool, rows, cols))
            .transpose()
            .map_err(Error::from)?;
    }
    Ok(grids)
}

/// A tile that is taken once; empty if there is none.
fn tile<'a>(grid: &'a Option<Grid<'_, i16>>, row: usize, column: usize) -> ViewMut2<'a, i16> {
    grid.as_ref().and_then(|grid| grid.take(row, column)).unwrap_or_default()
}
