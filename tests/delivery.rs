//! Colours as the caller wants them, layers as coded, and what the API tells of frames.

mod common;

use jxlake::colour::colour_encoding_named;
use jxlake::frame::colour::{Curve, LinearTarget, RgbSpace, matrix};
use jxlake::frame::frame_header::BlendMode;
use jxlake::frame::image_header::ColourEncoding;
use jxlake::output::AlphaMode;
use jxlake::{Channels, Decoder, Error, ErrorKind, Image, OutputColour, PixelFormat, Threads};
use std::sync::Arc;

fn stream(name: &str) -> Vec<u8> {
    std::fs::read(common::testdata().join(name).with_extension("jxl")).expect("a stream")
}

fn decoder() -> Decoder {
    Decoder::new().with_threads(Threads::Calling)
}

fn named(name: &str) -> OutputColour {
    OutputColour::Encoding(colour_encoding_named(name).expect("a known name"))
}

fn decode(file: &[u8], colour: OutputColour, nits: Option<f32>) -> Image<f32> {
    let mut decoder = decoder().with_output_colour(colour).with_display_peak(nits);
    decoder.decode(file, &PixelFormat::default()).expect("a picture")
}

fn pixels(image: &Image<f32>) -> impl Iterator<Item = [f64; 3]> {
    image.rows().flat_map(|row| row.chunks_exact(3)).map(|p| [p[0], p[1], p[2]].map(f64::from))
}

/// The conversion in double precision, sample by sample.
fn converted(pixel: [f64; 3], from: &ColourEncoding, to: &ColourEncoding, nits: f32) -> [f64; 3] {
    let curve = |encoding: &ColourEncoding| Curve::of(encoding.transfer_function, nits).expect("a curve");
    let space = |encoding: &ColourEncoding| match LinearTarget::of(encoding) {
        Some(LinearTarget::Rgb(space)) => space,
        _ => panic!("an RGB space"),
    };
    let linear = pixel.map(|v| curve(from).decode(v));
    let matrix = space(from).to(&space(to)).expect("a matrix");
    matrix::multiply_vector(&matrix, linear).map(|v| curve(to).encode(v))
}

