//! OpenEXR: linear light, colours multiplied by alpha, every extra channel with a name of its own.

use crate::metadata::kind_name;
use crate::picture::FileSample;
use anyhow::{Context, Result};
use exr::prelude::{
    AnyChannel, AnyChannels, Compression, Encoding, FlatSamples, Image as Picture, IntegerBounds, Layer,
    LayerAttributes, LineOrder, Text, Vec2, WritableImage,
};
use half::f16;
use jxlake::frame::image_header::{ColourEncoding, ColourSpace, ExtraChannelKind, TransferFunction};
use jxlake::{Channels, Frames, Image, OutputColour};
use std::io::{Cursor, Write};

/// What a file says beside its pixels.
pub struct Facts {
    /// Whether samples have 16 bits instead of 32.
    pub half: bool,
    /// Name and place of a layer.
    pub layer: Option<(String, [i32; 2])>,
    /// Names of the channels.
    names: Vec<String>,
    /// Size of the canvas that layers lie on.
    canvas: [u32; 2],
    encoding: Option<ColourEncoding>,
    /// Nits of 1.0.
    white: f32,
}

impl Facts {
    /// The facts of pictures with these channels.
    pub fn of(frames: &Frames<'_>, channels: Channels, display_peak: Option<f32>) -> Self {
        let image = frames.image();
        let size = image.displayed_size();
        let names = match channels {
            Channels::Extra(index) => vec![channel_name(frames, index)],
            _ => channel_names(frames),
        };
        Self {
            half: false,
            layer: None,
            names,
            canvas: [size.width, size.height],
            encoding: frames.output_encoding(),
            white: display_peak.unwrap_or(image.tone_mapping.intensity_target),
        }
    }
}

/// The linear light of an image's own primaries, or of sRGB's.
pub fn linear_colour(frames: &Frames<'_>) -> OutputColour {
    let gray = ColourEncoding { colour_space: ColourSpace::Grey, ..ColourEncoding::default() };
    let unknown = if frames.image().is_grey() { gray } else { ColourEncoding::default() };
    let own = frames.output_encoding().unwrap_or(unknown);
    OutputColour::Encoding(ColourEncoding { transfer_function: TransferFunction::Linear, ..own })
}

/// Names of the colours and of all extra channels, no two alike.
fn channel_names(frames: &Frames<'_>) -> Vec<String> {
    let is_gray = frames.shape(&gray_format()).is_ok();
    let colours = if is_gray { &["Y"][..] } else { &["R", "G", "B"] };
    let mut names: Vec<String> = colours.iter().map(|&name| name.to_owned()).collect();
    for index in 0..frames.image().extra_channels.len() {
        let wanted = channel_name(frames, index);
        let mut name = wanted.clone();
        let mut number = 2;
        while names.contains(&name) {
            name = format!("{wanted}{number}");
            number += 1;
        }
        names.push(name);
    }
    names
}

fn gray_format() -> jxlake::PixelFormat {
    jxlake::PixelFormat { channels: Channels::Gray, ..jxlake::PixelFormat::default() }
}

/// What programs look for, or the name or kind of an extra channel.
fn channel_name(frames: &Frames<'_>, index: usize) -> String {
    let image = frames.image();
    let extra = &image.extra_channels[index];
    let name = String::from_utf8_lossy(image.extra_channel_name(extra)).into_owned();
    match extra.kind {
        ExtraChannelKind::Alpha { .. } => "A".to_owned(),
        ExtraChannelKind::Depth => "Z".to_owned(),
        kind if name.is_empty() => kind_name(kind).to_owned(),
        _ => name,
    }
}

/// Writes one picture.
pub fn write<T: FileSample>(to: &mut dyn Write, image: &Image<T>, facts: &Facts) -> Result<()> {
    let shape = image.shape();
    let plane = |channel: usize| {
        let samples = image.rows().flat_map(|row| row[channel..].iter().step_by(shape.channels));
        let samples = samples.map(|v| v.to_real());
        match facts.half {
            true => FlatSamples::F16(samples.map(f16::from_f32).collect()),
            false => FlatSamples::F32(samples.collect()),
        }
    };
    let names = facts.names.iter().take(shape.channels).enumerate();
    let list = names.map(|(channel, name)| {
        let name =
            Text::new_or_none(name).with_context(|| format!("{name} is no name of a channel in OpenEXR"))?;
        Ok(AnyChannel::new(name, plane(channel)))
    });
    let list = list.collect::<Result<_>>()?;
    let mut attributes = LayerAttributes { white_luminance: Some(facts.white), ..LayerAttributes::default() };
    if let Some((name, [x, y])) = &facts.layer {
        attributes.layer_name = Text::new_or_none(name).filter(|_| !name.is_empty());
        attributes.layer_position = Vec2(*x, *y);
    }
    let encoding = Encoding {
        compression: Compression::ZIP16,
        blocks: exr::image::Blocks::ScanLines,
        line_order: LineOrder::Increasing,
    };
    let layer = Layer::new((shape.width, shape.height), attributes, encoding, AnyChannels::sort(list));
    let mut picture = Picture::from_layer(layer);
    if facts.layer.is_some() {
        let [width, height] = facts.canvas.map(|side| side as usize);
        picture.attributes.display_window = IntegerBounds::new((0, 0), (width, height));
    }
    if let Some(encoding) = facts.encoding.filter(|e| e.colour_space == ColourSpace::Rgb) {
        let point = |[x, y]: [f64; 2]| Vec2(x as f32, y as f32);
        let [red, green, blue] = encoding.primaries.xy().map(point);
        let white = point(encoding.white_point.xy());
        picture.attributes.chromaticities =
            Some(exr::meta::attribute::Chromaticities { red, green, blue, white });
    }
    let mut bytes = Cursor::new(Vec::new());
    picture.write().non_parallel().to_buffered(&mut bytes)?;
    Ok(to.write_all(bytes.get_ref())?)
}
