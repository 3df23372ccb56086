//! Which containers are taken and which refused, at every length of the file.

use jxlake_frame::limits::{Limit, Limits};

use super::*;

const CODESTREAM: &[u8] = b"\xff\x0a0123456789";
const SIGNATURE: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";

fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let size = 8 + payload.len() as u32;
    [&size.to_be_bytes(), kind.as_slice(), payload].concat()
}

fn boxed_64(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let size = 16 + payload.len() as u64;
    [&[0, 0, 0, 1], kind.as_slice(), &size.to_be_bytes(), payload].concat()
}

fn unbounded(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    [&[0; 4], kind.as_slice(), payload].concat()
}

fn file_type(version: u32) -> Vec<u8> {
    boxed(b"ftyp", &[b"jxl ".as_slice(), &version.to_be_bytes(), b"jxl "].concat())
}

fn part_payload(index: u32, bytes: &[u8]) -> Vec<u8> {
    [&index.to_be_bytes(), bytes].concat()
}

fn part(counter: u32, bytes: &[u8]) -> Vec<u8> {
    boxed(b"jxlp", &part_payload(counter, bytes))
}

fn last_part(counter: u32, bytes: &[u8]) -> Vec<u8> {
    part(counter | 1 << 31, bytes)
}

/// A file of the given boxes after signature and file type.
fn file(version: u32, boxes: &[Vec<u8>]) -> Vec<u8> {
    [SIGNATURE, &file_type(version), &boxes.concat()].concat()
}

fn walked(file: &[u8]) -> Container {
    let mut container = Container::default();
    container.read(file, &Limits::default());
    container
}

fn codestream_of(container: &Container, file: &[u8]) -> Vec<u8> {
    let codestream = container.codestream(file);
    let mut bytes = vec![0; codestream.len() as usize];
    assert_eq!(codestream.gather(0, &mut bytes), bytes.len());
    assert_eq!(codestream.pieces(0).flatten().count(), bytes.len());
    bytes
}

/// That the file has no fault and holds `CODESTREAM`, be it read at once or growing byte by byte; what is there of the
/// codestream is its beginning at any time, and what is said to be needed is needed.
#[track_caller]
fn assert_taken(file: &[u8]) {
    let at_once = walked(file);
    assert_eq!(at_once.fault(), None);
    assert!(codestream_of(&at_once, file).starts_with(CODESTREAM));
    let mut growing = Container::default();
    let mut needed = 0;
    let mut before = 0;
    for end in 0..=file.len() {
        growing.read(&file[..end], &Limits::default());
        let there = codestream_of(&growing, &file[..end]);
        assert!(there.len() >= before);
        before = there.len();
        assert!(there.starts_with(CODESTREAM) || CODESTREAM.starts_with(&there));
        assert_eq!(there, codestream_of(&walked(&file[..end]), &file[..end]));
        if there.len() < CODESTREAM.len() {
            let error = growing.shortage(&file[..end], Some(CODESTREAM.len() as u64));
            let Error::Truncated { needed: Some(bytes) } = error else { panic!("{error:?} at {end}") };
            assert!(bytes > end as u64 && bytes >= needed && bytes <= file.len() as u64, "{bytes} at {end}");
            needed = bytes;
        } else {
            assert!(needed <= end as u64);
        }
    }
    assert_eq!(growing.metadata(), at_once.metadata());
    assert_eq!(growing.fault(), None);
}

/// That the file has a fault before its codestream is complete, the same at any speed of growing.
#[track_caller]
fn assert_refused(file: &[u8], expected: Fault) {
    let at_once = walked(file);
    let Some(error @ Error::Invalid { what, .. }) = at_once.fault() else { panic!("{:?}", at_once.fault()) };
    assert_eq!(what, expected);
    // A decoder that still wants codestream gets this fault or, where the codestream ended before it, an earlier one.
    let blocked = at_once.shortage(file, None);
    assert!(blocked == error || matches!(blocked, Error::Invalid { what: Fault::CodestreamTooShort, .. }));
    let mut growing = Container::default();
    for end in 0..=file.len() {
        growing.read(&file[..end], &Limits::default());
        if growing.fault().is_none() {
            let error = growing.shortage(&file[..end], None);
            assert!(error == blocked || matches!(error, Error::Truncated { .. }), "{error:?} at {end}");
        }
    }
    assert_eq!(growing.fault(), Some(error));
}