/// Largest difference of samples that both are in 0 ..= 1.
fn largest_difference(image: &Image<f32>, expected: impl Iterator<Item = [f64; 3]>) -> f64 {
    let samples = pixels(image).flatten().zip(expected.flatten());
    let inside = samples.filter(|(a, b)| (0.0..=1.0).contains(a) && (0.0..=1.0).contains(b));
    inside.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// XYB and lossless images in other encodings are what double precision makes of their own.
#[test]
fn enumerated_encodings_agree_with_double_precision() {
    for (name, own) in [("colour_p3", "display-p3"), ("colour_pq", "pq"), ("colour_pq_lossless", "pq")] {
        let file = stream(name);
        let original = decode(&file, OutputColour::Original, None);
        let own = colour_encoding_named(own).expect("a known name");
        let nits = decoder().open(&file).expect("headers").image().tone_mapping.intensity_target;
        for target in ["srgb", "display-p3", "rec2020", "pq", "linear"] {
            let image = decode(&file, named(target), None);
            let target = colour_encoding_named(target).expect("a known name");
            let expected = pixels(&original).map(|pixel| converted(pixel, &own, &target, nits));
            let difference = largest_difference(&image, expected);
            assert!(difference < 4e-4, "{name} in {target:?}: {difference}");
        }
    }
}

/// The encoding that an image has anyway changes no bit, not even of integers.
#[test]
fn the_own_encoding_is_no_conversion() {
    let file = stream("rgba");
    let plain = decoder().decode::<u8>(&file, &PixelFormat::default()).expect("a picture");
    let mut asked = decoder().with_output_colour(named("srgb"));
    let asked = asked.decode::<u8>(&file, &PixelFormat::default()).expect("a picture");
    assert!(plain.rows().eq(asked.rows()));
}

/// Gray is made of colours, and colours of gray.
#[test]
fn gray_and_colour_become_each_other() {
    let file = stream("effort7");
    let gray = PixelFormat { channels: Channels::Gray, ..PixelFormat::default() };
    let mut to_gray = decoder().with_output_colour(named("linear-gray"));
    let image = to_gray.decode::<f32>(&file, &gray).expect("a gray picture");
    let linear = decode(&file, named("linear"), None);
    for (row, colours) in image.rows().zip(linear.rows()) {
        for (gray, rgb) in row.iter().zip(colours.chunks_exact(3)) {
            let luminance = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
            assert!((gray - luminance).abs() < 1e-5);
        }
    }
    let image = decode(&stream("gray"), named("display-p3"), None);
    assert!(pixels(&image).all(|[r, g, b]| r == g && g == b));
    assert_eq!(decoder().decode::<f32>(&file, &gray).unwrap_err().kind(), ErrorKind::Misuse);
}

/// HDR images for a darker display: nothing is brighter than it, and dark tones stay visible.
#[test]
fn tones_are_mapped_for_the_display() {
    for name in ["colour_pq", "colour_pq_lossless"] {
        let file = stream(name);
        let plain = decode(&file, named("linear"), None);
        let mapped = decode(&file, named("linear"), Some(200.0));
        let (mut brighter, mut brightest) = (0, 0f64);
        for (plain, mapped) in pixels(&plain).flatten().zip(pixels(&mapped).flatten()) {
            brightest = brightest.max(mapped);
            brighter += usize::from(mapped > plain);
        }
        assert!(brightest <= 1.0 + 1e-4 && brightest > 0.3, "{name}: {brightest}");
        assert!(brighter > 1000, "{name}: {brighter}");
    }
    // HLG for a display of the same peak is the same, for another it is not.
    let file = stream("colour_hlg_lossless");
    let plain = decode(&file, named("srgb"), None);
    assert!(plain.rows().eq(decode(&file, named("srgb"), Some(1000.0)).rows()));
    assert!(!plain.rows().eq(decode(&file, named("srgb"), Some(100.0)).rows()));
}

/// The numbers in the profile of `colour_icc`, see `testdata/make.py`.
fn to_xyz_of_test_profile(pixel: [f64; 3]) -> [f64; 3] {
    const CURVE: [f64; 7] = [0.0, 900.0, 5000.0, 14000.0, 27000.0, 44000.0, 65535.0];
    let linear = pixel.map(|v| {
        let at = v.clamp(0.0, 1.0) * 6.0;
        let index = (at as usize).min(5);
        (CURVE[index] + (at - index as f64) * (CURVE[index + 1] - CURVE[index])) / 65535.0
    });
    let matrix = [[0.50, 0.32, 0.1442], [0.25, 0.68, 0.07], [0.01, 0.09, 0.7249]];
    matrix::multiply_vector(&matrix, linear)
}

/// Images with an embedded profile, in enumerated encodings; and back through the profile as the caller's.
#[test]
fn embedded_and_callers_profiles_are_converted() {
    let file = stream("colour_icc");
    let original = decode(&file, OutputColour::Original, None);
    let to_srgb = matrix::inverse(&RgbSpace::SRGB.to_xyz_d50().expect("a space")).expect("an inverse");
    let expected = || {
        pixels(&original).map(|pixel| {
            let linear = matrix::multiply_vector(&to_srgb, to_xyz_of_test_profile(pixel));
            linear.map(|v| Curve::Srgb.encode(v))
        })
    };
    let srgb = decode(&file, named("srgb"), None);
    let difference = largest_difference(&srgb, expected());
    assert!(difference < 3e-3, "{difference}");
    let linear = decode(&file, named("linear"), None);
    let decoded = pixels(&linear).map(|pixel| pixel.map(|v| Curve::Srgb.encode(v)));
    let difference = largest_difference(&srgb, decoded);
    assert!(difference < 1e-2, "{difference}");

    // Lossy coding loses its profile: delivered through it as the caller's, the picture is like the original.
    let file = stream("colour_icc_lossy");
    let mut asking = decoder();
    let profile: Arc<[u8]> = asking.open(&file).expect("headers").embedded_icc().into();
    let mut asking = asking.with_output_colour(OutputColour::Profile(profile.clone()));
    let image = asking.decode::<f32>(&file, &PixelFormat::default()).expect("a picture");
    assert_eq!(asking.open(&file).expect("headers").output_icc().expect("a profile"), *profile);
    let samples = pixels(&image).flatten().zip(pixels(&original).flatten());
    let sum: f64 = samples.map(|(a, b)| (a - b).powi(2)).sum();
    let rms = (sum / (72.0 * 56.0 * 3.0)).sqrt();
    assert!(rms < 0.04, "{rms}");
}

/// Damaged profiles matter only to those who ask for a conversion.
#[test]
fn damaged_profiles_are_errors_when_a_conversion_is_asked_for() {
    let file = stream("colour_icc");
    for length in [0, 10, 128, 300] {
        let mut profile = decoder().open(&file).expect("headers").embedded_icc().to_vec();
        profile.truncate(length);
        let mut asking = decoder().with_output_colour(OutputColour::Profile(profile.into()));
        let error = asking.decode::<f32>(&file, &PixelFormat::default()).unwrap_err();
        assert!(matches!(error, Error::Conversion(_)), "{error}");
    }
}

/// Profiles with flipped bits and numbers of any size: a picture or an error, never a panic or memory on a claim.
#[test]
fn hostile_profiles_do_no_harm() {
    let mut random = common::Random::new(7);
    for (profile_of, picture_of) in [("colour_icc", "rgba"), ("render/cmyk", "render/cmyk")] {
        let intact = decoder().open(&stream(profile_of)).expect("headers").embedded_icc().to_vec();
        let file = stream(picture_of);
        for round in 0..60 {
            let mut profile = intact.clone();
            for _ in 0..1 + random.below(4) {
                let place = random.below(profile.len());
                match round % 3 {
                    0 => profile[place] ^= 1 << random.below(8),
                    1 => profile[place] = [0, 0xff, 0x7f, 0x80][random.below(4)],
                    _ => profile.truncate(place.max(128)),
                }
            }
            let mut asking = decoder().with_output_colour(OutputColour::Profile(profile.into()));
            match asking.decode::<u8>(&file, &PixelFormat::default()) {
                Ok(_) | Err(Error::Conversion(_)) => {}
                // The header may say gray, which has other channels.
                Err(error) => assert_eq!(error.kind(), ErrorKind::Misuse, "{error}"),
            }
        }
    }
}

/// The reported profile is that of the delivered pixels.
#[test]
fn the_output_profile_tells_the_truth() {
    let profile_of = |name: &str, colour| {
        let mut decoder = decoder().with_output_colour(colour);
        let file = stream(name);
        decoder.open(&file).expect("headers").output_icc().expect("a profile")
    };
    let p3 = profile_of("colour_p3", OutputColour::Original);
    assert_eq!(profile_of("rgba", named("display-p3")).len(), p3.len());
    assert_ne!(profile_of("colour_p3", named("srgb")), p3);
    assert_eq!(&profile_of("rgba", named("gray"))[16..20], b"GRAY");
    assert_eq!(profile_of("colour_icc", OutputColour::Original).len(), 512);
}

/// A second decode with the same conversion takes nothing new from the system.
#[test]
fn conversions_are_kept() {
    let file = stream("colour_icc");
    let mut decoder = decoder().with_output_colour(named("srgb"));
    let first = decoder.decode::<u8>(&file, &PixelFormat::default()).expect("a picture");
    let second = decoder.decode::<u8>(&file, &PixelFormat::default()).expect("a picture");
    assert!(first.rows().eq(second.rows()));
}

/// Layers have their own pixels, size, place and blending, and composed frames are what comes of them.
#[test]
fn layers_come_as_coded_and_frames_as_composed() {
    let file = stream("animation");
    let format = PixelFormat { channels: Channels::Rgba, ..PixelFormat::default() };
    let mut decoder = decoder();
    let mut frames = decoder.open(&file).expect("headers");
    assert_eq!(frames.animation().expect("an animation").num_loops, 0);
    let mut composed = Vec::new();
    while let Some(image) = frames.next_image::<u8>(&format).expect("a frame") {
        assert_eq!((image.shape().width, image.shape().height), (60, 44));
        composed.push(image);
    }
    assert_eq!(composed.len(), 3);
    let mut frames = decoder.open(&file).expect("headers");
    let mut layers = Vec::new();
    let mut facts = Vec::new();
    while let Some(image) = frames.next_layer::<u8>(&format).expect("a layer") {
        let info = frames.frame_info();
        assert_eq!([image.shape().width as u32, image.shape().height as u32], info.size);
        let (numerator, denominator) = info.seconds();
        facts.push((info.position, info.size, info.blending.mode, numerator * 100 / denominator));
        layers.push(image);
    }
    let expected = [
        ([0, 0], [60, 44], BlendMode::Replace, 10),
        ([7, 5], [20, 16], BlendMode::Blend, 25),
        ([30, 34], [30, 10], BlendMode::Replace, 7),
    ];
    assert_eq!(facts, expected);
    assert!(layers[0].rows().eq(composed[0].rows()));
    // The last replaces what is below it.
    for y in 0..10 {
        assert_eq!(layers[2].row(y), &composed[2].row(34 + y)[30 * 4..]);
    }
    // The two ways may be mixed.
    let mut frames = decoder.open(&file).expect("headers");
    frames.next_layer::<u8>(&format).expect("a layer").expect("a layer");
    frames.next_layer::<u8>(&format).expect("a layer").expect("a layer");
    let last = frames.next_image::<u8>(&format).expect("a frame").expect("a frame");
    assert!(last.rows().eq(composed[2].rows()));
    assert!(frames.next_image::<u8>(&format).expect("the end").is_none());
}

/// Conversions also reach frames that are composed.
#[test]
fn composed_frames_are_converted() {
    let file = stream("animation");
    let mut plain = decoder();
    let mut plain = plain.open(&file).expect("headers");
    let mut linear = decoder().with_output_colour(named("linear"));
    let mut linear = linear.open(&file).expect("headers");
    let format = PixelFormat::default();
    while let Some(image) = plain.next_image::<f32>(&format).expect("a frame") {
        let linear = linear.next_image::<f32>(&format).expect("a frame").expect("as many frames");
        let expected = pixels(&image).map(|pixel| pixel.map(|v| Curve::Srgb.decode(v)));
        assert!(largest_difference(&linear, expected) < 1e-5);
    }
}

/// CMYK becomes RGB by its profile and its black channel: inks of the test profile multiply.
#[test]
fn cmyk_becomes_rgb() {
    let file = stream("render/cmyk");
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let inks = decoder().decode::<f32>(&file, &format).expect("a picture");
    let image = decode(&file, named("srgb"), None);
    let mut solids = 0;
    for (inks, pixel) in inks.rows().flat_map(|row| row.chunks_exact(4)).zip(pixels(&image)) {
        // Between the solids the profile interpolates in Lab.
        if inks.iter().all(|v| *v < 0.001 || *v > 0.999) {
            solids += 1;
            for (&paper, v) in inks.iter().zip(pixel) {
                let expected = f64::from(paper.round() * inks[3].round());
                assert!((v - expected).abs() < 0.01, "{inks:?} became {pixel:?}");
            }
        }
    }
    assert!(solids > 50, "{solids}");
    let Some(path) = common::shared("conformance/cmyk_layers/input.jxl") else { return };
    let file = std::fs::read(path).expect("readable");
    let image = decode(&file, named("srgb"), None);
    assert!(pixels(&image).flatten().all(|v| (-0.01..=1.01).contains(&v)));
    let bright = pixels(&image).filter(|pixel| pixel.iter().all(|v| *v > 0.9)).count();
    assert!(bright > 100, "paper is white: {bright}");
}

/// What is coded in XYB can be had in it: the numbers are those that the picture's own colours are made of.
#[test]
fn xyb_is_delivered_as_coded() {
    for name in ["render/upsampling_2", "render/noise", "colour_p3"] {
        let file = stream(name);
        let xyb = decode(&file, named("xyb"), None);
        let linear = decode(&file, named("linear"), None);
        let (bias, root) = (-0.0037930732552754493, -0.15595420054924863);
        let matrix = [
            [11.031566901960783, -9.866943921568629, -0.16462299647058826],
            [-3.254147380392157, 4.418770392156863, -0.16462299647058826],
            [-3.6588512862745097, 2.7129230470588235, 1.9459282392156863],
        ];
        let expected = pixels(&xyb).map(|[x, y, b]| {
            let (x, y) = (x / 22.995788804 - 0.015386134, y / 1.183000077);
            let b = b / 1.502141333 - 0.27770459 + y;
            let cones = [y + x, y - x, b].map(|v| (v - root).powi(3) + bias);
            matrix::multiply_vector(&matrix, cones)
        });
        let difference = largest_difference(&linear, expected);
        assert!(difference < 1e-5, "{name}: {difference}");
    }
    // Others have none to give, and neither have frames that are blended in their own colours.
    for name in ["rgba", "animation", "colour_icc"] {
        let mut decoder = decoder().with_output_colour(named("xyb"));
        let error = decoder.decode::<f32>(&stream(name), &PixelFormat::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
    }
}

/// Colours are converted as what they are without alpha, whether they are stored or delivered multiplied by it or not.
#[test]
fn alpha_is_no_part_of_colours_that_are_converted() {
    for name in ["render/layers", "render/layers_premultiplied", "render/gray_alpha_lossy"] {
        let file = stream(name);
        let gray = decoder().open(&file).expect("headers").image().is_grey();
        let channels = if gray { Channels::GrayAlpha } else { Channels::Rgba };
        let picture = |colour: OutputColour, alpha| {
            let mut decoder = decoder().with_output_colour(colour);
            decoder.decode::<f32>(&file, &PixelFormat { channels, alpha, ..PixelFormat::default() })
        };
        let linear = || named(if gray { "linear-gray" } else { "linear" });
        let straight = picture(OutputColour::Original, AlphaMode::Straight).expect("a picture");
        let associated = name != "render/layers";
        for mode in [AlphaMode::AsStored, AlphaMode::Premultiplied, AlphaMode::Straight] {
            let image = picture(linear(), mode).expect("a picture");
            let multiplied = mode == AlphaMode::Premultiplied || (mode == AlphaMode::AsStored && associated);
            let count = if gray { 2 } else { 4 };
            for (row, expected) in image.rows().zip(straight.rows()) {
                for (pixel, expected) in row.chunks_exact(count).zip(expected.chunks_exact(count)) {
                    let alpha = expected[count - 1];
                    if alpha < 0.02 {
                        continue;
                    }
                    for (v, e) in pixel[..count - 1].iter().zip(expected) {
                        let e = Curve::Srgb.decode(f64::from(*e));
                        let e = if multiplied { e * f64::from(alpha) } else { e };
                        let difference = (f64::from(*v) - e).abs() / e.abs().max(1.0);
                        assert!(difference < 1e-4, "{name}, {mode:?}: {v} for {e}");
                    }
                }
            }
        }
    }
}
