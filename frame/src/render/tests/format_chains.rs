//! Chains as frames of the format have them, rendered by both executors.

use super::executors::{random_length, workers};
use super::harness::{Drive, Random, assert_agree, levels, noise};
use crate::colour::{Curve, LinearTarget, RgbSpace, Transfer, XybToLinear};
use crate::image_header::OpsinInverseMatrix;
use crate::render::stages::*;
use crate::render::*;
use jxlake_util::{Pool, View2};

/// Everything the chain of a frame is made of.
struct Frame {
    shape: FrameShape,
    shifts: Vec<Shift>,
    frame_shift: u8,
    sigma: Vec<u16>,
    sigma_columns: usize,
    gaborish: Option<Gaborish>,
    epf_iterations: usize,
    late_extras: bool,
    kernels: UpsamplingKernels,
    colour: usize,
}

fn random_frame(random: &mut Random) -> Frame {
    let group_dim = 128;
    let frame_shift = [0, 0, 0, 1, 2, 3][random.below(6)];
    let group_size = group_dim << frame_shift;
    let limit = if frame_shift > 1 { 300 } else { 600 };
    let shape = FrameShape {
        width: random_length(random, group_size).min(limit << frame_shift),
        height: random_length(random, group_size).min(limit << frame_shift),
        group_size,
        behind: 0,
    };
    let mut shifts = vec![Shift::both(frame_shift); 3];
    if random.below(3) == 0 {
        // Any of the 64 combinations of subsampling modes, relative to the least subsampled channel.
        let modes = [0, 1, 2].map(|_| [(0, 0), (1, 1), (1, 0), (0, 1)][random.below(4)]);
        let most = (modes.iter().map(|m| m.0).max().unwrap(), modes.iter().map(|m| m.1).max().unwrap());
        for (shift, mode) in shifts.iter_mut().zip(modes) {
            shift.horizontal += most.0 - mode.0;
            shift.vertical += most.1 - mode.1;
        }
    }
    let late_extras = random.below(2) == 0;
    for _ in 0..random.below(3) {
        let more = if late_extras { 0 } else { random.below(4 - usize::from(frame_shift)) as u8 };
        shifts.push(Shift::both(frame_shift + more));
    }
    let coded = |length: usize| length.div_ceil(1 << frame_shift).div_ceil(8);
    let sigma_columns = coded(shape.width);
    let sigma = (0..sigma_columns * coded(shape.height)).map(|_| random.below(4) as u16).collect();
    Frame {
        shape,
        shifts,
        frame_shift,
        sigma,
        sigma_columns,
        gaborish: (random.below(2) == 0).then(|| Gaborish::new([[0.115169525, 0.061248592]; 3])),
        epf_iterations: random.below(4),
        late_extras,
        kernels: UpsamplingKernels::default(),
        colour: random.below(3),
    }
}

#[test]
fn chains_of_frames_agree_with_the_oracle() {
    let (workers, pool, levels) = (workers(), Pool::new(), levels());
    let mut state = StreamingState::default();
    for seed in 0..150 {
        let random = &mut Random::new(1000 + seed);
        let frame = random_frame(random);
        let indices = View2::from_slice(
            &frame.sigma,
            frame.sigma.len() / frame.sigma_columns,
            frame.sigma_columns,
            frame.sigma_columns,
        )
        .unwrap();
        let values = &[0.2, 0.31, 1.0, 4.0].map(Sigma::reciprocal);
        let sigma =
            if random.below(3) == 0 { Sigma::Constant(-0.7) } else { Sigma::Blocks { indices, values } };
        let epf = |step, step_scale| {
            let parameters =
                EpfParameters { channel_scale: [4.0, 0.5, 0.35], step_scale, border_scale: 2.0 / 3.0 };
            EdgePreservingFilter::new(step, parameters, sigma).unwrap()
        };
        let epf = [epf(EpfStep::Zero, 0.9), epf(EpfStep::One, 1.0), epf(EpfStep::Two, 6.5)];
        let frame_shift = frame.frame_shift;
        let (wide, high) =
            (ChromaUpsamplingHorizontal { frame_shift }, ChromaUpsamplingVertical { frame_shift });
        let kernels = &frame.kernels;
        let early = Upsampling { kernels, channels: Upsampled::Channels(3, frame.shifts.len()) };
        let late = Upsampling { kernels, channels: Upsampled::All };
        let transfer = Transfer::new(Curve::Srgb, [0.2126, 0.7152, 0.0722], 255.0);
        let xyb = XybToRgb {
            linear: XybToLinear::new(
                &OpsinInverseMatrix::default(),
                &LinearTarget::Rgb(RgbSpace::SRGB),
                255.0,
            )
            .unwrap(),
            transfer: Some(transfer),
        };
        let mut stages = vec![Stage::Window(&wide), Stage::Window(&high)];
        stages.extend(frame.gaborish.iter().map(|stage| Stage::Window(stage)));
        let first = [3, 1, 1, 0][frame.epf_iterations];
        let last = [3, 2, 3, 3][frame.epf_iterations];
        stages.extend(epf[first..last].iter().map(|stage| Stage::Window(stage)));
        if !frame.late_extras {
            stages.push(Stage::Window(&early));
        }
        stages.push(Stage::Window(&late));
        match frame.colour {
            0 => stages.push(Stage::Point(&xyb)),
            1 => stages.extend([Stage::Tap, Stage::Point(&YcbcrToRgb)]),
            _ => {}
        }
        let planes = noise(random, frame.shape.width, frame.shape.height, &frame.shifts);
        let origin = |channel| {
            if channel >= 3 && random.below(2) == 0 { Origin::Rows } else { Origin::Group }
        };
        let origins: Vec<_> = (0..planes.len()).map(origin).collect();
        let [columns, rows] =
            [frame.shape.width, frame.shape.height].map(|length| length.div_ceil(frame.shape.group_size));
        let mut order: Vec<_> = (0..columns * rows).collect();
        if seed % 3 > 0 {
            random.shuffle(&mut order);
        }
        let drive = Drive {
            threads: &workers[random.below(workers.len())],
            pool: &pool,
            order: &order,
            band_rows: [1, 2, 3, 4, 8][random.below(5)],
            level: levels[random.below(levels.len())],
        };
        assert_agree(frame.shape, &planes, &origins, &stages, &mut state, &drive);
        assert_eq!(pool.statistics().outstanding(), 0, "all leases are returned");
    }
}
