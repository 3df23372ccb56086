//! The decoders, each behind the same small face: decode every displayed frame of a file into one 8- or 16-bit
//! interleaved buffer, and keep what can be kept for the next decode.

use jxl::api::{
    Endianness, Event, JxlBitDepth, JxlColorType, JxlDataFormat, JxlDecoder, JxlDecoderOptions, JxlParallelRunner,
    JxlParallelRunnerFun, JxlPixelFormat, ProfileLevel,
};
use jxl::image::JxlOutputBuffer;
use jxl_oxide::{JxlImage, JxlThreadPool};
use jxlake::output::{OutputSample, PixelFormat};
use jxlake::{Channels, Decoder, ImageMut, Threads};
use rayon::prelude::*;

/// What a file holds and what is asked of every decoder alike.
#[derive(Clone, Copy)]
pub struct Shape {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
    pub bytes_per_sample: usize,
}

impl Shape {
    pub fn bytes(&self) -> usize {
        self.width * self.height * self.channels * self.bytes_per_sample
    }
}

/// A decoder with whatever it keeps between files.
pub trait Peer: Send {
    fn name(&self) -> &'static str;
    /// Decodes all displayed frames, one after the other, into `out`; returns their number.
    fn decode(&mut self, file: &[u8], shape: Shape, out: &mut [u8]) -> usize;
}

/// Reads the size, depth and channels of a file.
pub fn shape(file: &[u8]) -> Shape {
    let mut decoder = JxlDecoder::new(options());
    let mut input = file;
    loop {
        match decoder.process(&mut input, None, None).expect("a readable file") {
            Event::BasicInfo => break,
            Event::NeedMoreInput { .. } | Event::Complete => panic!("no image header"),
            _ => {}
        }
    }
    let info = decoder.basic_info().expect("basic info");
    let gray = matches!(
        decoder.current_pixel_format().expect("pixel format").color_type,
        JxlColorType::Grayscale | JxlColorType::GrayscaleAlpha
    );
    let bits = match info.bit_depth {
        JxlBitDepth::Int { bits_per_sample } => bits_per_sample,
        JxlBitDepth::Float { bits_per_sample, .. } => bits_per_sample,
    };
    let alpha = info.extra_channels.iter().any(|e| e.ec_type == jxl::api::ExtraChannel::Alpha);
    Shape {
        width: info.size.0,
        height: info.size.1,
        channels: if gray { 1 } else { 3 } + usize::from(alpha),
        bytes_per_sample: if bits > 8 { 2 } else { 1 },
    }
}

fn options() -> JxlDecoderOptions {
    let mut options = JxlDecoderOptions::default();
    options.max_profile_level = ProfileLevel::Main10;
    options
}

struct RayonRunner;

impl JxlParallelRunner for RayonRunner {
    fn run(&mut self, tasks: usize, task: &JxlParallelRunnerFun<'_>) -> jxl::error::Result<()> {
        (0..tasks).into_par_iter().try_for_each(task)
    }

    fn num_threads(&self) -> usize {
        rayon::current_num_threads()
    }
}

/// jxlake: one decoder, whose pool stays warm.
pub struct Jxlake {
    decoder: Decoder,
}

impl Jxlake {
    pub fn new(threads: bool) -> Self {
        let threads = if threads { Threads::Global } else { Threads::Calling };
        Jxlake { decoder: Decoder::new().with_threads(threads) }
    }

    fn decode_into<T: OutputSample>(&mut self, file: &[u8], shape: Shape, out: &mut [T]) -> usize {
        let channels = match shape.channels {
            1 => Channels::Gray,
            2 => Channels::GrayAlpha,
            3 => Channels::Rgb,
            _ => Channels::Rgba,
        };
        let format = PixelFormat { channels, ..PixelFormat::default() };
        let mut frames = self.decoder.open(file).expect("opens");
        let picture = frames.shape(&format).expect("a format");
        let mut count = 0;
        while frames.next_into(&format, ImageMut::from_slice(out, picture).expect("room")).expect("decodes") {
            count += 1;
        }
        count
    }
}

