//! Modular frames whose rows of groups complete rows of the picture.

use super::frame::{FrameJob, GroupRows};
use crate::error::Result;
use crate::geometry::Section;
use crate::modular::channel::Sample;
use crate::modular::global::GroupWorkspace;
use crate::modular::global_bands::Bands;
use crate::modular::sub_bitstream::ModularContext;
use jxlake_util::Scratch;

/// The sections of a frame, to be decoded and joined in bands.
pub(super) struct BandedSections<'f, S: Sample> {
    pub(super) job: &'f FrameJob<'f>,
    pub(super) bands: &'f Bands<'f, S>,
    pub(super) groups: &'f Scratch<GroupWorkspace<S>>,
    pub(super) modular: &'f ModularContext<'f>,
}

impl<S: Sample> GroupRows for BandedSections<'_, S> {
    fn behind(&self) -> usize {
        self.bands.behind()
    }

    fn decode(&self, kept: usize, show: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()> {
        let Self { job, bands, groups, modular } = *self;
        let geometry = job.geometry;
        let (threads, passes) = (&job.context.threads, geometry.num_passes);
        bands.begin(kept, modular)?;
        threads.run(geometry.num_lf_groups(), |group| {
            let bits = &mut job.section(Section::LfGroup(group));
            bands.decode_lf_group(group, bits, modular, &mut groups.take())
        })?;
        // All passes of a group before the next group, so that bands are complete one after the other.
        threads.run(geometry.num_groups() * passes, |index| {
            let (group, pass) = (index / passes, index % passes);
            let bits = &mut job.section(Section::PassGroup { pass, group });
            bands.decode_group((pass, group), bits, modular, &mut groups.take(), show)?;
            job.context.watch.step()
        })
    }
}
