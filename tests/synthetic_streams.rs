//! The synthetic streams of the format reference, which exercise one rendering tool each, have the samples that are listed
//! beside them: on one thread and on several.

mod common;

use jxlake::{Channels, Decoder, PixelFormat, Threads};

/// How far samples may be from the listed ones, which have six decimals; large ones by that part of them.
const TOLERANCE: f64 = 1e-5;

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
        if line.starts_with("render-") {
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
fn synthetic_streams_have_the_listed_samples() {
    let Some(list) = common::shared("format/streams/render_expected.txt") else { return };
    let text = std::fs::read_to_string(&list).expect("readable");
    let expected = parse(&text);
    assert_eq!(expected.len(), 15);
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let mut wrong = Vec::new();
    for threads in [Threads::Calling, Threads::Global] {
        let mut decoder = Decoder::new().with_threads(threads);
        for frames in expected.chunk_by(|a, b| a.stream == b.stream) {
            let name = frames[0].stream;
            let file = std::fs::read(list.with_file_name(name).with_extension("jxl")).expect("readable");
            let mut decoded = decoder.open(&file).expect("headers");
            for (number, frame) in frames.iter().enumerate() {
                let image = match decoded.next_image::<f32>(&format) {
                    Ok(image) => image.expect("another frame"),
                    Err(error) => {
                        wrong.push(format!("{name}: {error}"));
                        break;
                    }
                };
                let shape = image.shape();
                assert_eq!(
                    [shape.width, shape.height, shape.channels],
                    [frame.size[0], frame.size[1], frame.means.len()]
                );
                let mut worst = 0.0f64;
                for (x, y, samples) in &frame.pixels {
                    let pixel = &image.row(*y)[x * shape.channels..];
                    for (sample, expected) in pixel.iter().zip(samples) {
                        worst = worst.max((f64::from(*sample) - expected).abs() / expected.abs().max(1.0));
                    }
                }
                for (channel, mean) in frame.means.iter().enumerate() {
                    let samples = image.rows().flat_map(|row| row[channel..].iter().step_by(shape.channels));
                    let sum: f64 = samples.map(|&sample| f64::from(sample)).sum();
                    worst = worst.max((sum / (shape.width * shape.height) as f64 - mean).abs());
                }
                if worst.is_nan() || worst > TOLERANCE {
                    wrong.push(format!("{name}, frame {number}: {worst} away"));
                }
            }
        }
        assert_eq!(decoder.pool().statistics().outstanding(), 0, "leases are left over");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
