//! Encoded ICC profiles made by hand, command by command.

use jxlake_entropy::test_support::{BitWriter, BundleWriter, Item, Kind, Random};

use super::*;
use crate::header_writer::FieldWriter;

/// A profile under construction, beside its encoding.
#[derive(Default, Clone)]
struct Encoding {
    commands: Vec<u8>,
    data: Vec<u8>,
    /// What the profile must be.
    profile: Vec<u8>,
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 128 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

impl Encoding {
    /// An encoding whose profile has 128 bytes of header and begins its tags, if there are any, with their number.
    fn with_tags(tags: Option<u64>) -> Self {
        let commands = varint(tags.map_or(0, |count| count + 1));
        let mut encoding = Self { commands, data: vec![0; 128], profile: vec![0; 128] };
        encoding.profile[8] = 4;
        encoding.profile[12..24].copy_from_slice(b"mntrRGB XYZ ");
        encoding.profile[36..40].copy_from_slice(b"acsp");
        for (i, byte) in [(70, 246), (71, 214), (73, 1), (78, 211), (79, 45)] {
            encoding.profile[i] = byte;
        }
        if let Some(count) = tags {
            encoding.profile.extend((count as u32).to_be_bytes());
        }
        encoding
    }

    /// A command, the data it takes, and what comes of them.
    fn command(mut self, command: &[u8], data: &[u8], profile: &[u8]) -> Self {
        self.commands.extend(command);
        self.data.extend(data);
        self.profile.extend(profile);
        self
    }

    fn tag(mut self, tag: &[u8; 4], start: u32, size: u32) -> Self {
        self.profile.extend(tag);
        self.profile.extend([start.to_be_bytes(), size.to_be_bytes()].as_flattened());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes_for(self.profile.len() as u64)
    }

