//! The lossless streams of `testdata`, decoded as Modular frames, have the samples that they were made of: with 16-bit
//! and 32-bit samples, in matrices of the frame's size and by groups that finish themselves, on one thread and on several.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fearless_simd::Level;
use jxlake_entropy::BitReader;
use jxlake_frame::fields::Fields;
use jxlake_frame::frame_header::{Encoding, FrameHeader, FrameRole};
use jxlake_frame::geometry::{FrameGeometry, Section};
use jxlake_frame::icc_stream::{IccScratch, read_icc_stream};
use jxlake_frame::image_header::ImageHeader;
use jxlake_frame::limits::Limits;
use jxlake_frame::modular::channel::Sample;
use jxlake_frame::modular::global::{GroupWorkspace, ModularGlobal};
use jxlake_frame::modular::global_tree::GlobalTree;
use jxlake_frame::modular::sub_bitstream::ModularContext;
use jxlake_frame::toc::Toc;
use jxlake_frame::{Error, Result};
use jxlake_util::{Pool, Scratch, Threads};

/// The headers of the first frame, and its bytes.
struct Frame<'a> {
    codestream: &'a [u8],
    image: ImageHeader,
    header: FrameHeader,
    geometry: FrameGeometry,
    toc: Toc,
}

impl<'a> Frame<'a> {
    fn read(codestream: &'a [u8]) -> Result<Self> {
        let limits = Limits::default();
        let bits = &mut BitReader::new(codestream);
        let mut image = ImageHeader::default();
        image.read(bits, &limits)?;
        if image.colour_encoding.want_icc {
            read_icc_stream(bits, &limits, &mut IccScratch::default(), &mut Vec::new())?;
        }
        bits.zero_pad()?;
        let mut header = FrameHeader::default();
        header.read(bits, &image, FrameRole::Main, &limits)?;
        let geometry = FrameGeometry::new(&header, &limits)?;
        let mut toc = Toc::default();
        toc.read(bits, &geometry)?;
        Ok(Self { codestream, image, header, geometry, toc })
    }

    fn section(&self, section: Section) -> BitReader<'a> {
        let range = self.toc.section(section);
        BitReader::new(&self.codestream[range])
    }

    fn group_sections(&self) -> Vec<Section> {
        let lf_groups = (0..self.geometry.num_lf_groups()).map(Section::LfGroup);
        let passes = 0..self.geometry.num_passes;
        let groups = passes.flat_map(|pass| {
            (0..self.geometry.num_groups()).map(move |group| Section::PassGroup { pass, group })
        });
        lf_groups.chain(groups).collect()
    }

    /// By what samples of an extra channel with a depth of its own are multiplied to have the image's.
    fn scale(&self, channel: usize) -> i32 {
        let depth = self.image.bit_depth;
        let own =
            channel.checked_sub(self.header.colour_channels).map(|i| self.image.extra_channels[i].bit_depth);
        match own {
            Some(own) if own != depth => {
                ((1 << depth.bits_per_sample()) - 1) / ((1 << own.bits_per_sample()) - 1)
            }
            _ => 1,
        }
    }

    /// All samples, rows top to bottom, channels interleaved.
    fn decode<S: Sample>(&self, way: Way, threads: &Threads, pool: &Pool) -> Result<Vec<i32>> {
        let mut tree = GlobalTree::default();
        let mut global = ModularGlobal::<S>::default();
        let bits = &mut self.section(Section::LfGlobal);
        if !bits.bool()? {
            bits.f16_array(&mut [0.0; 3])?;
        }
        tree.read(bits, &self.image, &self.header, &self.geometry)?;
        let context = ModularContext {
            tree: &tree,
            geometry: &self.geometry,
            bit_depth: self.image.bit_depth.bits_per_sample(),
            limits: &Limits::default(),
            pool,
            level: Level::new(),
        };
        global.read(bits, &self.header, &context)?;
        let channels = global.shapes().len();
        let (width, height) = (self.geometry.coded.width as usize, self.geometry.coded.height as usize);
        let mut samples = vec![0; width * height * channels];
        let sections = self.group_sections();
        let single = self.geometry.is_single_section();
        if way == Way::Groups && global.group_local().is_some() {
            let mut workspace = GroupWorkspace::default();
            for section in sections {
                let Section::PassGroup { pass, group } = section else { continue };
                let mut own = self.section(section);
                let bits = if single { &mut *bits } else { &mut own };
                global.decode_group((pass, group), bits, &context, &mut workspace)?;
                let rect = self.geometry.group_rect(group);
                for (c, channel) in workspace.channels().iter().enumerate() {
                    let view = channel.view().expect("no channel here is subsampled");
                    for y in 0..rect.height {
                        for x in 0..rect.width {
                            let at = ((rect.y + y) * width + rect.x + x) * channels + c;
                            samples[at] = view.row(y)[x].to_i32() * self.scale(c);
                        }
                    }
                }
            }
            return Ok(samples);
        }
        let tiles = global.tiles(&context)?;
        if single {
            let mut workspace = GroupWorkspace::default();
            sections.iter().try_for_each(|&section| tiles.decode(section, bits, &context, &mut workspace))?;
        } else {
            let workspaces = Scratch::<GroupWorkspace<S>>::new();
            threads.run(sections.len(), |index| {
                let section = sections[index];
                tiles.decode(section, &mut self.section(section), &context, &mut workspaces.take())
            })?;
        }
        drop(tiles);
        global.finish(&context, threads)?;
        for (c, channel) in global.channels().iter().enumerate() {
            let view = channel.view().expect("a channel without samples");
            for y in 0..height {
                for x in 0..width {
                    samples[(y * width + x) * channels + c] = view.row(y)[x].to_i32() * self.scale(c);
                }
            }
        }
        Ok(samples)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Tiles,
    Groups,
}

