//! What a file is, as a table for people and as JSON for programs, from the same facts.

use crate::metadata::kind_name;
use jxlake::container::Container;
use jxlake::frame::frame_header::{Encoding, FrameHeader, FrameType};
use jxlake::frame::image_header::{BitDepth, ImageHeader};
use serde_json::{Value, json};

/// Names and values.
type Facts = Vec<(&'static str, Value)>;

/// Facts under headings; a heading has one entry for each frame or box.
pub struct Report {
    sections: Vec<(&'static str, Vec<Facts>)>,
}

impl Report {
    /// The facts of an image, its boxes and its frames.
    pub fn new(image: &ImageHeader, icc: &[u8], container: &Container, frames: &[FrameHeader]) -> Self {
        let boxes = container.metadata().iter().map(|found| {
            let (start, end) = found.range();
            vec![
                ("type", json!(found.kind().to_string())),
                ("compressed", json!(found.is_compressed())),
                ("offset", json!(start)),
                ("bytes", json!(end.map(|end| end - start))),
            ]
        });
        let sections = vec![
            ("image", vec![image_facts(image, icc)]),
            (
                "extra channels",
                image
                    .extra_channels
                    .iter()
                    .map(|channel| {
                        vec![
                            ("type", json!(kind_name(channel.kind))),
                            ("samples", json!(depth(channel.bit_depth))),
                            ("name", json!(String::from_utf8_lossy(image.extra_channel_name(channel)))),
                        ]
                    })
                    .collect(),
            ),
            ("boxes", boxes.collect()),
            ("frames", frames.iter().map(frame_facts).collect()),
        ];
        Self { sections }
    }

    /// All facts as one JSON object.
    pub fn to_json(&self) -> Value {
        let object = |facts: &Vec<(&str, Value)>| {
            Value::Object(facts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
        };
        let section = |name: &str, entries: &Vec<Vec<_>>| match (name, entries.as_slice()) {
            ("image", [facts]) => object(facts),
            _ => entries.iter().map(object).collect(),
        };
        let named =
            self.sections.iter().map(|(name, entries)| (name.replace(' ', "_"), section(name, entries)));
        Value::Object(named.collect())
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, entries) in &self.sections {
            for (number, facts) in entries.iter().enumerate() {
                if entries.len() > 1 {
                    writeln!(f, "{name} {}", number + 1)?;
                } else {
                    writeln!(f, "{name}")?;
                }
                for (key, value) in facts {
                    match value {
                        Value::Null => {}
                        Value::String(text) if text.is_empty() => {}
                        Value::String(text) => writeln!(f, "  {key:<18}{text}")?,
                        Value::Array(list) => {
                            let list: Vec<_> = list.iter().filter_map(Value::as_str).collect();
                            writeln!(f, "  {key:<18}{}", list.join(", "))?;
                        }
                        other => writeln!(f, "  {key:<18}{other}")?,
                    }
                }
            }
        }
        Ok(())
    }
}

fn depth(depth: BitDepth) -> String {
    match depth {
        BitDepth::Integer { bits_per_sample } => format!("{bits_per_sample}-bit integer"),
        BitDepth::Float { bits_per_sample, exponent_bits } => {
            format!("{bits_per_sample}-bit float, {exponent_bits} exponent bits")
        }
    }
}

fn image_facts(image: &ImageHeader, icc: &[u8]) -> Facts {
    let colour = &image.colour_encoding;
    let space = if colour.want_icc {
        format!("{:?}, ICC profile of {} bytes", colour.colour_space, icc.len())
    } else {
        format!("{:?}, {:?} white, {:?} primaries", colour.colour_space, colour.white_point, colour.primaries)
    };
    let mut facts = vec![
        ("width", json!(image.size.width)),
        ("height", json!(image.size.height)),
        ("orientation", json!(format!("{:?}", image.orientation))),
        ("samples", json!(depth(image.bit_depth))),
        ("colour", json!(space)),
        (
            "transfer",
            if colour.want_icc { Value::Null } else { json!(format!("{:?}", colour.transfer_function)) },
        ),
        ("coded as", json!(if image.xyb_encoded { "XYB" } else { "the image's own colours" })),
        ("intensity target", json!(image.tone_mapping.intensity_target)),
    ];
    if let Some(preview) = image.preview {
        facts.push(("preview", json!(format!("{} x {}", preview.width, preview.height))));
    }
    if let Some(animation) = image.animation {
        let rate = f64::from(animation.tps_numerator) / f64::from(animation.tps_denominator);
        facts.push(("ticks per second", json!(rate)));
        facts.push((
            "loops",
            if animation.num_loops == 0 { json!("for ever") } else { json!(animation.num_loops) },
        ));
    }
    facts
}

fn frame_facts(frame: &FrameHeader) -> Facts {
    let kind = match frame.frame_type {
        FrameType::Regular => "regular",
        FrameType::Lf => "LF",
        FrameType::ReferenceOnly => "reference only",
        FrameType::SkipProgressive => "regular, not shown progressively",
    };
    let filter = &frame.restoration_filter;
    let tools = [
        (frame.encoding == Encoding::VarDct, "VarDCT"),
        (frame.encoding == Encoding::Modular, "Modular"),
        (frame.do_ycbcr, "YCbCr"),
        (!frame.subsampling.is_none(), "chroma subsampling"),
        (frame.flags.patches(), "patches"),
        (frame.flags.splines(), "splines"),
        (frame.flags.noise(), "noise"),
        (frame.flags.use_lf_frame(), "LF frame"),
        (filter.gab, "gaborish"),
        (filter.epf_iters > 0, "edge-preserving filter"),
        (frame.upsampling > 1, "upsampling"),
        (frame.passes.num_passes() > 1, "several passes"),
        (frame.needs_blending(), "blending"),
    ];
    let tools: Vec<_> = tools.iter().filter(|(used, _)| *used).map(|(_, name)| *name).collect();
    vec![
        ("name", json!(String::from_utf8_lossy(&frame.name))),
        ("type", json!(kind)),
        ("size", json!(format!("{} x {}", frame.size.width, frame.size.height))),
        ("at", if frame.have_crop { json!(format!("{}, {}", frame.x0, frame.y0)) } else { Value::Null }),
        ("coding tools", json!(tools)),
        ("passes", json!(frame.passes.num_passes())),
        ("duration", json!(frame.duration)),
        ("shown", json!(frame.visible())),
        ("last", json!(frame.is_last)),
    ]
}
