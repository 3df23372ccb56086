//! What files may not do with features, slots and chains of frames, and what they may.

mod stream;

use super::*;
use crate::composition::ChannelRows;
use crate::error::Invalid;
use crate::features::FeatureFault;
use crate::frame_header::{BlendMode, FrameType};
use crate::image_header::{Animation, BitDepth, ExtraChannelInfo, ExtraChannelKind, Size};
use crate::limits::LinearLimit;
use jxlake_util::Rect;
use std::sync::Mutex;
use stream::{Numbers, PATCHES, SPLINES, Stream, image, signed};

/// Takes pictures and keeps the sample of their first channel in the top left corner, of each.
#[derive(Default)]
struct Corners(Mutex<Vec<f32>>);

impl Corners {
    fn note<T: Copy>(&self, row: &dyn ChannelRows<T>, real: impl Fn(T) -> f32) -> Result<()> {
        if let (0, 0, Some(&sample)) = (row.x(), row.y(), row.channel(0).first()) {
            self.0.lock().unwrap().push(real(sample));
        }
        Ok(())
    }
}

impl Output for Corners {
    fn show(&mut self, _: DisplayedFrame<'_>, _: Partition<'_>, draw: &mut DrawFrame<'_>) -> Result<()> {
        draw(self)
    }
}

impl PixelWriter for Corners {
    fn tile(&self, _: usize, _: usize, _: Rect, draw: &mut DrawTile<'_>) -> Result<()> {
        draw(&mut &*self)
    }
}

impl PixelTile for &Corners {
    fn real_row(&mut self, row: &dyn ChannelRows<f32>) -> Result<()> {
        self.note(row, |v| (v * 255.0).round())
    }
    fn narrow_row(&mut self, row: &dyn ChannelRows<i16>) -> Result<()> {
        self.note(row, f32::from)
    }
    fn wide_row(&mut self, row: &dyn ChannelRows<i32>) -> Result<()> {
        self.note(row, |v| v as f32)
    }
}

/// The corner of each displayed frame, and what is wrong with the next.
fn decode_with(limits: Limits, data: &[u8]) -> (Vec<f32>, Result<()>) {
    let context = Context { limits, threads: Threads::Calling, ..Context::default() };
    let mut codestream = Codestream::default();
    let mut corners = Corners::default();
    let mut all = || {
        codestream.begin(data, &context.limits)?;
        while codestream.next_displayed(data, &context, &mut corners)?.is_some() {}
        Ok(())
    };
    let result = all();
    drop(codestream);
    assert_eq!(context.pool.statistics().outstanding(), 0, "leases are left over");
    (corners.0.into_inner().unwrap(), result)
}

fn decode(stream: &Stream) -> (Vec<f32>, Result<()>) {
    decode_with(Limits::strict(), stream.bytes())
}

fn error_of(stream: &Stream) -> Error {
    decode(stream).1.expect_err("the stream breaks a rule")
}

fn assert_fault(stream: &Stream, fault: FeatureFault) {
    let error = error_of(stream);
    assert!(
        matches!(error, Error::Invalid { what: Invalid::Feature(f), .. } if f == fault),
        "{error:?} for {fault}"
    );
}

fn alpha() -> ExtraChannelInfo {
    ExtraChannelInfo {
        kind: ExtraChannelKind::Alpha { associated: false },
        bit_depth: BitDepth::default(),
        dim_shift: 0,
        name: 0..0,
    }
}

/// A last frame with these numbers of patches, over a frame of 6 x 5 in slot 1; 16 x 12, `extra` alphas.
fn patched(extra: usize, numbers: &[(usize, u32)]) -> Stream {
    let mut stream = Stream::new(image(16, 12, &vec![alpha(); extra]));
    let source = FrameHeader {
        frame_type: FrameType::ReferenceOnly,
        have_crop: true,
        size: Size { width: 6, height: 5 },
        covers: false,
        save_before_colour_transform: true,
        ..stream.saved(1)
    };
    let last = stream.last();
    stream.frame(&source, &[], 40).frame(&last, &[Numbers(PATCHES, numbers)], 7);
    stream
}

/// One patch: slot, source x, y, width and height, placements less one, position, mode.
fn patch(
    slot: u32,
    [x, y]: [u32; 2],
    [width, height]: [u32; 2],
    at: [u32; 2],
    mode: u32,
) -> Vec<(usize, u32)> {
    let (w, h) = (width - 1, height - 1);
    vec![(0, 1), (1, slot), (3, x), (3, y), (2, w), (2, h), (7, 0), (4, at[0]), (4, at[1]), (5, mode)]
}