#[test]
fn a_bare_codestream_is_the_whole_file() {
    assert_taken(CODESTREAM);
    assert_eq!(walked(CODESTREAM).signature(), Signature::Codestream);
    assert_eq!(walked(CODESTREAM).codestream(CODESTREAM).contiguous(), Some(CODESTREAM));
}

#[test]
fn other_files_are_refused_at_their_first_wrong_byte() {
    for wrong in [&b"\x89PNG"[..], b"\xff\xd8\xff", b"\0\0\0\x0cJXL \r\n\x87\r", b"\0\0\0\x01JXL "] {
        for end in 0..=wrong.len() {
            let signature = walked(&wrong[..end]).signature();
            let fits = SIGNATURE.starts_with(&wrong[..end]) || b"\xff\x0a".starts_with(&wrong[..end]);
            assert_eq!(signature == Signature::NotJpegXl, !fits, "{end} of {wrong:?}");
        }
        assert_eq!(walked(wrong).fault(), Some(Error::NotJpegXl));
    }
}

#[test]
fn whole_codestreams_of_every_size_coding_are_taken() {
    assert_taken(&file(0, &[boxed(b"jxlc", CODESTREAM)]));
    assert_taken(&file(1, &[boxed_64(b"jxlc", CODESTREAM)]));
    assert_taken(&file(0, &[unbounded(b"jxlc", CODESTREAM)]));
    assert_taken(&file(0, &[[&[0, 0, 0, 1], &b"jxlc"[..], &[0; 8], CODESTREAM].concat()]));
    let bytes = file(0, &[boxed(b"jxlc", CODESTREAM)]);
    assert_eq!(walked(&bytes).codestream(&bytes).contiguous(), Some(CODESTREAM));
}

#[test]
fn bytes_after_the_codestream_are_ignored() {
    assert_taken(&file(0, &[boxed(b"jxlc", &[CODESTREAM, b"trailing"].concat())]));
    assert_taken(&file(0, &[boxed(b"jxlc", CODESTREAM), b"abc".to_vec()]));
    let bytes = file(0, &[boxed(b"jxlc", CODESTREAM), b"\0\0\0\x04oops and more".to_vec()]);
    let container = walked(&bytes);
    assert_eq!(codestream_of(&container, &bytes), CODESTREAM);
    assert!(matches!(container.fault(), Some(Error::Invalid { what: Fault::BoxSize(4), .. })));
}

#[test]
fn the_level_is_a_hint() {
    assert_taken(&file(0, &[boxed(b"jxll", &[10]), boxed(b"jxlc", CODESTREAM)]));
    assert_taken(&file(0, &[boxed(b"jxll", &[77]), boxed(b"jxlc", CODESTREAM)]));
    assert_taken(&file(0, &[boxed(b"jxll", b""), boxed(b"jxlc", CODESTREAM)]));
    assert_taken(&file(0, &[boxed(b"jxll", b"long"), boxed(b"jxlc", CODESTREAM)]));
    assert_eq!(walked(&file(0, &[boxed(b"jxll", &[10])])).level(), Some(10));
}

#[test]
fn parts_in_order_are_joined() {
    assert_taken(&file(
        0,
        &[part(0, &CODESTREAM[..1]), part(1, &CODESTREAM[1..5]), last_part(2, &CODESTREAM[5..])],
    ));
    // Empty parts, also the first and the last; other boxes between; no last flag; a last part without an end.
    assert_taken(&file(
        0,
        &[
            part(0, b""),
            boxed(b"free", b""),
            part(1, &CODESTREAM[..7]),
            boxed(b"Exif", b"\0\0\0\0MM"),
            part(2, b""),
            part(3, &CODESTREAM[7..]),
            last_part(4, b""),
        ],
    ));
    assert_taken(&file(0, &[part(0, &CODESTREAM[..3]), part(1, &CODESTREAM[3..])]));
    let end = unbounded(b"jxlp", &part_payload(1, &CODESTREAM[3..]));
    assert_taken(&file(0, &[part(0, &CODESTREAM[..3]), end]));
}

