//! The stages of rendering in the streaming executor, over a group of 256 x 256, beside plain loops.
//!
//! `write` is a chain without stages: leasing a group and copying samples into it, which all others include.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fearless_simd::Level;
use jxlake_frame::Error;
use jxlake_frame::colour::{Curve, LinearTarget, RgbSpace, Transfer, XybToLinear};
use jxlake_frame::image_header::OpsinInverseMatrix;
use jxlake_frame::render::oracle::Plane;
use jxlake_frame::render::stages::*;
use jxlake_frame::render::*;
use jxlake_util::{Pool, View2};
use std::hint::black_box;

const SIDE: usize = 256;

/// A consumer that looks at one sample of each row.
struct Glance;

impl RowConsumer for Glance {
    fn region(&self, _: &Region, render: &mut RenderRegion<'_>) -> Result<(), Error> {
        render(&mut Glance)
    }
}

impl RowSink for Glance {
    fn row(&mut self, row: &ConsumerRow<'_>) -> Result<(), Error> {
        black_box(row.channel(0)[0]);
        Ok(())
    }
}

/// Planes that look a little like XYB of a photograph.
fn planes(side: usize) -> [Plane; 3] {
    let mut state = 1u32;
    let mut noise = move || {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let noise: Vec<f32> = (0..3 * side * side).map(|_| noise()).collect();
    [(0.0, 0.01), (0.3, 0.2), (0.3, 0.2)].map(|(base, swing)| {
        Plane::new(side, side, Shift::default(), |x, y| {
            let wave = (x as f32 / 37.0).sin() + (y as f32 / 23.0).cos();
            base + swing * (wave / 4.0 + noise[y * side + x] / 20.0)
        })
    })
}

fn channel_plans() -> [ChannelPlan; 3] {
    [ChannelPlan { shift: Shift::default(), origin: Origin::Group }; 3]
}

struct Rendering<'a> {
    plan: &'a Plan,
    stages: &'a [Stage<'a>],
    planes: &'a [Plane; 3],
    pool: &'a Pool,
    level: Level,
}

impl Rendering<'_> {
    fn run(&self, state: &mut StreamingState) -> Result<(), Error> {
        let &Self { plan, stages, pool, level, .. } = self;
        let executor = state.begin(RenderJob { plan, stages, source: None, pool, level });
        let [columns, rows] = plan.groups();
        for group in 0..columns * rows {
            let mut input = executor.lease_group(group)?;
            let (x, y) = (group % columns * SIDE, group / columns * SIDE);
            for (view, plane) in input.channels([0, 1, 2], Extent::Exact)?.iter_mut().zip(self.planes) {
                for row in 0..view.rows() {
                    let width = view.cols();
                    view.row_mut(row).copy_from_slice(&plane.row(y + row)[x..x + width]);
                }
            }
            executor.submit(input, &Glance)?;
        }
        Ok(())
    }
}

fn stages(c: &mut Criterion) {
    let pool = Pool::new();
    let planes = planes(2 * SIDE);
    let single =
        planes.each_ref().map(|plane| Plane::new(SIDE, SIDE, Shift::default(), |x, y| plane.row(y)[x]));
    let indices = vec![0; (SIDE / 4) * (SIDE / 4)];
    let indices = View2::from_slice(&indices, SIDE / 4, SIDE / 4, SIDE / 4).unwrap();
    let sigma = Sigma::Blocks { indices, values: &[Sigma::reciprocal(1.2)] };
    let gaborish = Gaborish::new([[0.115169525, 0.061248592]; 3]);
    let epf = |step, step_scale| {
        let channel_scale = [40.0, 5.0, 3.5];
        let parameters = EpfParameters { channel_scale, step_scale, border_scale: 2.0 / 3.0 };
        EdgePreservingFilter::new(step, parameters, sigma).unwrap()
    };
    let epf = [epf(EpfStep::Zero, 0.9), epf(EpfStep::One, 1.0), epf(EpfStep::Two, 6.5)];
    let target = LinearTarget::Rgb(RgbSpace::SRGB);
    let xyb = XybToRgb {
        linear: XybToLinear::new(&OpsinInverseMatrix::default(), &target, 255.0).unwrap(),
        transfer: Some(Transfer::new(Curve::Srgb, [0.2126, 0.7152, 0.0722], 255.0)),
    };
    let gaborish = Stage::Window(&gaborish);
    let [epf0, epf1, epf2] = epf.each_ref().map(|stage| Stage::Window(stage));
    let xyb = Stage::Point(&xyb);
    let chains: [(&str, &[Stage<'_>]); 7] = [
        ("write", &[]),
        ("gaborish", &[gaborish]),
        ("epf0", &[epf0]),
        ("epf1", &[epf1]),
        ("epf2", &[epf2]),
        ("xyb to srgb", &[xyb]),
        ("gaborish, epf1, epf2, xyb to srgb", &[gaborish, epf1, epf2, xyb]),
    ];
    let mut levels = vec![("best", Level::new())];
    #[cfg(target_arch = "x86_64")]
    levels.extend(Level::new().as_avx2().map(|avx2| ("avx2", Level::Avx2(avx2))));
    let mut state = StreamingState::default();
    for (side, planes) in [(SIDE, &single), (2 * SIDE, &planes)] {
        for &(name, level) in &levels {
            let mut group = c.benchmark_group(format!("{side} {name}"));
            group.throughput(Throughput::Elements((side * side) as u64));
            for (name, stages) in chains {
                let shape = FrameShape { width: side, height: side, group_size: SIDE, behind: 0 };
                for band in [1, 2, 4, 8] {
                    let mut plan = Plan::default();
                    plan.build_with(shape, &channel_plans(), stages, band).unwrap();
                    let rendering = Rendering { plan: &plan, stages, planes, pool: &pool, level };
                    group.bench_function(format!("{name}, {band}"), |b| {
                        b.iter(|| rendering.run(&mut state).unwrap());
                    });
                }
            }
            group.finish();
        }
    }
}

criterion_group!(benches, stages);
criterion_main!(benches);