#[test]
fn patches_are_taken_from_where_there_are_some() {
    let good = patched(0, &patch(1, [1, 1], [5, 4], [0, 0], 2));
    assert_eq!(decode(&good).0, [47.0]);
    // Slots that are empty or do not exist.
    for slot in [0, 2, 3, 4, u32::MAX] {
        assert_fault(
            &patched(0, &patch(slot, [0, 0], [1, 1], [0, 0], 1)),
            FeatureFault::PatchSource { slot },
        );
    }
    // A slot whose frame was saved after the colour transform.
    let mut stream = Stream::new(image(16, 12, &[]));
    let (below, last) = (stream.saved(1), stream.last());
    let numbers = patch(1, [0, 0], [1, 1], [0, 0], 1);
    stream.frame(&below, &[], 3).frame(&last, &[Numbers(PATCHES, &numbers)], 7);
    assert_fault(&stream, FeatureFault::PatchSource { slot: 1 });
}

#[test]
fn patches_lie_inside_of_both_frames() {
    for ([x, y], [width, height]) in
        [([2, 0], [5, 1]), ([0, 0], [1, 6]), ([u32::MAX, 0], [1, 1]), ([6, 5], [1, 1])]
    {
        let fault = FeatureFault::PatchRectangle { x, y, width: width.into(), height: height.into() };
        assert_fault(&patched(0, &patch(1, [x, y], [width, height], [0, 0], 1)), fault);
    }
    for [x, y] in [[12, 0], [0, 9], [u32::MAX, 0]] {
        let fault = FeatureFault::PatchPosition { x: x.into(), y: y.into() };
        assert_fault(&patched(0, &patch(1, [0, 0], [5, 4], [x, y], 1)), fault);
    }
    // The second place, a step back from the first, is left of the frame.
    let mut numbers = patch(1, [0, 0], [2, 2], [1, 0], 1);
    numbers[6].1 = 1;
    numbers.extend([(6, signed(-2)), (6, 0), (5, 1)]);
    assert_fault(&patched(0, &numbers), FeatureFault::PatchPosition { x: -1, y: 0 });
}

#[test]
fn patches_blend_by_modes_and_channels_that_exist() {
    assert_fault(&patched(0, &patch(1, [0, 0], [1, 1], [0, 0], 8)), FeatureFault::PatchBlendMode { mode: 8 });
    let mut numbers = patch(1, [0, 0], [1, 1], [0, 0], 4);
    numbers.push((8, 2));
    assert_fault(&patched(2, &numbers), FeatureFault::PatchAlphaChannel { channel: 2 });
    // Without alpha, blending above is replacing.
    let mut numbers = patch(1, [0, 0], [1, 1], [0, 0], 4);
    numbers.push((9, 0));
    assert_eq!(decode(&patched(0, &numbers)).0, [40.0]);
}

#[test]
fn patch_bombs_are_defused() {
    let bound = 1024 + 16 * 12 / 4;
    for count in [u32::MAX, bound + 1] {
        let fault = FeatureFault::Count { what: "patches", count: count.into(), bound: bound.into() };
        assert_fault(&patched(0, &[(0, count)]), fault);
    }
    let mut numbers = patch(1, [0, 0], [1, 1], [0, 0], 1);
    numbers[6].1 = u32::MAX;
    let fault =
        FeatureFault::Count { what: "places of patches", count: 1 << 32, bound: 4 * u64::from(bound) };
    assert_fault(&patched(0, &numbers[..7]), fault);
    // Two hundred times thirty pixels are more than the limit for a frame of 192.
    let mut numbers = patch(1, [0, 0], [6, 5], [0, 0], 2);
    numbers[6].1 = 199;
    (0..199).for_each(|_| numbers.extend([(6, 0), (6, 0), (5, 2)]));
    let stream = patched(0, &numbers);
    assert_eq!(decode(&stream).0, [7.0 + 200.0 * 40.0]);
    let patch_area = LinearLimit { per_unit: 16, base: 0, cap: u64::MAX };
    let error = decode_with(Limits { patch_area, ..Limits::strict() }, stream.bytes()).1.unwrap_err();
    assert!(matches!(error, Error::Limit { limit: Limit::PatchArea, bound: 3072, .. }), "{error:?}");
}

/// A frame of 16 x 12 with one spline: its start, further steps' changes, and the first coefficient of each channel.
fn splined(start: [u32; 2], changes: &[[i32; 2]], first: [i32; 4]) -> Vec<(usize, u32)> {
    let mut numbers = vec![(2, 0), (1, start[0]), (1, start[1]), (0, 0), (3, changes.len() as u32)];
    numbers.extend(changes.iter().flatten().map(|&change| (4, signed(change))));
    for value in first {
        numbers.push((5, signed(value)));
        numbers.extend([(5, 0); 31]);
    }
    numbers
}