#[test]
fn parts_out_of_order_need_version_1() {
    let parts = [
        part(0, &CODESTREAM[..2]),
        part(1, &CODESTREAM[2..5]),
        part(2, &CODESTREAM[5..9]),
        last_part(3, &CODESTREAM[9..]),
    ];
    let arranged = |order: [usize; 4]| order.map(|i| parts[i].clone());
    assert_taken(&file(1, &arranged([0, 2, 1, 3])));
    assert_taken(&file(1, &arranged([3, 2, 1, 0])));
    assert_taken(&file(1, &arranged([1, 3, 2, 0])));
    let early = Fault::PartOrder { counter: 2, expected: 1 };
    assert_refused(&file(0, &arranged([0, 2, 1, 3])), early);
    assert_refused(&file(0, &[part(1, CODESTREAM)]), Fault::PartOrder { counter: 1, expected: 0 });
    let endless = unbounded(b"jxlp", &part_payload(1, CODESTREAM));
    assert_refused(&file(1, &[endless]), Fault::PartOrder { counter: 1, expected: 0 });
}

#[test]
fn parts_come_once_and_nothing_after_the_last() {
    let (first, second) = (&CODESTREAM[..5], &CODESTREAM[5..]);
    assert_refused(&file(1, &[part(0, first), part(0, first), part(1, second)]), Fault::PartAgain(0));
    assert_refused(&file(1, &[part(1, second), part(1, second), part(0, first)]), Fault::PartAgain(1));
    assert_refused(&file(0, &[last_part(0, first), part(1, second)]), Fault::CodestreamAgain);
    let whole = boxed(b"jxlc", first);
    assert_refused(&file(0, &[whole.clone(), whole.clone()]), Fault::CodestreamAgain);
    assert_refused(&file(0, &[whole.clone(), part(0, first)]), Fault::CodestreamAgain);
    assert_refused(&file(0, &[part(0, first), whole.clone()]), Fault::CodestreamAgain);
    assert_refused(&file(1, &[part(1, first), whole]), Fault::CodestreamAgain);
    assert_refused(&file(0, &[boxed(b"jxlp", b"\0\0")]), Fault::TooShort);
}

#[test]
fn a_codestream_that_is_declared_too_short_cannot_be_helped() {
    for short in [file(0, &[last_part(0, &CODESTREAM[..5])]), file(0, &[boxed(b"jxlc", &CODESTREAM[..5])])] {
        let container = walked(&short);
        let error = container.shortage(&short, Some(12));
        assert!(matches!(error, Error::Invalid { what: Fault::CodestreamTooShort, .. }), "{error:?}");
        let cut = &short[..short.len() - 1];
        let error = walked(cut).shortage(cut, Some(12));
        assert_eq!(error, Error::Truncated { needed: Some(short.len() as u64) });
    }
}

#[test]
fn the_file_type_must_be_second_and_right() {
    let codestream = boxed(b"jxlc", CODESTREAM);
    let with = |boxes: &[Vec<u8>]| [SIGNATURE, &boxes.concat()].concat();
    assert_refused(&with(&[codestream.clone(), file_type(0)]), Fault::FileTypeMissing);
    assert_refused(&with(&[boxed(b"free", b""), file_type(0), codestream.clone()]), Fault::FileTypeMissing);
    assert_refused(&file(0, &[file_type(0)]), Fault::FileTypeAgain);
    assert_refused(&with(&[file_type(2), codestream.clone()]), Fault::FileVersion(2));
    assert_refused(&with(&[boxed(b"ftyp", b"jxl \0\0\0\0"), codestream.clone()]), Fault::FileType);
    assert_refused(&with(&[boxed(b"ftyp", b"heic\0\0\0\0jxl "), codestream]), Fault::FileType);
}

#[test]
fn impossible_box_sizes_are_refused() {
    for size in 2..8u32 {
        let wrong = [&size.to_be_bytes(), &b"free"[..]].concat();
        assert_refused(&file(0, &[wrong]), Fault::BoxSize(size.into()));
    }
    for size in [1, 15, u64::MAX] {
        let wrong = [&[0, 0, 0, 1], &b"free"[..], &size.to_be_bytes()].concat();
        assert_refused(&file(0, &[wrong]), Fault::BoxSize(size));
    }
}

