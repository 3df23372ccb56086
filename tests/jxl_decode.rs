//! `jxl-decode` as it is used: what it writes, what it prints, and its exit status.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own for a test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn run(arguments: &[&str]) -> Output {
    Command::new(common::jxl_decode()).args(arguments).stdin(Stdio::null()).output().expect("jxl-decode runs")
}

fn stream(name: &str) -> String {
    common::testdata().join(name).with_extension("jxl").to_string_lossy().into_owned()
}

/// The first bytes of each format, and PNG samples that are those of the PPM.
#[test]
fn writes_each_format() {
    let folder = folder("formats");
    for (source, name, begin) in [
        ("rgba", "a.png", &b"\x89PNG\r\n\x1a\n"[..]),
        ("gray", "a.pgm", b"P5\n70 50\n255\n"),
        ("bits12", "a.ppm", b"P6\n45 39\n65535\n"),
        (
            "gray_alpha",
            "a.pam",
            b"P7\nWIDTH 70\nHEIGHT 50\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n",
        ),
        ("float32", "a.pfm", b"PF\n41 33\n-1.0\n"),
        ("rgba", "a.npy", b"\x93NUMPY\x01\x00"),
    ] {
        let path = folder.join(name);
        let output = run(&[&stream(source), &path.to_string_lossy()]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(fs::read(&path).expect("a file").starts_with(begin), "{name}");
    }
    let (png, ppm) = (folder.join("b.png"), folder.join("b.ppm"));
    for path in [&png, &ppm] {
        assert!(run(&[&stream("effort7"), &path.to_string_lossy()]).status.success());
    }
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(png).expect("a file")));
    let mut reader = decoder.read_info().expect("a PNG");
    let mut samples = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut samples).expect("a picture");
    assert!(fs::read(ppm).expect("a file").ends_with(&samples));
}

/// Status 1 and one line for bad input, status 2 for bad usage; no output file that looks whole.
#[test]
fn tells_what_is_wrong() {
    let folder = folder("errors");
    let cut = folder.join("cut.jxl");
    let intact = fs::read(stream("effort3")).expect("a stream");
    fs::write(&cut, &intact[..intact.len() / 2]).expect("a cut stream");
    let out = folder.join("out.png");
    let output = run(&[&cut.to_string_lossy(), &out.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("cut.jxl") && message.contains("truncated"), "{message}");
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "only the input is there");

    assert_eq!(run(&[&folder.join("absent.jxl").to_string_lossy(), "-"]).status.code(), Some(1));
    assert_eq!(run(&[]).status.code(), Some(2));
    assert_eq!(run(&[&stream("gray"), "x.png", "--bits", "9"]).status.code(), Some(2));
}

/// Headers, as a table and as JSON.
#[test]
fn prints_what_a_file_is() {
    let table = run(&[&stream("box_metadata"), "--info"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    for fact in ["width", "61", "Modular", "Exif", "abcd"] {
        assert!(table.contains(fact), "{fact} in {table}");
    }
    let json = run(&[&stream("rgba16"), "--info", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["image"]["width"], 50);
    assert_eq!(json["extra_channels"][0]["type"], "Alpha");
}

/// Decoding again and again, the pool hands out what it has.
#[test]
fn prints_what_the_pool_did() {
    let folder = folder("pool");
    let out = folder.join("out.ppm");
    let output = run(&[&stream("effort2"), &out.to_string_lossy(), "--pool-stats", "--repeat", "10"]);
    let table = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && table.contains("hits"), "{table}");
}

/// The PNG in a file: its header, and for each frame the delay.
fn png_of(path: &Path) -> (png::Info<'static>, Vec<(u16, u16)>) {
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).expect("a file")));
    let mut reader = decoder.read_info().expect("a PNG");
    let mut samples = vec![0; reader.output_buffer_size().expect("a size")];
    let frames = reader.info().animation_control().map_or(1, |control| control.num_frames);
    let mut delays = Vec::new();
    for _ in 0..frames {
        reader.next_frame(&mut samples).expect("a frame");
        delays.extend(reader.info().frame_control().map(|control| (control.delay_num, control.delay_den)));
    }
    (reader.info().clone(), delays)
}