    fn bytes_for(&self, size: u64) -> Vec<u8> {
        [varint(size), varint(self.commands.len() as u64), self.commands.clone(), self.data.clone()].concat()
    }
}

fn decode(encoded: &[u8]) -> Result<Vec<u8>> {
    let mut out = b"stale".to_vec();
    profile::decode(encoded, &Limits::default(), &mut out).map(|()| out)
}

#[track_caller]
fn assert_decodes(encoding: &Encoding) {
    let size = (encoding.profile.len() as u32).to_be_bytes();
    let expected = [&size, &encoding.profile[4..]].concat();
    assert_eq!(decode(&encoding.bytes()), Ok(expected));
}

#[track_caller]
fn assert_fault(encoded: &[u8], fault: IccFault) {
    assert_eq!(decode(encoded), Err(Invalid::Icc(fault).into()));
}

#[test]
fn the_header_is_predicted() {
    let mut encoding = Encoding::with_tags(None);
    encoding.commands.clear();
    assert_decodes(&encoding);
    for (signature, rest) in [(b"APPL", 3), (b"MSFT", 3), (b"SGI ", 2), (b"SUNW", 2)] {
        let mut encoding = encoding.clone();
        encoding.data[40..44 - rest].copy_from_slice(&signature[..4 - rest]);
        encoding.profile[40..44].copy_from_slice(signature);
        assert_decodes(&encoding);
    }
    // Bytes 4 to 7, the colour management module, come again as the creator.
    encoding.data[4..8].copy_from_slice(b"lcms");
    encoding.profile[4..8].copy_from_slice(b"lcms");
    encoding.profile[80..84].copy_from_slice(b"lcms");
    encoding.data[100] = 200;
    encoding.profile[100] = 200;
    assert_decodes(&encoding);
    for shorter in [1, 40, 127] {
        let mut encoding = encoding.clone();
        encoding.data.truncate(shorter);
        encoding.profile.truncate(shorter);
        assert_eq!(decode(&encoding.bytes()).map(|profile| profile.len()), Ok(shorter));
    }
    encoding.data.pop();
    assert_fault(&encoding.bytes(), IccFault::DataEnd);
}

#[test]
fn nothing_may_be_missing_or_left_over() {
    assert_fault(&[], IccFault::Number);
    assert_fault(&[0, 0], IccFault::End);
    let header = Encoding { commands: vec![], ..Encoding::with_tags(None) };
    assert_fault(&header.clone().command(&[0], b"", b"").bytes(), IccFault::End);
    assert_fault(&header.clone().command(b"", b"x", b"").bytes(), IccFault::End);
    assert_fault(&header.clone().command(b"", b"x", b"x").bytes(), IccFault::CommandsEnd);
    let list = Encoding::with_tags(Some(0));
    assert_decodes(&list);
    assert_fault(&list.clone().command(b"", b"x", b"").bytes(), IccFault::End);
    assert_fault(&list.bytes_for(133), IccFault::End);
    assert_fault(&list.bytes_for(131), IccFault::Overflow);
}

#[test]
fn tags_have_defaults() {
    let encoding = Encoding::with_tags(Some(9))
        .command(&[1 | 64 | 128, 0x90, 0x02, 5], b"abcd", b"")
        .tag(b"abcd", 272, 5)
        // The next tag lies behind the one before, with its size.
        .command(&[4], b"", b"")
        .tag(b"cprt", 277, 5)
        // Colours have 20 bytes, also under a name that is spelled out.
        .command(&[5], b"", b"")
        .tag(b"wtpt", 282, 20)
        .command(&[1], b"lumi", b"")
        .tag(b"lumi", 302, 20)
        .command(&[2 | 128, 14], b"", b"")
        .tag(b"rTRC", 322, 14)
        .tag(b"gTRC", 322, 14)
        .tag(b"bTRC", 322, 14)
        // Where the three curves lie counts once.
        .command(&[3], b"", b"")
        .tag(b"rXYZ", 336, 20)
        .tag(b"gXYZ", 356, 20)
        .tag(b"bXYZ", 376, 20)
        .command(&[20 | 64, 7], b"", b"")
        .tag(b"lumi", 7, 20)
        .command(&[0], b"", b"");
    assert_decodes(&encoding);
    let first = Encoding::with_tags(Some(3)).command(&[9], b"", b"").tag(b"bXYZ", 164, 20);
    assert_decodes(&first);
}

#[test]
fn tags_are_checked() {
    let list = || Encoding::with_tags(Some(1));
    assert_fault(&list().command(&[21], b"", b"").bytes_for(200), IccFault::Command);
    assert_fault(&list().command(&[63 | 64 | 128], b"", b"").bytes_for(200), IccFault::Command);
    assert_fault(&list().command(&[1], b"abc", b"").bytes_for(200), IccFault::DataEnd);
    assert_fault(&list().command(&[4 | 64], b"", b"").bytes_for(200), IccFault::Number);
    let large = varint(1 << 32);
    assert_fault(
        &list().command(&[[4 | 64].to_vec(), large.clone()].concat(), b"", b"").bytes_for(200),
        IccFault::Tag,
    );
    assert_fault(
        &list().command(&[[4 | 128].to_vec(), large].concat(), b"", b"").bytes_for(200),
        IccFault::Tag,
    );
    let half = varint(1 << 31);
    let three = [[3 | 64 | 128, 0].to_vec(), half].concat();
    assert_fault(&list().command(&three, b"", b"").bytes_for(200), IccFault::Tag);
    assert_fault(&Encoding { commands: varint((1 << 32) + 1), ..list() }.bytes_for(200), IccFault::Tag);
    assert_fault(&list().command(&[4, 4], b"", b"").bytes_for(145), IccFault::Overflow);
}

#[test]
fn contents_are_copied_shuffled_and_signed() {
    let encoding = Encoding::with_tags(None)
        .command(&[1, 3], b"abc", b"abc")
        .command(&[1, 0], b"", b"")
        .command(&[2, 5], b"acebd", b"abcde")
        // Numbers of four bytes, the second incomplete.
        .command(&[3, 6], b"aebfcd", b"abcefd")
        .command(&[10], b"0123456789ab", b"XYZ \0\0\0\x000123456789ab")
        .command(&[16], b"", b"XYZ \0\0\0\0")
        .command(&[17], b"", b"desc\0\0\0\0")
        .command(&[18], b"", b"text\0\0\0\0")
        .command(&[19], b"", b"mluc\0\0\0\0")
        .command(&[20], b"", b"para\0\0\0\0")
        .command(&[21], b"", b"curv\0\0\0\0")
        .command(&[22], b"", b"sf32\0\0\0\0")
        .command(&[23], b"", b"gbd \0\0\0\0");
    assert_decodes(&encoding);
}

#[test]
fn contents_are_checked() {
    let content = || Encoding::with_tags(None);
    for command in [0, 5, 9, 11, 15, 24, 255] {
        assert_fault(&content().command(&[command], b"", b"").bytes_for(200), IccFault::Command);
    }
    for command in [1, 2, 3] {
        assert_fault(&content().command(&[command, 4], b"abc", b"").bytes_for(200), IccFault::DataEnd);
        assert_fault(&content().command(&[command, 4], b"abcd", b"").bytes_for(131), IccFault::Overflow);
        assert_fault(&content().command(&[command], b"abcd", b"").bytes_for(200), IccFault::Number);
        let huge = [[command].to_vec(), varint(u64::MAX)].concat();
        assert_fault(&content().command(&huge, b"abcd", b"").bytes_for(200), IccFault::DataEnd);
    }
    assert_fault(&content().command(&[10], b"0123456789a", b"").bytes_for(200), IccFault::DataEnd);
    assert_fault(&content().command(&[16], b"", b"").bytes_for(135), IccFault::Overflow);
}

/// What prediction must give, by the definition on whole numbers.
fn predicted(before: &[u8], residuals: &[u8], width: usize, order: u8, stride: usize) -> Vec<u8> {
    let mut out = before.to_vec();
    let rows = residuals.len().div_ceil(width);
    let shuffled: Vec<u8> =
        (0..rows).flat_map(|s| (s..residuals.len()).step_by(rows).map(|j| residuals[j])).collect();
    for (i, byte) in shuffled.iter().enumerate() {
        let (k, base) = (i % width, before.len());
        let position = base + i - k;
        let value = |j: usize| {
            let start = position - j * stride;
            out[start..start + width].iter().fold(0i64, |value, &byte| value << 8 | i64::from(byte))
        };
        let prediction = match order {
            0 => value(1),
            1 => 2 * value(1) - value(2),
            _ => 3 * value(1) - 3 * value(2) + value(3),
        };
        out.push(byte.wrapping_add((prediction >> (8 * (width - 1 - k))) as u8));
    }
    out.split_off(before.len())
}

#[test]
fn numbers_are_predicted() {
    let mut random = Random::new(1);
    for width in [1, 2, 4] {
        for order in 0..3 {
            for stride in [width, 5, 12, 32] {
                for count in [0, 1, 2, 3, 7, 8, 33, 100] {
                    let residuals: Vec<u8> = (0..count).map(|_| random.of_bits(8) as u8).collect();
                    let before: Vec<u8> = (0..40).map(|_| random.of_bits(8) as u8).collect();
                    let mut encoding = Encoding::with_tags(None).command(&[1, 40], &before, &before);
                    let default = stride == width;
                    let flags = (width - 1) as u8 | order << 2 | if default { 0xe0 } else { 16 };
                    let stride_bytes = if default { vec![] } else { varint(stride as u64) };
                    let command = [vec![4, flags], stride_bytes, varint(count)].concat();
                    encoding.profile[..4].copy_from_slice(&((168 + count) as u32).to_be_bytes());
                    let expected = predicted(&encoding.profile, &residuals, width, order, stride);
                    assert_decodes(&encoding.command(&command, &residuals, &expected));
                }
            }
        }
    }
}

#[test]
fn predictions_are_checked() {
    let content = |command: &[u8]| Encoding::with_tags(None).command(command, b"abcd", b"").bytes_for(200);
    for command in [
        &[4, 2, 4][..],  // width 3
        &[4, 12, 4],     // order 3
        &[4, 17, 1, 4],  // a stride below the width
        &[4, 16, 0, 4],  // no stride
        &[4, 16, 32, 4], // four strides are just what there is
        &[4, 16, 33, 4],
    ] {
        assert_fault(&content(command), IccFault::Prediction);
    }
    let huge = [vec![4, 16], varint(1 << 62), vec![4]].concat();
    assert_fault(&content(&huge), IccFault::Prediction);
    assert_fault(&content(&[4]), IccFault::CommandsEnd);
    assert_fault(&content(&[4, 16]), IccFault::Number);
    assert_fault(&content(&[4, 0, 5]), IccFault::DataEnd);
    assert_fault(
        &Encoding::with_tags(None).command(&[4, 0, 4], b"abcd", b"").bytes_for(131),
        IccFault::Overflow,
    );
}

#[test]
fn sizes_are_checked() {
    let limit = |encoded: &[u8]| decode(encoded).unwrap_err();
    let (value, bound) = ((1 << 24) + 1, 1 << 24);
    assert_eq!(
        limit(&[varint(value), varint(0)].concat()),
        Error::Limit { limit: Limit::IccBytes, value, bound }
    );
    assert_fault(&[varint(200), varint(5), vec![0; 4]].concat(), IccFault::CommandsSize);
    assert_fault(&[varint(200), varint(1 << 32)].concat(), IccFault::Number);
    assert_fault(&[vec![0xff; 9], vec![2], varint(0)].concat(), IccFault::Number);
    assert_fault(&[vec![0x80; 11], varint(0)].concat(), IccFault::Number);
    // Too long for its profile, and too short.
    assert_fault(&[varint(200), varint(0), vec![0; 66_000]].concat(), IccFault::OutputSize);
    assert_fault(&[varint(1000), varint(0), vec![0; 20]].concat(), IccFault::OutputSize);
}

/// The stream of an encoding; `claimed` symbols are announced.
fn stream(symbols: &[u32], claimed: u64, kind: Kind) -> Vec<u8> {
    let byte = |i: usize| if i < symbols.len() { symbols[i] as u8 } else { 0 };
    let items: Vec<Item> = (0..symbols.len())
        .map(|i| {
            let context = if i <= 128 { 0 } else { context(byte(i - 1), byte(i - 2)) };
            Item::literal(context, symbols[i])
        })
        .collect();
    let bundle = BundleWriter::fitting(CONTEXTS, &items, kind);
    let mut writer = BitWriter::new();
    writer.u64(claimed, &mut Random::new(1));
    bundle.write(&mut writer);
    bundle.write_stream(&mut writer, &items);
    writer.into_bytes()
}

fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    read_icc_stream(&mut BitReader::new(bytes), limits, &mut IccScratch::default(), &mut out).map(|()| out)
}

