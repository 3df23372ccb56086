//! Random sequences of leases, returns, reshapes and trims, against a simple model of what a pool promises.

use jxlake_util::{Buffer, Lease, Matrix2, Matrix3, Pool, PoolError, Purpose, Shape2, Shape3, Statistics};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Lease { kind: u8, purpose: usize, shape: Shape3, zeroed: bool },
    Return(usize),
    Reshape(usize, Shape3),
    Trim(u64),
    Check(u64),
}

fn shapes() -> impl Strategy<Value = Shape3> {
    // Many small ones, so that leases share size classes, and a few that strain the budget.
    let side = || prop_oneof![4 => 0usize..40, 1 => 0usize..300];
    (0usize..4, side(), side()).prop_map(|(planes, rows, cols)| Shape3::new(planes, rows, cols))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lease = (0u8..4, 0..Purpose::ALL.len(), shapes(), any::<bool>())
        .prop_map(|(kind, purpose, shape, zeroed)| Step::Lease { kind, purpose, shape, zeroed });
    let step = prop_oneof![
        8 => lease,
        5 => any::<usize>().prop_map(Step::Return),
        2 => (any::<usize>(), shapes()).prop_map(|(which, shape)| Step::Reshape(which, shape)),
        1 => (0u64..200_000).prop_map(Step::Trim),
        1 => (0u64..800_000).prop_map(Step::Check),
    ];
    proptest::collection::vec(step, 1..120)
}

/// Any kind of lease, with rows of bytes that can be marked and checked.
enum Any {
    Floats(Lease<Matrix2<f32>>),
    Shorts(Lease<Matrix2<i16>>),
    Planes(Lease<Matrix3<u32>>),
    Bytes(Lease<Buffer<u8>>),
}

impl Any {
    fn lease(
        pool: &Pool,
        purpose: Purpose,
        kind: u8,
        shape: Shape3,
        zeroed: bool,
    ) -> Result<Self, PoolError> {
        let (plane, len) = (shape.plane(), shape.rows * shape.cols);
        Ok(match (kind, zeroed) {
            (0, false) => Self::Floats(pool.matrix2(purpose, plane)?),
            (0, true) => Self::Floats(pool.matrix2_zeroed(purpose, plane)?),
            (1, false) => Self::Shorts(pool.matrix2(purpose, plane)?),
            (1, true) => Self::Shorts(pool.matrix2_zeroed(purpose, plane)?),
            (2, false) => Self::Planes(pool.matrix3(purpose, shape)?),
            (2, true) => Self::Planes(pool.matrix3_zeroed(purpose, shape)?),
            (_, false) => Self::Bytes(pool.buffer(purpose, len)?),
            (_, true) => Self::Bytes(pool.buffer_zeroed(purpose, len)?),
        })
    }

    fn capacity(&self) -> Shape3 {
        let one = |shape: Shape2| Shape3::new(1, shape.rows, shape.cols);
        match self {
            Self::Floats(matrix) => one(matrix.capacity()),
            Self::Shorts(matrix) => one(matrix.capacity()),
            Self::Planes(matrix) => matrix.capacity(),
            Self::Bytes(buffer) => Shape3::new(1, 1, buffer.capacity()),
        }
    }

    /// The bytes a lease of this shape cannot do without, in whole lines.
    fn bytes(&self) -> u64 {
        let element = match self {
            Self::Floats(_) | Self::Planes(_) => 4,
            Self::Shorts(_) => 2,
            Self::Bytes(_) => 1,
        };
        let capacity = self.capacity();
        (capacity.planes * capacity.rows * (capacity.cols * element).next_multiple_of(64)) as u64
    }

    fn reshape(&mut self, shape: Shape3) -> bool {
        match self {
            Self::Floats(matrix) => matrix.reshape(shape.plane()).is_ok(),
            Self::Shorts(matrix) => matrix.reshape(shape.plane()).is_ok(),
            Self::Planes(matrix) => matrix.reshape(shape).is_ok(),
            Self::Bytes(buffer) => buffer.reshape(shape.cols).is_ok(),
        }
    }

    fn each_row(&mut self, mut visit: impl FnMut(&mut [u8])) {
        match self {
            Self::Floats(m) => {
                m.padded_view_mut().into_rows().for_each(|r| visit(bytemuck::cast_slice_mut(r)))
            }
            Self::Shorts(m) => m.view_mut().into_rows().for_each(|r| visit(bytemuck::cast_slice_mut(r))),
            Self::Planes(matrix) => matrix.planes_mut().for_each(|plane| {
                plane.into_rows().for_each(|row| visit(bytemuck::cast_slice_mut(row)));
            }),
            Self::Bytes(buffer) => visit(buffer),
        }
    }

    fn mark(&mut self, mark: u8) {
        self.each_row(|row| row.fill(mark));
    }

    fn holds(&mut self, mark: u8) -> bool {
        let mut holds = true;
        self.each_row(|row| holds &= row.iter().all(|&byte| byte == mark));
        holds
    }

    fn is_poisoned(&mut self) -> bool {
        let (low, high) =
            (u8::try_from(u16_poison() & 0xFF).unwrap(), u8::try_from(u16_poison() >> 8).unwrap());
        let mut poisoned = true;
        self.each_row(|row| poisoned &= row.iter().all(|&byte| byte == low || byte == high));
        poisoned
    }
}

fn u16_poison() -> u16 {
    <u16 as jxlake_util::Element>::POISON
}

struct Live {
    lease: Any,
    purpose: usize,
    mark: u8,
}

