//! What the whole-decoder tests share: where files lie, and how skipping is said.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::io::Write;
use std::path::{Path, PathBuf};

/// The streams made for this project.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// The files with `ending` in a folder, in order.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    files
}

/// All streams of `testdata` and the folders in it but `jpeg`, which has tests of its own.
pub fn streams() -> Vec<PathBuf> {
    let inside = std::fs::read_dir(testdata()).expect("a folder").flatten().map(|entry| entry.path());
    let mut folders: Vec<_> = inside.filter(|path| path.is_dir() && !path.ends_with("jpeg")).collect();
    folders.sort();
    folders.insert(0, testdata());
    folders.iter().flat_map(|folder| files(folder, "jxl")).collect()
}

/// A file or folder beside the project that only some machines have, named by `JXLAKE_SHARED` or in `../shared`.
/// Says so, past the capture of test output, if it is not there.
pub fn shared(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("JXLAKE_SHARED").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let path = folder.join(what);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("no {what} beside the project"));
    None
}

/// Says visibly that a test is skipped.
pub fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// The `jxl-decode` that was built with these tests.
pub fn jxl_decode() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.parent().and_then(Path::parent).expect("the folder of the build");
    folder.join("examples").join(format!("jxl-decode{}", std::env::consts::EXE_SUFFIX))
}

/// A small generator of random numbers (xorshift64*), so that failures repeat.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound.max(1)
    }
}
