//! The streams of `testdata/render`, which exercise one rendering tool each, have the samples that are listed beside them: on
//! one thread and on several.

mod common;

use jxlake::{Channels, Decoder, PixelFormat, Purpose, Threads};
use std::path::Path;

/// The lists, and how far samples may be from the listed ones, which have six decimals; large ones by that part of them. The
/// second has those of lossy streams, after transfer functions.
const LISTS: [(&str, f64); 2] = [("expected.txt", 1e-5), ("djxl.txt", 5e-5)];

/// What the list says about a frame.
struct Expected<'a> {
    stream: &'a str,
    size: [usize; 2],
    means: Vec<f64>,
    /// Column, row and samples of some pixels.
    pixels: Vec<(usize, usize, Vec<f64>)>,
}

fn numbers(words: &[&str]) -> Vec<f64> {
    words.iter().map(|word| word.parse().expect("a number")).collect()
}

/// The frames of the list, in its order.
fn parse(list: &str) -> Vec<Expected<'_>> {
    let mut frames: Vec<Expected<'_>> = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        if line.starts_with(|first: char| first.is_alphabetic()) {
            let [width, height] = [2, 3].map(|i| words[i].parse().expect("a size"));
            let means = numbers(&words[5..]);
            frames.push(Expected { stream: words[0], size: [width, height], means, pixels: Vec::new() });
        } else {
            let [x, y] = [0, 1].map(|i| words[i].parse().expect("a position"));
            let frame = frames.last_mut().expect("a frame before its pixels");
            frame.pixels.push((x, y, numbers(&words[2..])));
        }
    }
    frames
}

#[test]
fn streams_have_the_listed_samples() {
    let folder = common::testdata().join("render");
    let mut wrong = Vec::new();
    let mut streams = 0;
    for (list, tolerance) in LISTS {
        let text = std::fs::read_to_string(folder.join(list)).expect("a list");
        let expected = parse(&text);
        for threads in [Threads::Calling, Threads::Global] {
            // The first list was made with spot colours, the second without.
            let mut decoder = Decoder::new().with_threads(threads).with_spot_colours(list == LISTS[0].0);
            for frames in expected.chunk_by(|a, b| a.stream == b.stream) {
                streams += 1;
                if let Err(error) = compare(&mut decoder, &folder, frames, tolerance) {
                    wrong.push(format!("{}: {error}", frames[0].stream));
                }
            }
            let kept = decoder.pool().statistics().of(Purpose::Reference).outstanding;
            assert_eq!(kept, 0, "frames are kept behind the last one");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(streams, 2 * common::files(&folder, "jxl").len(), "each stream is in a list");
}

/// Holds the frames of a stream against the list.
fn compare(
    decoder: &mut Decoder,
    folder: &Path,
    frames: &[Expected<'_>],
    tolerance: f64,
) -> Result<(), String> {
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let file = std::fs::read(folder.join(frames[0].stream).with_extension("jxl")).expect("readable");
    let mut decoded = decoder.open(&file).map_err(|error| error.to_string())?;
    for (number, frame) in frames.iter().enumerate() {
        let image = decoded.next_image::<f32>(&format).map_err(|error| error.to_string())?;
        let image = image.ok_or_else(|| format!("no frame {number}"))?;
        let shape = image.shape();
        if [shape.width, shape.height, shape.channels] != [frame.size[0], frame.size[1], frame.means.len()] {
            return Err(format!("frame {number} is {shape}"));
        }
        let mut worst = 0.0f64;
        let mut note = |difference: f64| {
            // Not-a-number is farther away than anything.
            worst = if difference.is_nan() { f64::INFINITY } else { worst.max(difference) };
        };
        for (x, y, samples) in &frame.pixels {
            let pixel = &image.row(*y)[x * shape.channels..];
            for (sample, expected) in pixel.iter().zip(samples) {
                note((f64::from(*sample) - expected).abs() / expected.abs().max(1.0));
            }
        }
        for (channel, mean) in frame.means.iter().enumerate() {
            let samples = image.rows().flat_map(|row| row[channel..].iter().step_by(shape.channels));
            let sum: f64 = samples.map(|&sample| f64::from(sample)).sum();
            note((sum / (shape.width * shape.height) as f64 - mean).abs());
        }
        if worst > tolerance {
            return Err(format!("frame {number} is {worst} away"));
        }
    }
    match decoded.next_image::<f32>(&format) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err("more frames than listed".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