/// Animations play as the source does.
#[test]
fn writes_animated_png() {
    let out = folder("animated").join("out.png");
    assert!(run(&[&stream("animation"), &out.to_string_lossy()]).status.success());
    let (info, delays) = png_of(&out);
    let control = info.animation_control().expect("an animation");
    assert_eq!((control.num_frames, control.num_plays), (3, 0));
    assert_eq!(delays, [(1, 10), (1, 4), (7, 100)]);
}

/// Each frame, and each layer with its place, in a file of its own.
#[test]
fn writes_frames_and_layers_to_files() {
    let folder = folder("numbered");
    let out = folder.join("out.png");
    assert!(run(&[&stream("animation"), &out.to_string_lossy(), "--frames"]).status.success());
    let (third, _) = png_of(&folder.join("out-3.png"));
    assert_eq!((third.width, third.height), (60, 44));
    assert!(!folder.join("out-4.png").exists() && !out.exists());
    let output = run(&[&stream("animation"), &folder.join("l.pam").to_string_lossy(), "--layers"]);
    let places = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(places.lines().count(), 3);
    let second: serde_json::Value =
        serde_json::from_str(places.lines().nth(1).expect("a line")).expect("JSON");
    assert_eq!((&second["x"], &second["y"], &second["blend_mode"]), (&7.into(), &5.into(), &"Blend".into()));
    assert!(fs::read(folder.join("l-2.pam")).expect("a file").starts_with(b"P7\nWIDTH 20\nHEIGHT 16\n"));
    let refused = run(&[&stream("animation"), "-", "--format", "png", "--frames"]);
    assert_eq!(refused.status.code(), Some(1));
}

/// PNG tells the colours by profile and code points, and the light of HDR.
#[test]
fn writes_colours_to_png() {
    let folder = folder("colours");
    let out = folder.join("pq.png");
    assert!(run(&[&stream("colour_pq_lossless"), &out.to_string_lossy()]).status.success());
    let (info, _) = png_of(&out);
    assert_eq!(info.bit_depth, png::BitDepth::Sixteen);
    assert!(info.icc_profile.is_some());
    let points = info.coding_independent_code_points.expect("code points");
    assert_eq!((points.color_primaries, points.transfer_function), (9, 16));
    let volume = info.mastering_display_color_volume.expect("a volume");
    assert_eq!(volume.max_luminance, 100_000_000);

    let out = folder.join("p3.png");
    let arguments =
        [&stream("colour_pq"), &*out.to_string_lossy(), "--color-space", "display-p3", "--tone-map", "200"];
    assert!(run(&arguments).status.success());
    let points = png_of(&out).0.coding_independent_code_points.expect("code points");
    assert_eq!((points.color_primaries, points.transfer_function), (12, 13));
    let out = out.to_string_lossy();
    assert_eq!(run(&[&stream("gray"), &out, "--color-space", "beige"]).status.code(), Some(2));
    assert_eq!(run(&[&stream("gray"), &out, "--tone-map", "-3"]).status.code(), Some(2));
}

/// Colours become gray for a PGM, one channel is written alone, transparent pictures are laid over a colour.
#[test]
fn writes_channels_and_backgrounds() {
    let folder = folder("channels");
    let out = |name: &str| folder.join(name).to_string_lossy().into_owned();
    assert_eq!(run(&[&stream("effort7"), &out("a.pgm")]).status.code(), Some(1));
    assert!(run(&[&stream("effort7"), &out("a.pgm"), "--color-space", "gray"]).status.success());
    for channel in ["alpha", "0"] {
        assert!(run(&[&stream("rgba"), &out("alpha.pgm"), "--channel", channel]).status.success());
    }
    assert_eq!(run(&[&stream("rgba"), &out("b.pgm"), "--channel", "depth"]).status.code(), Some(1));
    assert!(run(&[&stream("rgba"), &out("all.pam")]).status.success());
    assert!(run(&[&stream("rgba"), &out("white.ppm"), "--background", "#fff"]).status.success());
    let samples = |name: &str, header: usize| fs::read(folder.join(name)).expect("a file").split_off(header);
    let alpha = samples("alpha.pgm", "P5\n140 60\n255\n".len());
    let white = samples("white.ppm", "P6\n140 60\n255\n".len());
    let all = fs::read(folder.join("all.pam")).expect("a file");
    let all = &all[all.len() - 140 * 60 * 4..];
    for ((rgba, alpha), laid) in all.chunks_exact(4).zip(alpha).zip(white.chunks_exact(3)) {
        assert_eq!(rgba[3], alpha);
        for (laid, colour) in laid.iter().zip(rgba) {
            let expected = (u32::from(*colour) * u32::from(alpha) + 255 * (255 - u32::from(alpha))) / 255;
            assert!(expected.abs_diff(u32::from(*laid)) <= 1);
        }
    }
}

