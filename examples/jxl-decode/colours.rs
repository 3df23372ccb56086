//! Colours on the command line, and pictures laid over one.

use crate::picture::FileSample;
use anyhow::Result;
use jxlake::colour::colour_encoding_named;
use jxlake::output::ImageShape;
use jxlake::{Image, OutputColour, Pool};
use std::path::Path;

/// Red, green and blue of 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Background(pub [f32; 3]);

/// The colours with a name, or of the profile in a file.
pub fn output_colour(text: &str) -> Result<OutputColour, String> {
    if let Some(encoding) = colour_encoding_named(&text.to_ascii_lowercase()) {
        return Ok(OutputColour::Encoding(encoding));
    }
    let is_profile = Path::new(text).extension().is_some_and(|ending| ending == "icc" || ending == "icm");
    match is_profile {
        true => std::fs::read(text).map(|p| OutputColour::Profile(p.into())).map_err(|e| e.to_string()),
        false => Err("neither a known colour space nor the file of an ICC profile".to_owned()),
    }
}

/// A luminance above 0.
pub fn nits(text: &str) -> Result<f32, String> {
    let nits: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if nits.is_finite() && nits > 0.0 { Ok(nits) } else { Err("not a luminance above 0".to_owned()) }
}

/// A colour by its name or its digits.
pub fn background(text: &str) -> Result<Background, String> {
    let unreadable = || "neither #rgb, #rrggbb, black nor white".to_owned();
    let digits = match text {
        "black" => "000",
        "white" => "fff",
        _ => text.strip_prefix('#').ok_or_else(unreadable)?,
    };
    let value = u32::from_str_radix(digits, 16).map_err(|_| unreadable())?;
    let (bits, top) = match digits.len() {
        3 => (4, 15.0),
        6 => (8, 255.0),
        _ => return Err(unreadable()),
    };
    Ok(Background([2, 1, 0].map(|place| (value >> (place * bits) & ((1 << bits) - 1)) as f32 / top)))
}

impl Background {
    /// Lays a picture, whose last channel is alpha and whose colours are multiplied by it, over the colour.
    pub fn below<T: FileSample>(self, pool: &Pool, image: &Image<T>) -> Result<Image<T>> {
        let ImageShape { channels, .. } = image.shape();
        let shape = ImageShape { channels: channels - 1, ..image.shape() };
        let mut laid = Image::new(pool, shape)?;
        let [r, g, b] = self.0;
        let gray = [0.2126 * r + 0.7152 * g + 0.0722 * b];
        let colour = if shape.channels == 1 { &gray[..] } else { &self.0[..] };
        for y in 0..shape.height {
            let pixels = image.row(y).chunks_exact(channels);
            for (to, from) in laid.row_mut(y).chunks_exact_mut(shape.channels).zip(pixels) {
                let Some((&alpha, from)) = from.split_last() else { continue };
                for ((to, &from), &below) in to.iter_mut().zip(from).zip(colour) {
                    *to = T::from_real(from.to_real() + (1.0 - alpha.to_real()) * below);
                }
            }
        }
        Ok(laid)
    }
}
