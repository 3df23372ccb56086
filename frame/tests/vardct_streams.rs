//! The synthetic streams of `testdata/vardct`, decoded section by section, have the samples that libjxl decodes them to: on
//! one thread and on several, at every SIMD level.

use std::path::Path;
use std::sync::Arc;

use fearless_simd::Level;
use jxlake_entropy::BitReader;
use jxlake_frame::Error;
use jxlake_frame::Result;
use jxlake_frame::colour::{LinearTarget, RgbSpace, XybToLinear};
use jxlake_frame::composition::SavedFrame;
use jxlake_frame::fields::Fields;
use jxlake_frame::frame_header::{Encoding, FrameHeader, FrameRole};
use jxlake_frame::geometry::{FrameGeometry, Section};
use jxlake_frame::image_header::{ImageHeader, Size};
use jxlake_frame::limits::Limits;
use jxlake_frame::modular::global_tree::GlobalTree;
use jxlake_frame::modular::sub_bitstream::ModularContext;
use jxlake_frame::toc::Toc;
use jxlake_frame::vardct::{PassGroup, VarDctFrame};
use jxlake_util::{Axis, Lease, Matrix3, Pool, Purpose, Scratch, Shape3, Threads, View2};

/// What a stream is decoded with.
struct Decoder<'a> {
    pool: &'a Pool,
    threads: &'a Threads,
    level: Level,
    vardct: VarDctFrame,
    pass_groups: Scratch<PassGroup>,
    lf_frames: [SavedFrame; 4],
}

impl Decoder<'_> {
    /// The planes of the last frame, X, Y and B, with its padding; and the header of the image.
    fn decode(&mut self, codestream: &[u8]) -> Result<(ImageHeader, Lease<Matrix3<f32>>)> {
        let limits = Limits::default();
        let bits = &mut BitReader::new(codestream);
        let mut image = ImageHeader::default();
        image.read(bits, &limits)?;
        bits.zero_pad()?;
        let mut rest = &codestream[(bits.position() / 8) as usize..];
        let mut header = FrameHeader::default();
        let mut toc = Toc::default();
        loop {
            let bits = &mut BitReader::new(rest);
            header.read(bits, &image, FrameRole::Main, &limits)?;
            let geometry = FrameGeometry::new(&header, &limits)?;
            toc.read(bits, &geometry)?;
            assert_eq!(header.encoding, Encoding::VarDct);
            let frame = Frame { data: rest, image: &image, header: &header, geometry, toc: &toc };
            let planes = self.decode_frame(&frame)?;
            if header.is_last {
                return Ok((image, planes));
            }
            if header.lf_level > 0 {
                self.lf_frames[header.lf_level as usize - 1] = self.saved(&planes)?;
            }
            rest = &rest[frame.end()..];
        }
    }

    fn saved(&self, planes: &Matrix3<f32>) -> Result<SavedFrame> {
        let mut frame = SavedFrame::default();
        let first = planes.plane(0);
        let size = Size { width: first.cols() as u32, height: first.rows() as u32 };
        frame.lease(self.pool, 3, size, true)?;
        let mut samples = frame.view_mut().expect("samples");
        for (i, row) in samples.iter_rows_mut().enumerate() {
            row.copy_from_slice(planes.plane(i % 3).row(i / 3));
        }
        Ok(frame)
    }

    fn decode_frame(&mut self, frame: &Frame<'_>) -> Result<Lease<Matrix3<f32>>> {
        let Self { pool, threads, level, vardct, pass_groups, lf_frames } = self;
        let (geometry, single) = (&frame.geometry, frame.geometry.is_single_section());
        let mut bits = frame.section(Section::LfGlobal);
        vardct.begin(frame.header, frame.image, geometry);
        vardct.read_lf_global(&mut bits)?;
        let mut tree = GlobalTree::default();
        tree.read(&mut bits, frame.image, frame.header, geometry)?;
        let context = ModularContext {
            tree: &tree,
            geometry,
            bit_depth: frame.image.bit_depth.bits_per_sample(),
            limits: &Limits::default(),
            pool,
            level: *level,
        };
        if single {
            vardct.decode_lf_group(0, &mut bits, &context, |_| Ok(()))?;
        } else {
            threads.run(geometry.num_lf_groups(), |lf_group| {
                let bits = &mut frame.section(Section::LfGroup(lf_group));
                vardct.decode_lf_group(lf_group, bits, &context, |_| Ok(()))
            })?;
            bits = frame.section(Section::HfGlobal);
        }
        if frame.header.flags.use_lf_frame() {
            vardct.set_lf_frame(&mut lf_frames[frame.header.lf_level as usize])?;
        } else {
            vardct.finish_lf()?;
        }
        vardct.read_hf_global(&mut bits, &context)?;

        let (rows, cols) = (geometry.padded.height as usize, geometry.padded.width as usize);
        let mut planes = pool.matrix3(Purpose::Pixels, Shape3::new(3, rows, cols))?;
        let views = planes.planes_array_mut::<3>().expect("three planes");
        let grids =
            views.map(|view| view.into_grid(pool, Axis::Every(256), Axis::Every(256)).expect("a grid"));
        threads.run(geometry.num_groups(), |group| {
            let mut pass_group = pass_groups.take();
            vardct.begin_group(group, pool, &mut pass_group)?;
            for pass in 0..geometry.num_passes {
                let own = &mut frame.section(Section::PassGroup { pass, group });
                let bits = if single { &mut bits.clone() } else { own };
                vardct.decode_pass_group(pass, bits, *level, &mut pass_group)?;
            }
            let (column, row) = geometry.group_position(group);
            let mut dest = [0, 1, 2].map(|plane| grids[plane].take(row, column).expect("a tile"));
            vardct.render_group(group, &pass_group, &mut dest, pool, *level)?;
            // Part by part it is the same.
            let mut again = pool.matrix3(Purpose::Pixels, Shape3::new(3, 256, 256))?;
            let mut parts = again.planes_array_mut::<3>().expect("three planes");
            let section = |pass| frame.section(Section::PassGroup { pass, group });
            let mut begins: Vec<_> = (0..geometry.num_passes).map(section).collect();
            if single {
                begins = vec![bits.clone()];
            }
            vardct.decode_and_render_group(
                group,
                &mut begins,
                &mut pass_group,
                &mut parts,
                (pool, *level),
            )?;
            let blocks = geometry.group_blocks(group);
            for (channel, (part, whole)) in parts.iter().zip(&dest).enumerate() {
                let rows = 8 * (blocks.height >> geometry.vshift[channel]);
                let cols = 8 * (blocks.width >> geometry.hshift[channel]);
                assert!((0..rows).all(|y| part.row(y)[..cols] == whole.row(y)[..cols]));
            }
            Ok::<_, Error>(())
        })?;
        drop(grids);
        Ok(planes)
    }
}

