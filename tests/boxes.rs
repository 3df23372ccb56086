//! What a file has beside its frames: metadata, gain map, frame index, preview.

mod common;

use common::Random;
use jxlake::container::{BoxType, Error as ContainerError, GainMap};
use jxlake::frame::frame_header::BlendMode;
use jxlake::frame::icc_stream::{IccScratch, read_icc_stream};
use jxlake::frame::image_header::{ImageHeader, Primaries, TransferFunction};
use jxlake::{Channels, Decoder, Error, ErrorKind, Image, Limits, PixelFormat, Threads};
use jxlake_entropy::BitReader;

fn stream(name: &str) -> Vec<u8> {
    std::fs::read(common::testdata().join(name).with_extension("jxl")).expect("a stream of testdata")
}

fn decoder() -> Decoder {
    Decoder::new().with_threads(Threads::Calling)
}

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), kind.as_slice(), content].concat()
}

/// A container around a codestream, which comes before the other boxes.
fn file(codestream: &[u8], boxes: &[Vec<u8>]) -> Vec<u8> {
    let begin = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ";
    [begin.as_slice(), &boxed(b"jxlc", codestream), &boxes.concat()].concat()
}

#[test]
fn compressed_and_plain_metadata_are_read() {
    let (brob, plain) = (stream("box_brob"), stream("box_metadata"));
    let mut decoder = decoder();
    let mut frames = decoder.open(&brob).expect("headers");
    assert!(frames.container().metadata().iter().all(|found| found.is_compressed()));
    let exif = frames.exif().expect("Exif").expect("Exif");
    assert!(exif.starts_with(b"II*\0\x08\0\0\0\x01\0") && exif.ends_with(b"a scene\0"));
    let xmp = frames.xmp().expect("XMP").expect("XMP");
    assert!(xmp.starts_with(b"<x:xmpmeta") && xmp.ends_with(b"</x:xmpmeta>") && xmp.len() > 300);
    let jumbf = frames.jumbf().expect("JUMBF").expect("JUMBF");
    assert_eq!((&jumbf[4..8], &jumbf[jumbf.len() - 8..]), (&b"jumd"[..], &b"<scene/>"[..]));
    assert!(frames.gain_map().expect("no gain map").is_none());
    assert!(frames.frame_index().expect("no index").is_none());
    let mut frames = decoder.open(&plain).expect("headers");
    assert_eq!(frames.exif().expect("Exif").map(<[u8]>::len), Some(14));
    assert!(frames.jumbf().expect("no JUMBF").is_none());
    let unknown = frames.container().find(BoxType(*b"abcd")).expect("a box");
    assert_eq!(frames.box_content(unknown).expect("content"), b"unknown");
}

/// What is plain is a slice of the file.
#[test]
fn plain_boxes_are_not_copied() {
    let bytes = stream("box_metadata");
    let mut decoder = decoder();
    let mut frames = decoder.open(&bytes).expect("headers");
    let xmp = frames.xmp().expect("XMP").expect("XMP");
    assert!(bytes.as_ptr_range().contains(&xmp.as_ptr()));
}

/// Damaged metadata are errors of the metadata, and not of the picture.
#[test]
fn damaged_metadata_leave_the_picture() {
    let pixels = stream("predictor05");
    let whole = decoder().decode::<u8>(&pixels, &PixelFormat::default()).expect("a picture");
    let brob = |kind: &[u8], stream: &[u8]| boxed(b"brob", &[kind, stream].concat());
    // RFC 7932, 9.2: stored "hello", the end.
    let hello = b"\x40\0\x10hello\x03";
    for (what, found, kind) in [
        ("Exif without an offset", boxed(b"Exif", b"\0\0"), ErrorKind::Invalid),
        ("Exif beyond its end", boxed(b"Exif", b"\0\0\0\x09II*\0"), ErrorKind::Invalid),
        ("a cut stream", brob(b"Exif", &hello[..6]), ErrorKind::Invalid),
        ("bytes behind a stream", brob(b"Exif", &[hello, &b"!"[..]].concat()), ErrorKind::Invalid),
        ("no stream", brob(b"Exif", b""), ErrorKind::Invalid),
        ("a box beyond the file", boxed(b"Exif", b"\0\0\0\0II*\0")[..14].to_vec(), ErrorKind::Truncated),
    ] {
        let bytes = file(&pixels, &[found]);
        let mut decoder = decoder();
        let mut frames = decoder.open(&bytes).expect("headers");
        assert_eq!(frames.exif().expect_err(what).kind(), kind, "{what}");
        let image = frames.next_image::<u8>(&PixelFormat::default()).expect(what).expect("a frame");
        assert!(image.rows().eq(whole.rows()), "{what}");
    }
    for forbidden in [b"jxlc", b"jbrd", b"brob"] {
        let bytes = file(&pixels, &[brob(forbidden, hello)]);
        let mut decoder = decoder();
        let mut frames = decoder.open(&bytes).expect("headers");
        let found = &frames.container().metadata()[0];
        assert_eq!(frames.box_content(found).expect_err("forbidden").kind(), ErrorKind::Invalid);
    }
}

