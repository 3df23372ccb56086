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