struct Frame<'a> {
    data: &'a [u8],
    image: &'a ImageHeader,
    header: &'a FrameHeader,
    geometry: FrameGeometry,
    toc: &'a Toc,
}

impl<'a> Frame<'a> {
    fn section(&self, section: Section) -> BitReader<'a> {
        let range = self.toc.section(section);
        BitReader::new(&self.data[range])
    }

    fn end(&self) -> usize {
        self.toc.end() as usize
    }
}

/// Linear light of the image in `planes`, row by row.
fn to_linear(image: &ImageHeader, planes: [View2<'_, f32>; 3]) -> Vec<[f32; 3]> {
    let target = LinearTarget::Rgb(RgbSpace::SRGB);
    let intensity = image.tone_mapping.intensity_target;
    let conversion = XybToLinear::new(&image.opsin_inverse_matrix, &target, intensity).expect("a conversion");
    let mut pixels = Vec::new();
    for y in 0..image.size.height as usize {
        let [mut r, mut g, mut b] = planes.map(|plane| plane.row(y)[..image.size.width as usize].to_vec());
        conversion.convert_rows(Level::new(), [&mut r, &mut g, &mut b]);
        pixels.extend(r.into_iter().zip(g).zip(b).map(|((r, g), b)| [r, g, b]));
    }
    pixels
}

/// Compares with the lines that follow a stream's name.
fn check<'a>(name: &str, image: &ImageHeader, pixels: &[[f32; 3]], lines: impl Iterator<Item = &'a str>) {
    let width = image.size.width as usize;
    for line in lines {
        let numbers: Vec<f64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        let pixel = pixels[numbers[1] as usize * width + numbers[0] as usize];
        for (found, expected) in pixel.into_iter().zip(&numbers[2..]) {
            let difference = (f64::from(found) - expected).abs();
            assert!(difference <= 3e-5 * expected.abs().max(1.0), "{name}, {line}: {found} for {expected}");
        }
    }
}

fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![best, Level::baseline()];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    levels
        .extend([best.as_avx2().map(Level::Avx2), best.as_sse4_2().map(Level::Sse4_2)].into_iter().flatten());
    levels
}

#[test]
fn samples_are_those_of_libjxl() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/vardct");
    let expected = std::fs::read_to_string(folder.join("expected.txt")).unwrap();
    let lines: Vec<&str> = expected.lines().filter(|line| !line.starts_with('#')).collect();
    let pool = Pool::new();
    let several = Threads::Pool(Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap()));
    let mut streams = 0;
    for (start, first) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("vardct-")) {
        let words: Vec<&str> = first.split(' ').collect();
        let file = std::fs::read(folder.join(words[0]).with_extension("jxl")).unwrap();
        for (i, level) in levels().into_iter().enumerate() {
            let mut decoder = Decoder {
                pool: &pool,
                threads: if i == 0 { &several } else { &Threads::Calling },
                level,
                vardct: VarDctFrame::default(),
                pass_groups: Scratch::new(),
                lf_frames: Default::default(),
            };
            let (image, planes) =
                decoder.decode(&file).unwrap_or_else(|error| panic!("{}: {error}", words[0]));
            let pixels = to_linear(&image, [0, 1, 2].map(|plane| planes.plane(plane)));
            let name = format!("{} at {level:?}", words[0]);
            assert_eq!(pixels.len(), image.size.pixels() as usize);
            check(
                &name,
                &image,
                &pixels,
                lines[start + 1..].iter().copied().take_while(|line| !line.starts_with("vardct-")),
            );
            for channel in 0..3 {
                let sum: f64 = pixels.iter().map(|pixel| f64::from(pixel[channel])).sum();
                let (mean, expected): (f64, f64) =
                    (sum / pixels.len() as f64, words[3 + channel].parse().unwrap());
                assert!((mean - expected).abs() <= 1e-5, "{name}: mean {mean} for {expected}");
            }
        }
        streams += 1;
    }
    assert_eq!(streams, 13);
}