fn spline_stream(width: u32, height: u32, numbers: &[(usize, u32)]) -> Stream {
    let mut stream = Stream::new(image(width, height, &[]));
    let last = stream.last();
    stream.frame(&last, &[Numbers(SPLINES, numbers)], 100);
    stream
}

#[test]
fn splines_stay_near() {
    let good = spline_stream(16, 12, &splined([0, 0], &[[6, 6]], [2000, 0, 0, 8]));
    let (corners, result) = decode(&good);
    assert!(result.is_ok() && corners[0] > 110.0, "{corners:?} {result:?}");
    let far = 1 << 23;
    let fault = |x, y| FeatureFault::SplinePosition { x, y };
    assert_fault(&spline_stream(16, 12, &splined([far as u32, 0], &[[1, 0]], [0; 4])), fault(far, 0));
    let near = far as i32 - 1;
    assert_fault(&spline_stream(16, 12, &splined([5, 0], &[[near, 0]], [0; 4])), fault(far + 4, 0));
    let changes = [[near, 0], [near, 0]];
    assert_fault(&spline_stream(16, 12, &splined([0, 0], &changes, [0; 4])), fault(2 * far - 2, 0));
    let value = 1 << 30;
    let stream = spline_stream(16, 12, &splined([0, 0], &[[0, value]], [0; 4]));
    assert_fault(&stream, FeatureFault::SplineStep { value });
    let repeated = FeatureFault::SplineRepeatedPoint { x: 4, y: 1 };
    assert_fault(&spline_stream(16, 12, &splined([3, 1], &[[1, 0], [-1, 0]], [0; 4])), repeated);
    let stream = spline_stream(16, 12, &splined([3, 1], &[[1, 0]], [0, i32::MIN, 0, 0]));
    assert_fault(&stream, FeatureFault::SplineCoefficient);
}

#[test]
fn spline_bombs_are_defused() {
    let bound = 16 * 12 / 2;
    let fault = |what, count| FeatureFault::Count { what, count, bound };
    assert_fault(&spline_stream(16, 12, &[(2, u32::MAX)]), fault("splines", 1 << 32));
    assert_fault(&spline_stream(16, 12, &[(2, 96), (1, 0)]), fault("splines", 97));
    let numbers = [(2, 0), (1, 0), (1, 0), (0, 0), (3, u32::MAX)];
    assert_fault(&spline_stream(16, 12, &numbers), fault("control points", 1 << 32));
    // One pixel has room for none.
    let fault = FeatureFault::Count { what: "splines", count: 1, bound: 0 };
    assert_fault(&spline_stream(1, 1, &[(2, 0)]), fault);
    // Millions of steps away from a few hundred pixels; there and back again, more than any limit allows.
    let error = error_of(&spline_stream(16, 12, &splined([0, 0], &[[1 << 21, 0]], [9, 9, 9, 9])));
    assert!(matches!(error, Error::Limit { limit: Limit::SplineArea, .. }), "{error:?}");
    let far = (1 << 22) - 1;
    let mut changes = vec![[far, 0]];
    changes.extend((0..60).map(|i| if i % 2 == 0 { [-2 * far, 0] } else { [2 * far, 0] }));
    let error = error_of(&spline_stream(16, 12, &splined([0, 0], &changes, [9, 9, 9, 9])));
    let too_much = |fault| matches!(fault, FeatureFault::SplineSize { what: "area", .. });
    assert!(
        matches!(error, Error::Invalid { what: Invalid::Feature(fault), .. } if too_much(fault)),
        "{error:?}"
    );
    // A blot at each step that covers all the frame, and far more.
    let error = error_of(&spline_stream(16, 12, &splined([0, 0], &[[5, 5]], [1 << 30, 1 << 30, 0, 1 << 30])));
    let known = matches!(
        error,
        Error::Limit { limit: Limit::SplineArea, .. } | Error::Invalid { what: Invalid::Feature(_), .. }
    );
    assert!(known, "{error:?}");
}