/// Metadata and gain map go to files as they are or decoded; what a file has not is an error, and no file.
#[test]
fn writes_what_a_file_has_beside_its_picture() {
    let folder = folder("boxes");
    let out = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let source = stream("box_brob");
    let arguments = [&*source, "--exif", &out("e"), "--xmp", &out("x"), "--jumbf", &out("j")];
    assert!(run(&arguments).status.success());
    let content = |name: &str| fs::read(folder.join(name)).expect("a file");
    assert!(content("e").starts_with(b"II*\0"));
    assert!(content("x").starts_with(b"<x:xmpmeta") && content("x").ends_with(b"</x:xmpmeta>"));
    assert_eq!(&content("j")[4..8], b"jumd");

    let source = stream("box_gain_map");
    for name in ["gains.pgm", "gains.bin"] {
        assert!(run(&[&source, "--gain-map", &out(name)]).status.success(), "{name}");
    }
    assert!(run(&[&stream("gray"), &out("gray.pgm")]).status.success());
    assert_eq!(content("gains.pgm"), content("gray.pgm"));
    let codestream = fs::read(stream("gray")).expect("a stream");
    assert!(content("gains.bin").ends_with(&codestream) && content("gains.bin").len() > codestream.len());

    for option in ["--exif", "--xmp", "--jumbf", "--gain-map"] {
        let output = run(&[&stream("gray"), option, &out("none.png")]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{option}");
        assert!(message.contains("the file has no") && message.lines().count() == 1, "{message}");
        assert!(!folder.join("none.png").exists(), "{option}");
    }
}

/// A PNG has the metadata, with the orientation of its pixels.
#[test]
fn writes_metadata_to_png() {
    let folder = folder("metadata");
    let boxed = |kind: &[u8], content: &[u8]| -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), kind, content].concat()
    };
    // Tag 0x0112, a short: 6, a quarter turn that the decoder has made, or that the codestream does not ask for.
    let little = b"\0\0\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let big = b"\0\0\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let codestream = fs::read(stream("predictor05")).expect("a stream");
    for (name, exif, value) in [("little", little, 18), ("big", big, 19)] {
        let begin = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ";
        let boxes = [boxed(b"Exif", exif), boxed(b"xml ", b"<x/>"), boxed(b"jxlc", &codestream)];
        let source = folder.join(name).with_extension("jxl");
        fs::write(&source, [begin.as_slice(), &boxes.concat()].concat()).expect("a file");
        let out = source.with_extension("png");
        assert!(run(&[&source.to_string_lossy(), &out.to_string_lossy()]).status.success());
        let (info, _) = png_of(&out);
        let mut expected = exif[4..].to_vec();
        assert_eq!(std::mem::replace(&mut expected[value], 1), 6);
        assert_eq!(info.exif_metadata.as_deref(), Some(&*expected), "{name}");
        let text = &info.utf8_text[0];
        assert_eq!((&*text.keyword, &*text.get_text().expect("text")), ("XML:com.adobe.xmp", "<x/>"));
    }
    // Invalid metadata are left out.
    let mut cut = fs::read(folder.join("little.jxl")).expect("a file");
    let place = cut.windows(4).position(|kind| kind == b"Exif").expect("a box") + 4;
    cut[place] = 0xff;
    fs::write(folder.join("cut.jxl"), cut).expect("a file");
    let out = folder.join("cut.png");
    let output = run(&[&folder.join("cut.jxl").to_string_lossy(), &out.to_string_lossy()]);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("left out"));
    let (info, _) = png_of(&out);
    assert!(info.exif_metadata.is_none() && info.utf8_text.len() == 1);
}