#[test]
fn unpacked_boxes_keep_their_limit() {
    let bytes = stream("box_brob");
    for (bound, fits) in [(1 << 20, true), (100, false)] {
        let limits = Limits { metadata_box_bytes: bound, ..Limits::default() };
        let mut decoder = decoder().with_limits(limits);
        let mut frames = decoder.open(&bytes).expect("headers");
        match frames.xmp() {
            Ok(xmp) => assert!(fits && xmp.is_some()),
            Err(error) => {
                assert!(!fits && error.kind() == ErrorKind::Limit, "{error}");
                assert!(error.to_string().contains("metadata box"), "{error}");
            }
        }
    }
}

/// Flipped bits of boxes give content or an error that is not the caller's fault.
#[test]
fn damaged_boxes_do_no_harm() {
    let mut random = Random::new(5);
    let mut decoder = decoder();
    for name in ["box_brob", "box_gain_map"] {
        let intact = stream(name);
        let mut read = |bytes: &[u8]| -> jxlake::Result<()> {
            let limits = Limits::default();
            let mut frames = decoder.open(bytes)?;
            let mut result = Ok(());
            for found in frames.container().metadata() {
                result = result.and(frames.box_content(found).map(drop));
            }
            if let Some(map) = frames.gain_map()? {
                result = result.and(map.metadata().map(drop)).and(map.colour_encoding().map(drop));
                result = result.and(map.icc(&limits).map(drop));
            }
            result.and(frames.exif().map(drop)).and(frames.frame_index().map(drop))
        };
        read(&intact).expect(name);
        for _ in 0..200 {
            let mut bytes = intact.clone();
            let place = random.below(bytes.len());
            bytes[place] ^= 1 << random.below(8);
            let result = read(&bytes);
            assert!(!result.is_err_and(|error| error.kind() == ErrorKind::Misuse), "{name} at {place}");
            let _ = read(&bytes[..random.below(bytes.len())]);
        }
    }
}

/// Metadata, colours and picture of a gain map.
#[test]
fn gain_maps_are_read_and_decoded() {
    let bytes = stream("box_gain_map");
    let mut outer = decoder();
    let mut frames = outer.open(&bytes).expect("headers");
    let map = frames.gain_map().expect("a gain map").expect("a gain map");
    let metadata = map.metadata().expect("metadata").expect("metadata");
    assert!(metadata.use_base_colour_space && !metadata.is_multichannel);
    assert_eq!((metadata.alternate_hdr_headroom, metadata.channels[1].base_offset), (2.5, 1.0 / 64.0));
    let colours = map.colour_encoding().expect("colours").expect("colours");
    let (primaries, transfer) = (colours.primaries, colours.transfer_function);
    assert_eq!((primaries, transfer), (Primaries::P3, TransferFunction::Linear));
    assert!(map.icc(&Limits::default()).expect("no profile").is_none());
    let gray = PixelFormat { channels: Channels::Gray, ..PixelFormat::default() };
    let gains = decoder().decode::<u8>(map.codestream, &gray).expect("gains");
    let expected = decoder().decode::<u8>(&stream("gray"), &gray).expect("a picture");
    assert!(gains.rows().eq(expected.rows()));
}

/// The profile of an image, taken out of its codestream into a gain map.
#[test]
fn gain_maps_bring_profiles() {
    let image = stream("colour_icc");
    let limits = Limits::default();
    let mut bits = BitReader::new(&image);
    ImageHeader::default().read(&mut bits, &limits).expect("a header");
    let start = bits.position();
    let mut profile = Vec::new();
    read_icc_stream(&mut bits, &limits, &mut IccScratch::default(), &mut profile).expect("a profile");
    let mut encoded = vec![0u8; (bits.position() - start).div_ceil(8) as usize];
    for bit in start..bits.position() {
        let value = (image[(bit / 8) as usize] >> (bit % 8)) & 1;
        encoded[((bit - start) / 8) as usize] |= value << ((bit - start) % 8);
    }
    let content = [&[0; 4][..], &(encoded.len() as u32).to_be_bytes(), &encoded].concat();
    let map = GainMap::parse(&content).expect("a gain map");
    assert_eq!(map.icc(&limits).expect("a profile"), Some(profile));
    let small = Limits { icc_bytes: 100, ..limits };
    assert_eq!(map.icc(&small).expect_err("too large").kind(), ErrorKind::Limit);
    let cut = GainMap { encoded_icc: &encoded[..encoded.len() / 2], ..map };
    assert_eq!(cut.icc(&limits).expect_err("cut").kind(), ErrorKind::Invalid);
}