#[test]
fn a_box_larger_than_the_file_is_only_cut() {
    let huge = [&[0, 0, 0, 1], &b"jxlc"[..], &(1u64 << 62).to_be_bytes(), CODESTREAM].concat();
    assert_taken(&file(0, &[huge]));
    let skipped = file(0, &[[&[0, 0, 0, 1], &b"free"[..], &(1u64 << 62).to_be_bytes()].concat()]);
    let error = walked(&skipped).shortage(&skipped, None);
    assert!(matches!(error, Error::Truncated { needed: Some(bytes) } if bytes > 1 << 62), "{error:?}");
}

#[test]
fn metadata_are_listed_and_their_faults_wait() {
    let bytes = file(
        0,
        &[
            boxed(b"Exif", b"\0\0\0\0II"),
            boxed(b"brob", b"xml brotli"),
            boxed(b"brob", b"jxlc!"),
            boxed(b"brob", b"ab"),
            boxed(b"jxlc", CODESTREAM),
            unbounded(b"what", b"ever"),
        ],
    );
    assert_taken(&bytes);
    let container = walked(&bytes);
    let [exif, xml, forbidden, short, unknown] = container.metadata() else { panic!() };
    assert_eq!(exif.content(&bytes), Ok(Content::Plain(b"\0\0\0\0II")));
    assert_eq!(container.find(BoxType::EXIF), Some(exif));
    assert_eq!((xml.kind(), xml.content(&bytes)), (BoxType::XML, Ok(Content::Brotli(b"brotli"))));
    let fault = |what| Err(Error::Metadata { kind: BoxType::BROB, what });
    assert_eq!(forbidden.content(&bytes), fault(Fault::Compressed(BoxType::JXLC)));
    assert_eq!(short.content(&bytes), fault(Fault::TooShort));
    assert_eq!((unknown.content(&bytes), unknown.range().1), (Ok(Content::Plain(b"ever")), None));
    assert!(matches!(exif.content(&bytes[..40]), Err(Error::Truncated { needed: Some(46) })));
    assert!(container.is_at_end(&bytes));
}

#[test]
fn pieces_and_slices_of_a_divided_codestream() {
    let bytes = file(0, &[part(0, &CODESTREAM[..4]), part(1, &CODESTREAM[4..9]), part(2, &CODESTREAM[9..])]);
    let container = walked(&bytes);
    let codestream = container.codestream(&bytes);
    assert_eq!(codestream.contiguous(), None);
    for start in 0..=12 {
        let rest: Vec<u8> = codestream.pieces(start).flatten().copied().collect();
        assert_eq!(rest, &CODESTREAM[start as usize..]);
        let mut some = [0; 3];
        let copied = codestream.gather(start, &mut some);
        assert_eq!(some[..copied], CODESTREAM[start as usize..][..copied]);
        for end in start..=13 {
            let within = [(0, 4), (4, 9), (9, 12)].iter().any(|&(a, b)| start >= a && start < b && end <= b);
            let expected = within.then(|| &CODESTREAM[start as usize..end as usize]);
            if start < 12 && end > start {
                assert_eq!(codestream.slice(start..end), expected, "{start}..{end}");
            }
        }
    }
    assert_eq!(codestream.slice(20..u64::MAX), None);
}

#[test]
fn limits_stop_the_walk() {
    let many = file(1, &vec![boxed(b"free", b""); 20]);
    let mut container = Container::default();
    container.read(&many, &Limits { boxes: 10, ..Limits::default() });
    let expected = Error::Limit { limit: Limit::Boxes, value: 11, bound: 10 };
    assert_eq!(container.fault(), Some(expected));

    let held = file(1, &[part(5, b"12345678"), part(4, b"12345678"), part(3, b"12345678")]);
    container.reset();
    container.read(&held, &Limits { pending_part_bytes: 20, ..Limits::default() });
    let expected = Error::Limit { limit: Limit::PendingPartBytes, value: 24, bound: 20 };
    assert_eq!(container.fault(), Some(expected));
    container.reset();
    container.read(&held, &Limits { pending_parts: 2, ..Limits::default() });
    assert_eq!(container.fault(), Some(Error::Limit { limit: Limit::PendingParts, value: 3, bound: 2 }));
    // Nothing of the file before is left.
    container.reset();
    let next = file(0, &[boxed(b"jxlc", CODESTREAM)]);
    container.read(&next, &Limits::default());
    assert_eq!((container.fault(), codestream_of(&container, &next)), (None, CODESTREAM.to_vec()));
}