/// The preview instead of the picture.
#[test]
fn writes_previews() {
    let folder = folder("preview");
    let out = |name: &str| folder.join(name).to_string_lossy().into_owned();
    assert!(run(&[&stream("preview"), &out("a.ppm"), "--preview", "--repeat", "2"]).status.success());
    assert!(run(&[&stream("preview_frame"), &out("b.ppm")]).status.success());
    let content = |name: &str| fs::read(folder.join(name)).expect("a file");
    assert!(content("a.ppm").starts_with(b"P6\n24 8\n") && content("a.ppm") == content("b.ppm"));
    let output = run(&[&stream("gray"), &out("none.png"), "--preview"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no preview"));
    assert!(!folder.join("none.png").exists());
}

/// The JPEG that a file was made from, by ending or because it is asked for; nothing is left behind where there is none.
#[test]
fn writes_original_jpegs() {
    let folder = folder("jpeg");
    let list = fs::read_to_string(common::testdata().join("jpeg/expected.tsv")).expect("a list");
    let bytes = |name: &str| {
        let line = list.lines().find(|line| line.split('\t').next() == Some(name)).expect("a line");
        line.split('\t').nth(1).expect("a number").parse::<u64>().expect("a number")
    };
    let (by_ending, asked) = (folder.join("a.jpg"), folder.join("b.bin"));
    assert!(run(&[&stream("jpeg/icc"), &by_ending.to_string_lossy()]).status.success());
    let output = run(&[&stream("jpeg/gray"), &asked.to_string_lossy(), "--jpeg", "--repeat", "2"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::metadata(&by_ending).expect("a file").len(), bytes("icc"));
    assert_eq!(fs::metadata(&asked).expect("a file").len(), bytes("gray"));
    let none = folder.join("none.jpg");
    let output = run(&[&stream("effort7"), &none.to_string_lossy()]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && message.contains("no data to reconstruct a JPEG"),
        "{message}"
    );
    let changed = run(&[&stream("jpeg/icc"), &none.to_string_lossy(), "--background", "white"]);
    assert_eq!(changed.status.code(), Some(1));
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2, "nothing is left behind");
}

/// Colours multiplied by alpha, or divided by it.
#[test]
fn writes_colours_with_and_without_their_alpha() {
    let folder = folder("alpha");
    let out = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let array = |how: &str| {
        let path = out("a.npy");
        assert!(run(&[&stream("render/layers_premultiplied"), &path, "--alpha", how]).status.success());
        let npy = fs::read(path).expect("a file");
        npy[128..].as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v)).collect::<Vec<_>>()
    };
    let (stored, straight) = (array("stored"), array("straight"));
    assert_eq!(stored, array("premultiplied"));
    for (stored, straight) in stored.chunks_exact(4).zip(straight.chunks_exact(4)) {
        assert!((stored[0] - straight[0] * stored[3]).abs() < 1e-5 && stored[3] == straight[3]);
    }
    assert!(stored != straight);
    let refused = run(&[&stream("rgba"), &out("a.png"), "--alpha", "premultiplied"]);
    assert_eq!(refused.status.code(), Some(1));
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

/// Names, time codes, places and durations of frames and layers.
#[test]
fn tells_of_frames_and_layers() {
    let folder = folder("told");
    let out = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (png, metadata) = (out("a.png"), out("a.json"));
    let source = stream("render/animation_timecodes");
    assert!(run(&[&source, &png, "--metadata_out", &metadata]).status.success());
    let (info, delays) = png_of(Path::new(&png));
    let control = info.animation_control().expect("an animation");
    assert_eq!((control.num_frames, control.num_plays), (3, 2));
    assert_eq!(delays, [(1001, 10_000), (1001, 1000), (1001, 30_000)]);
    let frames = &json(Path::new(&metadata))["frames"];
    let codes = [0x0102_0304, 0x0102_0307, 0x0102_0407];
    for (i, name) in ["first", "second", "third"].into_iter().enumerate() {
        assert_eq!((&frames[i]["name"], &frames[i]["timecode"]), (&name.into(), &codes[i].into()));
    }
    assert!(run(&[&source, &out("f.npy"), "--frames"]).status.success());
    let shape = b"'shape': (1, 30, 40, 3)";
    let header = fs::read(folder.join("f-3.npy")).expect("a file");
    assert!(header.windows(shape.len()).any(|part| part == shape));

    let output = run(&[&stream("render/layers"), &out("l.pam"), "--layers"]);
    let told: Vec<serde_json::Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let expected = [
        ("paper", [0, 0], "Replace"),
        ("Zettel über dem Rand", [-9, -4], "Blend"),
        ("light", [40, 30], "Add"),
        ("shade", [5, 1], "Mul"),
        ("glow", [20, 12], "AlphaWeightedAdd"),
    ];
    for (told, (name, [x, y], mode)) in told.iter().zip(expected) {
        assert_eq!((&told["name"], &told["blend_mode"]), (&name.into(), &mode.into()));
        assert_eq!((&told["x"], &told["y"]), (&x.into(), &y.into()));
    }
    assert_eq!(told.len(), expected.len());
    assert!(
        fs::read(folder.join("l-2.pam")).expect("a file").starts_with(b"P7\nWIDTH 30\nHEIGHT 20\nDEPTH 4\n")
    );
}

/// All extra channels in PAM and NPY; each alone by name, kind or number, at its own depth.
#[test]
fn writes_extra_channels_of_all_kinds() {
    let folder = folder("extra");
    let out = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let source = stream("render/extra_channels");
    assert!(run(&[&source, &out("a.pam")]).status.success());
    let pam = fs::read(folder.join("a.pam")).expect("a file");
    let header = "P7\nWIDTH 33\nHEIGHT 25\nDEPTH 9\nMAXVAL 65535\n\
                  TUPLTYPE RGB_ALPHA_DEPTH_SPOTCOLOR_SELECTIONMASK_CFA_THERMAL\nENDHDR\n";
    assert!(pam.starts_with(header.as_bytes()), "{}", String::from_utf8_lossy(&pam[..140]));
    let word = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
    let samples: Vec<u16> = pam[header.len()..].chunks_exact(2).map(word).collect();
    assert!(run(&[&source, &out("a.npy"), "--norender_spotcolors"]).status.success());
    let npy = fs::read(folder.join("a.npy")).expect("a file");
    let floats =
        npy[npy.len() - samples.len() * 4..].as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v));
    for (i, (float, sample)) in floats.zip(&samples).enumerate() {
        // The PAM has its gold in the colours.
        let near = (float * 65535.0 - f32::from(*sample)).abs() < 0.51;
        assert!(near || i % 9 < 3, "sample {i}: {float} and {sample}");
    }
    let shape = b"'shape': (1, 25, 33, 9)";
    assert!(npy.windows(shape.len()).any(|part| part == shape));
    for (channel, index, bits) in [
        ("far", 4, 16),
        ("Gold", 5, 8),
        ("selectionmask", 6, 8),
        ("4", 7, 16),
        ("heat", 8, 16),
        ("thermal", 8, 16),
    ] {
        assert!(run(&[&source, &out("c.pgm"), "--channel", channel]).status.success(), "{channel}");
        let pgm = fs::read(folder.join("c.pgm")).expect("a file");
        let header = format!("P5\n33 25\n{}\n", (1 << bits) - 1);
        assert!(pgm.starts_with(header.as_bytes()), "{channel}");
        let pgm = &pgm[header.len()..];
        let alone: Vec<u16> = match bits {
            8 => pgm.iter().map(|&v| u16::from(v) * 257).collect(),
            _ => pgm.chunks_exact(2).map(word).collect(),
        };
        assert!(alone.iter().eq(samples.iter().skip(index).step_by(9)), "{channel}");
    }
}