/// A number of seven bits a byte.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// `jxli` of offsets, each from the one before, and numbers of displayed frames.
fn index(entries: &[(u64, u64)]) -> Vec<u8> {
    let mut content = varint(entries.len() as u64);
    content.extend(b"\0\0\0\x01\0\0\x03\xe8");
    for &(offset, frames) in entries {
        content.extend([varint(offset), varint(0), varint(frames)].concat());
    }
    boxed(b"jxli", &content)
}

fn all_frames(bytes: &[u8]) -> Vec<Image<u8>> {
    let mut decoder = decoder();
    let mut frames = decoder.open(bytes).expect("headers");
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    std::iter::from_fn(|| frames.next_image::<u8>(&format).expect("a frame")).collect()
}

/// An animation whose frames replace all that is before, and where each begins.
fn keyframes() -> (Vec<u8>, Vec<u64>) {
    let bytes = stream("animation_keyframes");
    let mut decoder = decoder();
    let mut frames = decoder.open(&bytes).expect("headers");
    let mut places = Vec::new();
    loop {
        let place = frames.position();
        let Some(header) = frames.skip_frame().expect("a header") else { break };
        if header.blending.mode == BlendMode::Replace && !header.have_crop {
            places.extend(place);
        }
    }
    (bytes, places)
}

/// Where the search for a frame ends, and that decoding from there gives the same frames as decoding all.
#[track_caller]
fn assert_sought(bytes: &[u8], wanted: &[(u64, u64)]) {
    let expected = all_frames(bytes);
    let format = PixelFormat { channels: Channels::All, ..PixelFormat::default() };
    let mut decoder = decoder();
    for &(frame, first) in wanted {
        let mut frames = decoder.open(bytes).expect("headers");
        assert_eq!(frames.seek(frame).expect("a frame"), first, "frame {frame}");
        for expected in &expected[first as usize..] {
            let image = frames.next_image::<u8>(&format).expect("a frame").expect("a frame");
            assert!(image.rows().eq(expected.rows()), "frame {frame} from {first}");
        }
        assert!(frames.next_image::<u8>(&format).expect("the end").is_none());
        assert!(frames.position().is_none());
        // From behind the last frame.
        assert_eq!(frames.seek(frame).expect("a frame"), first, "frame {frame} from the end");
    }
}

#[test]
fn frames_are_sought_by_the_index() {
    let (codestream, places) = keyframes();
    let [first, fourth] = places[..] else { panic!("{places:?}") };
    let right = index(&[(first, 3), (fourth - first, 2)]);
    assert_sought(&file(&codestream, &[right]), &[(0, 0), (1, 0), (2, 0), (3, 3), (4, 3)]);
    // Without an index, or with a wrong one, all frames are decoded.
    assert_sought(&codestream, &[(0, 0), (4, 0)]);
    let wrong = [
        index(&[(first, 3), (fourth - first + 1, 2)]),
        index(&[(first, 3), (u64::MAX >> 2, 2)]),
        index(&[(first, 1), (fourth - first, 1)]),
        boxed(b"jxli", b"\xff\xff\xff"),
    ];
    for wrong in wrong {
        assert_sought(&file(&codestream, &[wrong]), &[(0, 0), (2, 0)]);
    }
}

#[test]
fn seeking_stays_where_that_is_nearer() {
    let (codestream, places) = keyframes();
    let bytes = file(&codestream, &[index(&[(places[0], 3), (places[1] - places[0], 2)])]);
    let mut decoder = decoder();
    let format = PixelFormat::default();
    let mut frames = decoder.open(&bytes).expect("headers");
    frames.next_image::<u8>(&format).expect("a frame");
    assert_eq!(frames.seek(2).expect("a frame"), 1);
    assert_eq!(frames.seek(4).expect("a frame"), 3);
    assert_eq!(frames.seek(1).expect("a frame"), 0);
    // What was passed over is not there to be drawn over.
    frames.skip_frame().expect("a frame");
    assert_eq!(frames.seek(2).expect("a frame"), 0);
}

#[test]
fn frames_are_found_by_their_time() {
    let (codestream, _) = keyframes();
    let mut decoder = decoder();
    let mut frames = decoder.open(&codestream).expect("headers");
    let mut durations = Vec::new();
    while let Some(header) = frames.skip_frame().expect("a header") {
        durations.push(u64::from(header.duration));
    }
    let mut start = 0;
    for (frame, duration) in (0..).zip(durations) {
        assert!(duration > 0);
        for ticks in [start, start + duration - 1] {
            assert_eq!(frames.frame_at(ticks).expect("headers"), frame, "at {ticks}");
        }
        start += duration;
    }
    assert_eq!(frames.frame_at(start).expect("headers"), 4);
}