#[test]
fn frame_index() {
    let mut index = FrameIndex::default();
    let content = [2, 0, 0, 0, 1, 0, 0, 3, 232, 0, 0x90, 0x4e, 1, 0x80, 1, 5, 7];
    assert_eq!(index.read(&content), Ok(()));
    assert_eq!((index.tick_numerator, index.tick_denominator), (1, 1000));
    let entry = |offset, ticks, frames| FrameIndexEntry { offset, ticks, frames };
    assert_eq!(index.entries, [entry(0, 10000, 1), entry(128, 5, 7)]);
    for end in 0..content.len() {
        assert!(index.read(&content[..end]).is_err());
        assert!(index.entries.is_empty());
    }
    let tick = [0, 0, 0, 1, 0, 0, 0, 1];
    let huge_count = [&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..], &tick, &[0; 6]].concat();
    assert!(index.read(&huge_count).is_err());
    let largest = [&[1][..], &tick, &[0xff; 9], &[1], &[0, 0]].concat();
    assert_eq!(index.read(&largest), Ok(()));
    assert_eq!(index.entries[0].offset, u64::MAX);
    let too_large = [&[1][..], &tick, &[0xff; 9], &[2], &[0, 0]].concat();
    assert_eq!(index.read(&too_large), Err(Error::Metadata { kind: BoxType::JXLI, what: Fault::Number }));
    let overflowing = [&[2][..], &tick, &[0xff; 9], &[1], &[0, 0], &[1, 0, 0]].concat();
    assert!(index.read(&overflowing).is_err());
    assert!(index.read(&[0, 0, 0, 0, 1, 0, 0, 0, 0]).is_err());
}

#[test]
fn gain_map() {
    let content = b"\0\0\x03abc\x02de\0\0\0\x04iccp\xff\x0arest";
    let map = GainMap::parse(content).unwrap();
    assert_eq!((map.version, map.encoded_metadata, map.encoded_colour), (0, &b"abc"[..], &b"de"[..]));
    assert_eq!((map.encoded_icc, map.codestream), (&b"iccp"[..], &b"\xff\x0arest"[..]));
    for end in 0..content.len() - 6 {
        assert!(GainMap::parse(&content[..end]).is_err());
    }
    let empty = GainMap::parse(b"\0\0\0\0\0\0\0\0").unwrap();
    assert!(empty.codestream.is_empty());
    assert!(matches!((empty.metadata(), empty.colour_encoding()), (Ok(None), Ok(None))));
    assert!(matches!(empty.icc(&Limits::default()), Ok(None)));
    // `all_default` is sRGB; what is cut is invalid, not truncated: no more of it can come.
    let map = GainMap { encoded_colour: &[1], encoded_icc: &[0x03], ..empty };
    assert_eq!(map.colour_encoding().unwrap(), Some(Default::default()));
    let error = map.icc(&Limits::default()).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{error}");
    let error = GainMap { encoded_colour: &[0], ..empty }.colour_encoding().unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{error}");
}

#[test]
fn random_files_never_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 24
    };
    let kinds = [b"jxlc", b"jxlp", b"brob", b"Exif", b"ftyp", b"jxll", b"free"];
    for _ in 0..2000 {
        let mut bytes = file((random() % 3) as u32, &[]);
        for _ in 0..random() % 8 {
            let payload: Vec<u8> = (0..random() % 24).map(|_| (random() & random() & 3) as u8).collect();
            let kind = kinds[(random() % 7) as usize];
            let mut made = if random() % 4 == 0 { boxed_64(kind, &payload) } else { boxed(kind, &payload) };
            if random() % 8 == 0 {
                let at = random() as usize % made.len();
                made[at] = random() as u8;
            }
            bytes.extend(made);
        }
        let at_once = walked(&bytes);
        let mut growing = Container::default();
        let mut end = 0;
        while end < bytes.len() {
            end = (end + random() as usize % 9).min(bytes.len());
            growing.read(&bytes[..end], &Limits::default());
            codestream_of(&growing, &bytes[..end]);
            growing.shortage(&bytes[..end], None);
        }
        assert_eq!(growing.fault(), at_once.fault());
        assert_eq!(growing.metadata(), at_once.metadata());
        assert_eq!(codestream_of(&growing, &bytes), codestream_of(&at_once, &bytes));
        for metadata in at_once.metadata() {
            let _ = metadata.content(&bytes);
        }
    }
}