/// CMYK is RGB in pictures and four inks in arrays; XYB is what it is.
#[test]
fn writes_inks_and_xyb() {
    let folder = folder("inks");
    let out = |name: &str| folder.join(name).to_string_lossy().into_owned();
    assert!(run(&[&stream("render/cmyk"), &out("a.png")]).status.success());
    let (info, _) = png_of(&folder.join("a.png"));
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Sixteen));
    assert_eq!(&info.icc_profile.expect("a profile")[16..20], b"RGB ");
    assert!(run(&[&stream("render/cmyk"), &out("a.npy")]).status.success());
    let shape = b"'shape': (1, 30, 40, 4)";
    let npy = fs::read(folder.join("a.npy")).expect("a file");
    assert!(npy.windows(shape.len()).any(|part| part == shape));

    let (png, icc) = (out("x.png"), out("x.icc"));
    let arguments = [&stream("render/noise"), &*png, "--color-space", "xyb", "--icc_out", &icc];
    assert!(run(&arguments).status.success());
    assert_eq!(&fs::read(&icc).expect("a profile")[12..16], b"scnr");
    let refused = run(&[&stream("rgba"), &png, "--color-space", "xyb"]);
    assert_eq!(refused.status.code(), Some(1));
}

#[cfg(feature = "exr")]
mod open_exr {
    use super::*;
    use exr::prelude::{FlatSamples, Image, Layer, read_first_flat_layer_from_file};

