//! The official conformance streams, judged by the script that comes with them, if both are there.

mod common;

use std::process::Command;

/// Streams that use Modular coding alone.
const MODULAR: [&str; 7] = [
    "alpha_nonpremultiplied",
    "alpha_triangles",
    "bicycles",
    "delta_palette",
    "grayscale_public_university",
    "lossless_pfm",
    "lz77_flower",
];

/// Streams with VarDCT frames.
const VARDCT: [&str; 7] = [
    "alpha_premultiplied",
    "animation_icos4d",
    "bike",
    "grayscale",
    "opsin_inverse",
    "progressive",
    "upsampling",
];

/// Streams with layers, features, spot colours, several frames.
const COMPOSED: [&str; 9] = [
    "animation_newtons_cradle",
    "animation_spline",
    "blendmodes",
    "cmyk_layers",
    "noise",
    "patches",
    "patches_lossless",
    "spot",
    "sunset_logo",
];

#[test]
fn modular_streams_conform() {
    judge(&MODULAR);
}

#[test]
fn vardct_streams_conform() {
    judge(&VARDCT);
}

#[test]
fn composed_streams_conform() {
    judge(&COMPOSED);
}

fn judge(cases: &[&str]) {
    let Some(script) = common::shared("conformance/run.py") else { return };
    let numpy = Command::new("python3").args(["-c", "import numpy"]).output();
    if !numpy.is_ok_and(|output| output.status.success()) {
        return common::skipped("python3 with numpy is not installed");
    }
    let decoder = common::jxl_decode();
    let judged = Command::new("python3").arg(script).arg("--decoder").arg(decoder).args(cases).output();
    let judged = judged.expect("the judge runs");
    let report = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{report}{}", String::from_utf8_lossy(&judged.stderr));
}