/// The codestream of a file, if it is in one piece.
fn codestream(file: &[u8]) -> Option<&[u8]> {
    if file.starts_with(&[0xff, 0x0a]) {
        return Some(file);
    }
    let mut rest = file;
    while let Some((header, _)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        if &header[4..] == b"jxlc" && length >= 8 {
            return rest.get(8..length);
        }
        rest = rest.get(length.max(8)..)?;
    }
    None
}

/// What is hashed: samples as bytes, 16-bit words or 32-bit words, little-endian.
fn bytes(samples: &[i32], bits_per_sample: u32) -> Vec<u8> {
    let length = match bits_per_sample {
        ..=8 => 1,
        9..=16 => 2,
        _ => 4,
    };
    samples.iter().flat_map(|sample| sample.to_le_bytes().into_iter().take(length)).collect()
}

#[test]
fn samples_are_those_that_the_streams_were_made_of() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let expected = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let pool = Pool::new();
    let several = Threads::Pool(Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap()));
    let mut ways = BTreeMap::new();
    for line in expected.lines().filter(|line| !line.starts_with('#')) {
        let [name, width, height, channels, bits, hash] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let file = std::fs::read(folder.join(name).with_extension("jxl")).unwrap();
        let Some(codestream) = codestream(&file) else { continue };
        let frame = Frame::read(codestream).unwrap();
        assert_eq!(frame.header.encoding, Encoding::Modular, "{name}");
        if !frame.header.is_last {
            continue; // A source of patches comes first.
        }
        let check = |samples: Vec<i32>, way: &str| {
            let count: usize =
                [width, height, channels].iter().map(|n| n.parse::<usize>().unwrap()).product();
            assert_eq!(samples.len(), count, "{name}");
            assert_eq!(sha256(&bytes(&samples, bits.parse().unwrap())), hash, "{name}, {way}");
        };
        for way in [Way::Tiles, Way::Groups] {
            check(frame.decode::<i32>(way, &Threads::Calling, &pool).unwrap(), &format!("{way:?}, i32"));
            match frame.decode::<i16>(way, &several, &pool) {
                Ok(samples) => {
                    check(samples, &format!("{way:?}, i16"));
                    *ways.entry("16 bits").or_insert(0) += 1;
                }
                Err(Error::SampleOverflow) => {
                    assert!(!frame.image.modular_16bit_buffers, "{name}");
                    *ways.entry("overflow").or_insert(0) += 1;
                }
                Err(error) => panic!("{name}: {error}"),
            }
        }
        check(frame.decode::<i32>(Way::Tiles, &several, &pool).unwrap(), "several threads");
    }
    assert!(ways["16 bits"] > 50 && ways["overflow"] >= 4, "{ways:?}");
}

/// SHA-256 as hexadecimal digits.
fn sha256(data: &[u8]) -> String {
    // The roots' fractional bits, computed rather than listed.
    let primes: Vec<u32> = (2..312).filter(|n| (2..*n).all(|d| n % d != 0)).collect();
    let fraction = |root: f64| ((root - root.floor()) * 4_294_967_296.0) as u32;
    let k: Vec<u32> = primes.iter().map(|&p| fraction(f64::from(p).cbrt())).collect();
    let mut h: Vec<u32> = primes[..8].iter().map(|&p| fraction(f64::from(p).sqrt())).collect();
    let mut padded = data.to_vec();
    padded.push(0x80);
    padded.resize((data.len() + 9).next_multiple_of(64) - 8, 0);
    padded.extend((8 * data.len() as u64).to_be_bytes());
    for block in padded.chunks(64) {
        let mut w: Vec<u32> =
            block.chunks(4).map(|bytes| u32::from_be_bytes(bytes.try_into().unwrap())).collect();
        for i in 16..64 {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
            w.push(w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1));
        }
        let mut v = h.clone();
        for i in 0..64 {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add(k[i]).wrapping_add(w[i]);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0.wrapping_add(majority));
        }
        for (h, v) in h.iter_mut().zip(v) {
            *h = h.wrapping_add(v);
        }
    }
    h.iter().map(|word| format!("{word:08x}")).collect()
}

#[test]
fn sha256_of_known_texts() {
    assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_eq!(sha256(text.as_bytes()), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
