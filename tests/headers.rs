//! The headers of real files: every frame is found, the last one ends where the codestream ends, and a file that is
//! still growing asks for more until it tells the same.
//!
//! Besides `testdata/` the folders in `JXLAKE_STREAMS` (as in `PATH`) are walked, with all folders in them.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use jxlake::container::{self, Container};
use jxlake_entropy::BitReader;
use jxlake_frame::fields::Fields;
use jxlake_frame::frame_header::{FrameHeader, FrameRole};
use jxlake_frame::geometry::FrameGeometry;
use jxlake_frame::icc_stream::{IccScratch, read_icc_stream};
use jxlake_frame::image_header::ImageHeader;
use jxlake_frame::limits::Limits;
use jxlake_frame::toc::Toc;

/// What a decoder keeps from file to file.
#[derive(Default)]
struct Headers {
    limits: Limits,
    container: Container,
    image: ImageHeader,
    icc_scratch: IccScratch,
    icc: Vec<u8>,
    frame: FrameHeader,
    toc: Toc,
    gathered: Vec<u8>,
}

/// What the headers of a file tell.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    image: ImageHeader,
    icc: Vec<u8>,
    frames: Vec<FrameHeader>,
    /// Where the last frame ends in the codestream.
    end: u64,
}

impl Headers {
    fn read(&mut self, file: &[u8]) -> Result<Told, container::Error> {
        self.container.reset();
        self.container.read(file, &self.limits);
        let codestream = self.container.codestream(file);
        self.gathered.resize(codestream.len() as usize, 0);
        codestream.gather(0, &mut self.gathered);
        self.read_codestream().map_err(|error| match error {
            jxlake_frame::Error::Truncated { needed } => self.container.shortage(file, needed),
            other => panic!("{other}"),
        })
    }

    fn read_codestream(&mut self) -> Result<Told, jxlake_frame::Error> {
        let mut bits = BitReader::new(&self.gathered);
        self.image.read(&mut bits, &self.limits)?;
        self.icc.clear();
        if self.image.colour_encoding.want_icc {
            read_icc_stream(&mut bits, &self.limits, &mut self.icc_scratch, &mut self.icc)?;
        }
        bits.zero_pad()?;
        let mut end = bits.position() / 8;
        let mut frames = Vec::new();
        let mut role = if self.image.preview.is_some() { FrameRole::Preview } else { FrameRole::Main };
        loop {
            let here = usize::try_from(end).ok().and_then(|end| self.gathered.get(end..));
            let needed = |needed: u64| jxlake_frame::Error::Truncated { needed: Some(end + needed) };
            let mut bits = BitReader::new(here.ok_or(needed(1))?);
            let read = self
                .frame
                .read(&mut bits, &self.image, role, &self.limits)
                .and_then(|()| self.toc.read(&mut bits, &FrameGeometry::new(&self.frame, &self.limits)?));
            match read {
                Err(jxlake_frame::Error::Truncated { needed: Some(bytes) }) => return Err(needed(bytes)),
                other => other?,
            }
            end += self.toc.end();
            let sections: u64 = self.toc.in_byte_order().map(|(_, bytes)| bytes.len() as u64).sum();
            assert_eq!(self.toc.begin() + sections, self.toc.end());
            frames.push(self.frame.clone());
            if self.frame.is_last && role == FrameRole::Main {
                return Ok(Told { image: self.image.clone(), icc: self.icc.clone(), frames, end });
            }
            role = FrameRole::Main;
        }
    }
}

/// Cuts a file at every byte, or at some hundred if it is large.
fn assert_grows(headers: &mut Headers, file: &[u8], told: &Told) {
    let mut end = 0;
    let mut needed = 0;
    while end < file.len() {
        match headers.read(&file[..end]) {
            Ok(early) => assert_eq!(early, *told),
            Err(container::Error::Truncated { needed: Some(bytes) }) => {
                assert!(bytes > end as u64 && bytes <= file.len() as u64, "{bytes} at {end}");
                needed = bytes;
            }
            Err(other) => panic!("{other} at {end} of {}", file.len()),
        }
        // Attempts at what is said to be needed, at the byte before it, and in between.
        let step = (end / 8).max(1).min(1 + file.len() / 64);
        let next = usize::try_from(needed).unwrap();
        end = if end + 1 < next && next <= end + 2 * step { next - 1 } else { end + step };
    }
}

fn streams_in(folder: &Path) -> Vec<PathBuf> {
    let mut streams = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            streams.extend(streams_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "jxl") {
            streams.push(path);
        }
    }
    streams.sort();
    streams
}

#[test]
fn headers_of_real_files() -> Result<(), Box<dyn Error>> {
    let mut streams = streams_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"));
    assert!(!streams.is_empty());
    match std::env::var_os("JXLAKE_STREAMS") {
        Some(folders) => {
            streams.extend(std::env::split_paths(&folders).flat_map(|folder| streams_in(&folder)))
        }
        None => eprintln!("skipped: no other streams, JXLAKE_STREAMS is not set"),
    }
    let mut headers = Headers::default();
    for path in streams {
        println!("{}", path.display());
        let file = fs::read(&path)?;
        let told = headers.read(&file)?;
        assert_eq!(told.end, headers.gathered.len() as u64);
        assert_grows(&mut headers, &file, &told);
    }
    Ok(())
}
