//! The metadata of an image as the conformance suite wants it.

use jxlake::FrameInfo;
use jxlake::frame::frame_header::FrameHeader;
use jxlake::frame::image_header::{BitDepth, ExtraChannelKind, ImageHeader};
use serde_json::{Map, Value, json};
use std::path::Path;

/// What the suite compares of a displayed frame.
pub fn frame(image: &ImageHeader, header: &FrameHeader) -> Value {
    let mut entry = Map::new();
    if let Some(animation) = &image.animation {
        let ticks = f64::from(header.duration);
        let seconds = ticks * f64::from(animation.tps_denominator) / f64::from(animation.tps_numerator);
        entry.insert("duration".into(), json!(seconds));
        if animation.have_timecodes {
            entry.insert("timecode".into(), json!(header.timecode));
        }
    }
    entry.insert("name".into(), json!(String::from_utf8_lossy(&header.name)));
    Value::Object(entry)
}

/// A layer as coded: where it lies, how it is blended, and the file that has its pixels.
pub fn layer(path: &Path, info: &FrameInfo<'_>) -> Value {
    json!({
        "file": path.to_string_lossy(),
        "name": String::from_utf8_lossy(info.name),
        "x": info.position[0],
        "y": info.position[1],
        "width": info.size[0],
        "height": info.size[1],
        "blend_mode": format!("{:?}", info.blending.mode),
        "duration": info.duration,
    })
}

/// What the suite compares of an image.
pub fn image(image: &ImageHeader, frames: Vec<Value>) -> Value {
    let depths = || std::iter::once(image.bit_depth).chain(image.extra_channels.iter().map(|e| e.bit_depth));
    let kinds: Vec<_> = image.extra_channels.iter().map(|e| kind_name(e.kind)).collect();
    let tone = &image.tone_mapping;
    let mut metadata = json!({
        "frames": frames,
        "intensity_target": f64::from(tone.intensity_target),
        "min_nits": f64::from(tone.min_nits),
        "relative_to_max_display": u8::from(tone.relative_to_max_display),
        "linear_below": f64::from(tone.linear_below),
        "extra_channel_type": kinds,
        "bits_per_sample": depths().map(bits_per_sample).collect::<Vec<_>>(),
        "exp_bits_per_sample": depths().map(exponent_bits).collect::<Vec<_>>(),
    });
    if image.preview.is_some() {
        metadata["preview"] = json!({});
    }
    metadata
}

/// The name that the suite gives to a kind of extra channel.
pub fn kind_name(kind: ExtraChannelKind) -> &'static str {
    match kind {
        ExtraChannelKind::Alpha { .. } => "Alpha",
        ExtraChannelKind::Depth => "Depth",
        ExtraChannelKind::SpotColour { .. } => "SpotColor",
        ExtraChannelKind::SelectionMask => "SelectionMask",
        ExtraChannelKind::Black => "Black",
        ExtraChannelKind::Cfa { .. } => "CFA",
        ExtraChannelKind::Thermal => "Thermal",
        _ => "UNKNOWN",
    }
}

fn bits_per_sample(depth: BitDepth) -> u32 {
    depth.bits_per_sample()
}

fn exponent_bits(depth: BitDepth) -> u32 {
    depth.exponent_bits()
}