#[test]
fn chains_of_unseen_frames_end() {
    let animation = Animation { tps_numerator: 10, tps_denominator: 1, num_loops: 0, have_timecodes: false };
    for animated in [false, true] {
        let mut header = image(9, 7, &[]);
        header.animation = animated.then_some(animation);
        let mut stream = Stream::new(header);
        let (unseen, last) = (stream.saved(0), stream.last());
        for value in 0..64 {
            stream.frame(&unseen, &[], value);
        }
        stream.frame(&last, &[], 7);
        let error = error_of(&stream);
        assert!(
            matches!(error, Error::Limit { limit: Limit::ComposedFrames, value: 65, bound: 64 }),
            "{error:?}"
        );
        let (corners, result) =
            decode_with(Limits { composed_frames: 65, ..Limits::strict() }, stream.bytes());
        assert!(result.is_ok() && corners == [7.0], "{result:?}");
    }
    // Those that are shown do not count: a long animation is no chain.
    let mut header = image(9, 7, &[]);
    header.animation = Some(animation);
    let mut stream = Stream::new(header);
    let (shown, last) = (FrameHeader { duration: 1, ..stream.saved(0) }, stream.last());
    for value in 0..80 {
        stream.frame(&shown, &[], value);
    }
    stream.frame(&last, &[], 80);
    let (corners, result) = decode(&stream);
    assert!(result.is_ok() && corners.len() == 81 && corners[80] == 80.0, "{result:?}");
}

#[test]
fn frames_are_blended_over_whole_pictures() {
    let ends = |source: u8| {
        let mut stream = Stream::new(image(16, 12, &[alpha()]));
        let small = FrameHeader {
            frame_type: FrameType::ReferenceOnly,
            have_crop: true,
            size: Size { width: 6, height: 5 },
            covers: false,
            save_before_colour_transform: true,
            ..stream.saved(1)
        };
        let untransformed = FrameHeader { save_before_colour_transform: true, ..stream.saved(3) };
        let (below, last) = (stream.saved(2), Stream::blended(stream.last(), BlendMode::Add, source));
        stream.frame(&small, &[], 40).frame(&below, &[], 30).frame(&untransformed, &[], 20);
        decode(stream.frame(&last, &[], 7))
    };
    // An empty slot is black and transparent.
    assert_eq!(ends(0).0, [7.0]);
    assert_eq!(ends(2).0, [37.0]);
    for (source, size) in [(1, [6, 5]), (3, [16, 12])] {
        let error = ends(source).1.unwrap_err();
        let what = Invalid::BlendingSource { width: size[0], height: size[1] };
        assert!(matches!(&error, Error::Invalid { what: w, .. } if *w == what), "{error:?}");
    }
}

#[test]
fn crops_far_away_leave_the_canvas_as_it_is() {
    let far = [[1 << 29, 0], [0, -(1 << 29)], [-6, 0], [16, 12], [0, -5]];
    for [x0, y0] in far {
        let mut stream = Stream::new(image(16, 12, &[]));
        let (below, last) = (stream.saved(1), stream.last());
        let crop = FrameHeader {
            have_crop: true,
            x0,
            y0,
            size: Size { width: 6, height: 5 },
            covers: false,
            ..last
        };
        stream.frame(&below, &[], 30).frame(&Stream::blended(crop, BlendMode::Add, 1), &[], 7);
        let (corners, result) = decode(&stream);
        assert!(result.is_ok() && corners == [30.0], "at {x0}, {y0}: {corners:?} {result:?}");
    }
}

#[test]
fn blending_by_alpha_that_is_missing_replaces() {
    let mut stream = Stream::new(image(16, 12, &[]));
    let (below, last) = (stream.saved(1), stream.last());
    stream.frame(&below, &[], 30).frame(&Stream::blended(last, BlendMode::Blend, 1), &[], 7);
    assert_eq!(decode(&stream).0, [7.0]);
}

#[test]
fn lf_images_come_from_lf_frames_that_have_come() {
    let data: &[u8] = include_bytes!("../../../../testdata/vardct/vardct-lf-frame.jxl");
    let limits = Limits::strict();
    let mut codestream = Codestream::default();
    codestream.begin(data, &limits).unwrap();
    let first = codestream.next_frame.unwrap();
    assert_eq!(codestream.skip_frame(data, &limits).unwrap().unwrap().frame_type, FrameType::Lf);
    let second = codestream.next_frame.unwrap();
    let without = [&data[..first], &data[second..]].concat();
    let error = decode_with(limits, &without).1.unwrap_err();
    assert!(matches!(error, Error::Invalid { what: Invalid::LfFrameMissing { level: 1 }, .. }), "{error:?}");
}

#[test]
fn slots_are_empty_behind_the_last_frame() {
    let mut stream = Stream::new(image(16, 12, &[]));
    let (below, last) = (stream.saved(1), stream.last());
    stream.frame(&below, &[], 30).frame(&Stream::blended(last, BlendMode::Add, 1), &[], 7);
    let context = Context { threads: Threads::Calling, ..Context::default() };
    let mut codestream = Codestream::default();
    codestream.begin(stream.bytes(), &context.limits).unwrap();
    codestream.next_displayed(stream.bytes(), &context, &mut Corners::default()).unwrap().unwrap();
    assert_eq!(context.pool.statistics().outstanding(), 0);
}