/// The preview and the image are those of the streams that they were taken from.
#[test]
fn previews_are_decoded() {
    let bytes = stream("preview");
    let format = PixelFormat::default();
    let alone = |name| decoder().decode::<u8>(&stream(name), &format).expect("a picture");
    let (small, image) = (alone("preview_frame"), alone("preview_none"));
    let mut decoder = decoder();
    let mut frames = decoder.open(&bytes).expect("headers");
    for _ in 0..2 {
        let preview = frames.preview::<u8>(&format).expect("a preview").expect("a preview");
        assert!(preview.shape() == small.shape() && preview.rows().eq(small.rows()));
    }
    assert_eq!(frames.image().size.width, 61);
    let first = frames.next_image::<u8>(&format).expect("a frame").expect("a frame");
    assert!(first.rows().eq(image.rows()));
    let preview = frames.preview::<f32>(&format).expect("a preview").expect("a preview");
    assert_eq!((preview.shape().width, preview.shape().height), (24, 8));
    assert!(frames.next_image::<u8>(&format).expect("the end").is_none());
    assert!(decoder.open(&stream("gray")).expect("headers").preview::<u8>(&format).expect("none").is_none());
}

/// A damaged preview is an error of the preview, and not of the image.
#[test]
fn damaged_previews_leave_the_image() {
    let mut bytes = stream("preview");
    let format = PixelFormat::default();
    let intact = decoder().decode::<u8>(&bytes, &format).expect("a picture");
    let mut refused = 0;
    for place in 40..bytes.len() - stream("preview_none").len() {
        bytes[place] ^= 0xff;
        let mut decoder = decoder();
        let mut frames = decoder.open(&bytes).expect("headers");
        refused += usize::from(frames.preview::<u8>(&format).is_err());
        let image = frames.next_image::<u8>(&format).expect("a frame").expect("a frame");
        assert!(image.rows().eq(intact.rows()));
        bytes[place] ^= 0xff;
    }
    assert!(refused > 0);
}

/// A cut file is truncated, be it in the preview; what is said to be needed is more than there is.
#[test]
fn cut_previews_are_truncated() {
    let bytes = stream("preview");
    for end in 0..bytes.len() {
        let mut decoder = decoder();
        let result = decoder.decode::<u8>(&bytes[..end], &PixelFormat::default());
        let Err(Error::Container(ContainerError::Truncated { needed })) = result else {
            panic!("cut to {end}: {:?}", result.err())
        };
        assert!(needed.is_none_or(|needed| needed > end as u64));
    }
}

/// Wherever a codestream is divided, it is the same: behind its headers, where only these are put together, before, in a
/// frame, or in a preview.
#[test]
fn divided_codestreams_are_decoded_as_whole_ones() {
    let format = PixelFormat::default();
    for name in ["animation", "preview"] {
        let bytes = stream(name);
        let mut whole = decoder();
        let mut frames = whole.open(&bytes).expect("headers");
        let first = frames.position().expect("a frame") as usize;
        let mut starts = Vec::new();
        let mut pictures = Vec::new();
        while let Some(start) = frames.position() {
            starts.push(start);
            pictures.extend(frames.next_image::<u8>(&format).expect("a frame"));
        }
        let mut divided = decoder();
        for second in [5, first - 1, first, first + 1, bytes.len() - 9] {
            let parts: [&[u8]; 3] = [&bytes[..3], &bytes[3..second], &bytes[second..]];
            let parts = parts.iter().zip([0, 1, 0x8000_0002u32]);
            let parts = parts.map(|(part, index)| boxed(b"jxlp", &[&index.to_be_bytes(), *part].concat()));
            let begin = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ";
            let file = [begin.as_slice(), &parts.collect::<Vec<_>>().concat()].concat();
            let mut frames = divided.open(&file).expect("headers");
            assert_eq!(
                frames.preview::<u8>(&format).expect("a preview, or none").is_some(),
                name == "preview"
            );
            for _ in 0..2 {
                for (&start, picture) in starts.iter().zip(&pictures) {
                    assert_eq!(frames.position(), Some(start));
                    let decoded = frames.next_image::<u8>(&format).expect("a frame").expect("a frame");
                    assert!(decoded.rows().eq(picture.rows()), "{name} divided at {second}");
                }
                assert_eq!(frames.position(), None);
                frames.rewind();
            }
            for end in (file.len() - bytes.len() + first..file.len()).step_by(97) {
                let result = divided.decode::<u8>(&file[..end], &format);
                if let Err(Error::Container(ContainerError::Truncated { needed })) = result {
                    assert!(needed.is_none_or(|needed| needed > end as u64), "{needed:?} of {end}");
                } else {
                    assert!(result.is_ok(), "cut to {end}: {:?}", result.err());
                }
            }
        }
    }
}