    type Picture = Image<Layer<exr::image::AnyChannels<FlatSamples>>>;

    fn read(path: &Path) -> Picture {
        read_first_flat_layer_from_file(path).expect("an OpenEXR file")
    }

    fn channel(picture: &Picture, name: &str) -> Vec<f32> {
        let list = &picture.layer_data.channel_data.list;
        let channel = list.iter().find(|channel| channel.name.eq(name)).expect("the channel");
        channel.sample_data.values_as_f32().collect()
    }

    fn array(name: &str, folder: &Path, more: &[&str]) -> Vec<f32> {
        let path = folder.join("a.npy").to_string_lossy().into_owned();
        let source = stream(name);
        let arguments: Vec<&str> = [&*source, &*path].into_iter().chain(more.iter().copied()).collect();
        assert!(run(&arguments).status.success());
        let npy = fs::read(path).expect("a file");
        npy[128..].as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v)).collect()
    }

    /// Linear light, half floats where they suffice, every channel by its name.
    #[test]
    fn has_all_channels_in_linear_light() {
        let folder = folder("exr");
        let out = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let path = out("a.exr");
        let source = stream("render/extra_channels");
        assert!(run(&[&source, &path, "--norender_spotcolors"]).status.success());
        let picture = read(Path::new(&path));
        let names = ["A", "B", "CFA", "G", "Gold", "R", "SelectionMask", "Z", "heat"];
        let list = &picture.layer_data.channel_data.list;
        assert!(list.iter().map(|channel| channel.name.to_string()).eq(names));
        assert!(list.iter().all(|channel| matches!(channel.sample_data, FlatSamples::F32(_))));
        let linear = ["--norender_spotcolors", "--color-space", "linear"];
        let expected = array("render/extra_channels", &folder, &linear);
        for (index, name) in ["R", "G", "B", "A", "Z", "Gold"].into_iter().enumerate() {
            let expected = expected.iter().skip(index).step_by(9);
            assert!(channel(&picture, name).iter().eq(expected), "{name}");
        }
        let red = picture.attributes.chromaticities.expect("primaries").red;
        assert!((red.0 - 0.64).abs() < 1e-4 && (red.1 - 0.33).abs() < 1e-4);

        for (bits, is_half) in [(None, true), (Some("16"), true), (Some("32"), false)] {
            let source = stream("rgba");
            let mut arguments = vec![&*source, &*path];
            bits.iter().for_each(|bits| arguments.extend(["--bits", bits]));
            assert!(run(&arguments).status.success());
            let picture = read(Path::new(&path));
            let list = &picture.layer_data.channel_data.list;
            let halves = list.iter().all(|channel| matches!(channel.sample_data, FlatSamples::F16(_)));
            assert_eq!((list.len(), halves), (4, is_half));
            // Colours are multiplied by alpha.
            let linear = array("rgba", &folder, &["--color-space", "linear"]);
            let (red, alpha) = (channel(&picture, "R"), channel(&picture, "A"));
            for ((pixel, red), alpha) in linear.chunks_exact(4).zip(red).zip(alpha) {
                assert!((pixel[0] * pixel[3] - red).abs() < 1e-3 && (pixel[3] - alpha).abs() < 1e-3);
            }
        }
        assert_eq!(run(&[&source, &path, "--bits", "8"]).status.code(), Some(1));
    }

    /// Layers have their names and places.
    #[test]
    fn has_layers_at_their_places() {
        let folder = folder("exr_layers");
        let path = folder.join("l.exr").to_string_lossy().into_owned();
        assert!(run(&[&stream("render/layers"), &path, "--layers"]).status.success());
        let picture = read(&folder.join("l-2.exr"));
        let attributes = &picture.layer_data.attributes;
        assert_eq!((attributes.layer_position.0, attributes.layer_position.1), (-9, -4));
        assert!(attributes.layer_name.as_ref().is_some_and(|name| name.eq("Zettel über dem Rand")));
        let window = picture.attributes.display_window;
        assert_eq!((window.size.0, window.size.1), (48, 36));
    }
}
