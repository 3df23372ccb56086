//! Random chains over random frames.

use super::artificial::random_chain;
use super::harness::{Drive, Random, assert_agree, noise};
use crate::render::*;
use fearless_simd::Level;
use jxlake_util::{Pool, Threads};
use std::sync::Arc;

pub(super) fn workers() -> Vec<Threads> {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    vec![Threads::Calling, Threads::Pool(Arc::new(pool(2))), Threads::Pool(Arc::new(pool(5)))]
}

/// A length that is near a multiple of `group`, where things go wrong, or small.
pub(super) fn random_length(random: &mut Random, group: usize) -> usize {
    match random.below(4) {
        0 => 1 + random.below(20),
        1 => 1 + random.below(2 * group),
        _ => (group * random.below(4) + random.below(20)).saturating_sub(9).max(1),
    }
}

/// Chains of artificial stages, which read and scale in ways the format's stages do not.
#[test]
fn random_chains_agree_with_the_oracle() {
    let (workers, pool) = (workers(), Pool::new());
    let mut state = StreamingState::default();
    for seed in 0..400 {
        let random = &mut Random::new(seed);
        let group_size = [32, 64, 128][random.below(3)];
        let shape = FrameShape {
            width: random_length(random, group_size),
            height: random_length(random, group_size),
            group_size,
            behind: if random.below(3) == 0 { random.below(12) } else { 0 },
        };
        let largest = (group_size / 32).ilog2() as usize + 1;
        let mut shift = || random.below(largest + 1) as u8;
        let common = Shift { horizontal: shift(), vertical: shift() };
        let mut shifts = vec![common; 1 + random.below(3)];
        for _ in 0..random.below(3) {
            shifts.push(Shift::both(random.below(largest + 1) as u8));
        }
        if random.below(3) == 0 {
            shifts[0] = Shift::default();
        }
        let chain = random_chain(random, &shifts);
        let stages: Vec<_> = chain.iter().map(|link| link.stage()).collect();
        let planes = noise(random, shape.width, shape.height, &shifts);
        let origin = |_| if random.below(4) == 0 { Origin::Rows } else { Origin::Group };
        let origins: Vec<_> = shifts.iter().map(origin).collect();
        let groups = shape.width.div_ceil(group_size) * shape.height.div_ceil(group_size);
        let mut order: Vec<_> = (0..groups).collect();
        if random.below(3) > 0 {
            random.shuffle(&mut order);
        }
        let mut plan = Plan::default();
        let channels: Vec<_> =
            shifts.iter().zip(&origins).map(|(&shift, &origin)| ChannelPlan { shift, origin }).collect();
        if plan.build(shape, &channels, &stages).is_err() {
            // Borders that add up to more than a group: refused, as they should be.
            continue;
        }
        let drive = Drive {
            threads: &workers[random.below(workers.len())],
            pool: &pool,
            order: &order,
            band_rows: 1 + random.below(9),
            level: Level::new(),
        };
        assert_agree(shape, &planes, &origins, &stages, &mut state, &drive);
        assert_eq!(pool.statistics().outstanding(), 0, "all leases are returned");
    }
}