/// What holds for the statistics whenever nobody is in the middle of something.
fn check_statistics(statistics: &Statistics, live: &[Live], budget: Option<u64>, pooled: bool) {
    let total = statistics.total;
    assert_eq!(total.leases, total.hits + total.misses);
    assert_eq!(total.outstanding, live.len() as u64);
    assert!(total.peak_bytes >= total.in_use_bytes);
    let held = total.in_use_bytes + total.idle_bytes;
    assert!(statistics.peak_held_bytes >= held);
    assert!(budget.is_none_or(|budget| statistics.peak_held_bytes <= budget));
    assert!(pooled || total.idle_bytes == 0);
    for (index, usage) in statistics.by_purpose.iter().enumerate() {
        let mine = || live.iter().filter(|live| live.purpose == index);
        assert_eq!(usage.outstanding, mine().count() as u64);
        let least: u64 = mine().map(|live| live.lease.bytes()).sum();
        assert!(usage.in_use_bytes >= least && usage.peak_bytes >= usage.in_use_bytes);
    }
    let sum = |value: fn(&jxlake_util::Usage) -> u64| statistics.by_purpose.iter().map(value).sum::<u64>();
    assert_eq!(total.in_use_bytes, sum(|usage| usage.in_use_bytes));
    assert_eq!(total.idle_bytes, sum(|usage| usage.idle_bytes));
}

fn lease(pool: &Pool, live: &mut Vec<Live>, mark: u8, step: &Step) {
    let &Step::Lease { kind, purpose, shape, zeroed } = step else { return };
    let before = pool.statistics();
    match Any::lease(pool, Purpose::ALL[purpose], kind, shape, zeroed) {
        Ok(mut lease) => {
            if zeroed {
                assert!(lease.holds(0), "zeroed");
            } else if cfg!(debug_assertions) {
                assert!(lease.is_poisoned(), "nobody's data is seen again");
            }
            lease.mark(mark);
            live.push(Live { lease, purpose, mark });
        }
        Err(PoolError::OverBudget { requested, in_use, budget }) => {
            assert_eq!((in_use, Some(budget)), (before.total.in_use_bytes, pool.budget()));
            assert!(requested + in_use > budget, "refused although it fits");
            assert_eq!(pool.statistics().refused, before.refused + 1);
        }
        Err(other) => panic!("{other}"),
    }
}

fn run(steps: &[Step], budget: Option<u64>, pooled: bool) {
    let builder = Pool::builder().pooled(pooled);
    let pool = budget.into_iter().fold(builder, |builder, budget| builder.budget(budget)).build();
    let mut live: Vec<Live> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        match *step {
            Step::Lease { .. } => lease(&pool, &mut live, number as u8 + 1, step),
            Step::Return(which) if !live.is_empty() => {
                let which = which % live.len();
                live.swap_remove(which);
            }
            Step::Reshape(which, shape) if !live.is_empty() => {
                let which = which % live.len();
                let Live { lease, mark, .. } = &mut live[which];
                let capacity = lease.capacity();
                let fits = match lease {
                    Any::Planes(_) => shape.fits_in(capacity),
                    Any::Bytes(_) => shape.cols <= capacity.cols,
                    _ => shape.plane().fits_in(capacity.plane()),
                };
                assert_eq!(lease.reshape(shape), fits);
                assert!(lease.holds(*mark), "a reshape moves nothing");
            }
            Step::Return(_) | Step::Reshape(..) => {}
            Step::Trim(keep) => {
                let before = pool.statistics().total.idle_bytes;
                let freed = pool.trim(keep);
                let after = pool.statistics().total.idle_bytes;
                assert!(after <= keep && freed == before - after);
            }
            Step::Check(bytes) => {
                let in_use = pool.statistics().total.in_use_bytes;
                let fits = budget.is_none_or(|budget| in_use + bytes.next_multiple_of(64) <= budget);
                assert_eq!(pool.check(bytes).is_ok(), fits);
            }
        }
        for Live { lease, mark, .. } in &mut live {
            assert!(lease.holds(*mark), "somebody else wrote into a lease");
        }
        check_statistics(&pool.statistics(), &live, budget, pooled);
    }
    live.clear();
    pool.clear();
    let total = pool.statistics().total;
    assert_eq!((total.outstanding, total.in_use_bytes, total.idle_bytes), (0, 0, 0), "nothing leaks");
}

proptest! {
    /// No two live leases share storage, contents survive everything but a return, the budget is never passed
    /// nor refuses what fits, and the statistics agree with what is held.
    #[test]
    fn a_pool_keeps_its_promises(
        steps in steps(),
        budget in prop_oneof![Just(None), (0u64..600_000).prop_map(Some)],
        pooled in prop::bool::weighted(0.8),
    ) {
        run(&steps, budget, pooled);
    }

    /// The same sequence again finds everything it needs: a warm pool does not miss.
    #[test]
    fn a_warm_pool_does_not_miss(steps in steps()) {
        let pool = Pool::new();
        let pass = || {
            let mut live = Vec::new();
            for (number, step) in steps.iter().enumerate() {
                match *step {
                    Step::Lease { .. } => lease(&pool, &mut live, number as u8 + 1, step),
                    Step::Return(which) if !live.is_empty() => {
                        let which = which % live.len();
                        live.swap_remove(which);
                    }
                    _ => {}
                }
            }
        };
        // A lease may take storage of the next class up, so that the first passes can differ from those after.
        (0..3).for_each(|_| pass());
        let cold = pool.statistics().total.misses;
        pass();
        prop_assert_eq!(pool.statistics().total.misses, cold);
    }
}
