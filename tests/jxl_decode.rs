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