fn some_encoding() -> Vec<u8> {
    let text: Vec<u8> = (0..400u32)
        .map(|i| b"No copyright, use freely. \0\x01\x0f\xf1\xff~"[i as usize * i as usize % 32])
        .collect();
    let command = [vec![1], varint(400)].concat();
    Encoding::with_tags(Some(1))
        .command(&[4, 0], b"", b"")
        .tag(b"cprt", 140, 0)
        .command(&command, &text, &text)
        .bytes()
}

#[test]
fn streams_come_back() {
    let encoding = some_encoding();
    let expected = decode(&encoding).unwrap();
    assert_eq!(expected.len(), 128 + 4 + 12 + 400);
    let symbols: Vec<u32> = encoding.iter().map(|&byte| byte.into()).collect();
    for kind in [Kind::Prefix, Kind::Ans(8)] {
        let bytes = stream(&symbols, symbols.len() as u64, kind);
        assert_eq!(read(&bytes, &Limits::default()).as_ref(), Ok(&expected));
        for end in 0..bytes.len() {
            let error = read(&bytes[..end], &Limits::default()).unwrap_err();
            let Error::Truncated { needed: Some(needed) } = error else { panic!("{error:?} at {end}") };
            assert!(needed > end as u64 && needed <= bytes.len() as u64);
        }
    }
}