impl Peer for Jxlake {
    fn name(&self) -> &'static str {
        "jxlake"
    }

    fn decode(&mut self, file: &[u8], shape: Shape, out: &mut [u8]) -> usize {
        if shape.bytes_per_sample == 1 {
            self.decode_into(file, shape, out)
        } else {
            self.decode_into::<u16>(file, shape, bytemuck::cast_slice_mut(out))
        }
    }
}

/// `jxl` (jxl-rs), reset between files so that it reuses its buffers.
pub struct JxlRs {
    decoder: JxlDecoder,
    threads: bool,
}

impl JxlRs {
    pub fn new(threads: bool) -> Self {
        JxlRs { decoder: JxlDecoder::new(options()), threads }
    }
}

impl Peer for JxlRs {
    fn name(&self) -> &'static str {
        "jxl"
    }

    fn decode(&mut self, file: &[u8], shape: Shape, out: &mut [u8]) -> usize {
        self.decoder.reset();
        let row = shape.width * shape.channels * shape.bytes_per_sample;
        let mut input = file;
        let mut frames = 0;
        let mut runner = RayonRunner;
        loop {
            let mut buffers = [JxlOutputBuffer::new(out, shape.height, row)];
            let runner: Option<&mut dyn JxlParallelRunner> = if self.threads { Some(&mut runner) } else { None };
            let ready = self.decoder.frame_header().is_some();
            let buffers = if ready { Some(&mut buffers[..]) } else { None };
            match self.decoder.process(&mut input, buffers, runner).expect("decodes") {
                Event::BasicInfo => {
                    let extra = self.decoder.basic_info().map_or(0, |i| i.extra_channels.len());
                    let format = if shape.bytes_per_sample == 2 {
                        JxlDataFormat::U16 { endianness: Endianness::native(), bit_depth: 16 }
                    } else {
                        JxlDataFormat::U8 { bit_depth: 8 }
                    };
                    let color_type = match shape.channels {
                        1 => JxlColorType::Grayscale,
                        2 => JxlColorType::GrayscaleAlpha,
                        3 => JxlColorType::Rgb,
                        _ => JxlColorType::Rgba,
                    };
                    let format = JxlPixelFormat {
                        color_type,
                        color_data_format: Some(format),
                        extra_channel_format: vec![None; extra],
                    };
                    self.decoder.set_pixel_format(format).expect("a format");
                }
                Event::FrameComplete { .. } => frames += 1,
                Event::Complete => return frames,
                Event::NeedMoreInput { .. } => {
                    assert!(frames > 0, "truncated");
                    return frames;
                }
                Event::FrameHeader => {}
            }
        }
    }
}

/// `jxl-oxide`, which keeps nothing between files.
pub struct Oxide {
    pool: JxlThreadPool,
}

impl Oxide {
    pub fn new(threads: bool) -> Self {
        Oxide { pool: if threads { JxlThreadPool::rayon_global() } else { JxlThreadPool::none() } }
    }
}

impl Peer for Oxide {
    fn name(&self) -> &'static str {
        "jxl-oxide"
    }

    fn decode(&mut self, file: &[u8], shape: Shape, out: &mut [u8]) -> usize {
        let image = JxlImage::builder().pool(self.pool.clone()).read(file).expect("decodes");
        let frames = image.num_loaded_keyframes();
        for i in 0..frames {
            let render = image.render_frame(i).expect("renders");
            let mut stream = render.stream();
            let row = shape.width * shape.channels * shape.bytes_per_sample;
            if shape.bytes_per_sample == 1 {
                stream.write_to_buffer::<u8>(&mut out[..row * shape.height]);
            } else {
                let mut samples = vec![0u16; shape.width * shape.channels * shape.height];
                stream.write_to_buffer::<u16>(&mut samples);
                for (to, from) in out.chunks_exact_mut(2).zip(&samples) {
                    to.copy_from_slice(&from.to_ne_bytes());
                }
            }
        }
        frames
    }
}