#[test]
fn symbols_are_bytes() {
    let mut symbols: Vec<u32> = some_encoding().iter().map(|&byte| byte.into()).collect();
    *symbols.last_mut().unwrap() = 256;
    let error = read(&stream(&symbols, symbols.len() as u64, Kind::Ans(8)), &Limits::default()).unwrap_err();
    assert!(matches!(error, Error::Invalid { what: Invalid::Icc(IccFault::Symbol), .. }), "{error:?}");
}

#[test]
fn claims_are_not_believed() {
    let limits = Limits { icc_bytes: u64::MAX, ..Limits::default() };
    let claim = |size, limits: &Limits| read(&stream(&[0; 10], size, Kind::Prefix), limits).unwrap_err();
    let (limit, bound) = (Limit::IccBytes, 1 << 24);
    assert_eq!(claim(1 << 25, &Limits::default()), Error::Limit { limit, value: 1 << 25, bound });
    let beyond = Invalid::Value { field: "enc_size", value: (1 << 28) + 1 };
    assert_eq!(claim((1 << 28) + 1, &limits), beyond.at(0));
    // All symbols are zero and cost nothing: the announced sizes, zero too, are refused after 20 of them.
    let error = claim(1 << 28, &limits);
    assert!(matches!(error, Error::Invalid { what: Invalid::Icc(IccFault::OutputSize), .. }), "{error:?}");
    // Good sizes, then zeros without end.
    let mut symbols: Vec<u32> =
        [varint(1 << 25), varint(1 << 20)].concat().iter().map(|&byte| byte.into()).collect();
    symbols.resize(1 << 18, 0);
    let error = read(&stream(&symbols, 1 << 24, Kind::Prefix), &limits).unwrap_err();
    assert!(matches!(error, Error::Invalid { what: Invalid::Icc(IccFault::Expansion), .. }), "{error:?}");
}

#[test]
fn random_encodings_are_survived() {
    let mut random = Random::new(2);
    let good = some_encoding();
    for _ in 0..5000 {
        let mut bytes = good.clone();
        for _ in 0..1 + random.below(8) {
            let at = if random.one_in(2) { random.below(12) } else { random.below(bytes.len()) };
            bytes[at] = random.of_bits(8) as u8;
        }
        let _ = decode(&bytes);
    }
    for _ in 0..5000 {
        let mut encoding = Encoding::with_tags(None);
        encoding.commands.extend((0..random.below(40)).map(|_| random.of_bits(5) as u8));
        encoding.data.extend((0..random.below(400)).map(|_| random.of_bits(8) as u8));
        let _ = decode(&encoding.bytes_for(128 + random.below(600) as u64));
        let bytes: Vec<u8> = (0..random.below(300)).map(|_| random.of_bits(8) as u8).collect();
        let _ = read(&bytes, &Limits::default());
    }
}
