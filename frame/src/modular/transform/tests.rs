//! Lists of channels against the format's examples, and undone transforms against plain loops on wide integers.

use fearless_simd::Level;
use jxlake_entropy::BitReader;
use jxlake_util::{Pool, Scratch, Threads};

use super::delta_palette::DELTA_PALETTE;
use super::unsqueeze::plain_join;
use super::*;
use crate::error::Error;
use crate::limits::Limit;
use crate::modular::channel::{Channel, ChannelShape, Sample};
use crate::modular::fault::ModularFault;
use crate::modular::predictor::{Neighbours, Predictor};
use crate::modular::testing::{BitWriter, Random, fill, levels, rows};
use crate::modular::weighted::{WeightedHeader, WeightedState};

/// A transform to write.
#[derive(Clone, Debug)]
enum Coded {
    /// begin, type (at least 10).
    Rct(u32, u32),
    /// begin, channels, colours, deltas, predictor.
    Palette(u32, u32, u32, u32, u32),
    /// Steps: horizontal, in place, begin, channels.
    Squeeze(Vec<(u32, u32, u32, u32)>),
}

impl Coded {
    fn write(&self, bits: &mut BitWriter) {
        match *self {
            Self::Rct(begin, kind) => {
                bits.put(2, 0);
                put_begin(bits, begin);
                bits.put(2, 3).put(6, kind - 10);
            }
            Self::Palette(begin, channels, colours, deltas, predictor) => {
                bits.put(2, 1);
                put_begin(bits, begin);
                bits.put(2, 3).put(13, channels - 1);
                match colours {
                    0..256 => bits.put(2, 0).put(8, colours),
                    _ => bits.put(2, 1).put(10, colours - 256),
                };
                match deltas {
                    0 => bits.put(2, 0),
                    _ => bits.put(2, 1).put(8, deltas - 1),
                };
                bits.put(4, predictor);
            }
            Self::Squeeze(ref steps) => {
                bits.put(2, 2);
                match steps.len() as u32 {
                    0 => bits.put(2, 0),
                    count => bits.put(2, 1).put(4, count - 1),
                };
                for &(horizontal, in_place, begin, channels) in steps {
                    bits.put(1, horizontal).put(1, in_place);
                    put_begin(bits, begin);
                    match channels {
                        1..4 => bits.put(2, channels - 1),
                        _ => bits.put(2, 3).put(4, channels - 4),
                    };
                }
            }
        }
    }
}

fn put_begin(bits: &mut BitWriter, begin: u32) {
    match begin {
        0..8 => bits.put(2, 0).put(3, begin),
        _ => bits.put(2, 1).put(6, begin - 8),
    };
}

fn read(list: &mut ChannelList, coded: &[Coded]) -> Result<TransformList> {
    let mut bits = BitWriter::default();
    match coded.len() as u32 {
        count @ 0..2 => bits.put(2, count),
        count => bits.put(2, 2).put(4, count - 2),
    };
    coded.iter().for_each(|transform| transform.write(&mut bits));
    let mut transforms = TransformList::default();
    transforms.read(&mut BitReader::new(&bits.bytes()), list, &Limits::default())?;
    Ok(transforms)
}

fn list_of(shapes: &[(u32, u32)]) -> ChannelList {
    let shapes: Vec<_> = shapes.iter().map(|&(width, height)| ChannelShape::new(width, height)).collect();
    let mut list = ChannelList::default();
    list.reset(&shapes);
    list
}

fn shapes(list: &ChannelList) -> Vec<(u32, u32, i32, i32)> {
    list.shapes().iter().map(|s| (s.width, s.height, s.hshift, s.vshift)).collect()
}

fn default_squeeze(list: &mut ChannelList) -> Vec<(u32, u32, u32, u32)> {
    let transforms = read(list, &[Coded::Squeeze(vec![])]).unwrap();
    let Transform::Squeeze(squeeze) = transforms.transforms()[0] else { panic!() };
    let steps = transforms.steps(&squeeze).iter();
    steps.map(|s| (s.horizontal.into(), s.in_place.into(), s.begin, s.channels)).collect()
}

#[test]
fn default_squeeze_of_three_channels() {
    let mut list = list_of(&[(20, 12); 3]);
    let steps = default_squeeze(&mut list);
    assert_eq!(steps, [(1, 0, 1, 2), (0, 0, 1, 2), (1, 1, 0, 3), (0, 1, 0, 3), (1, 1, 0, 3)]);
    let expected = [
        (5, 6, 2, 1),
        (3, 3, 3, 2),
        (3, 3, 3, 2),
        (5, 6, 2, 1),
        (2, 3, 3, 2),
        (2, 3, 3, 2),
        (10, 6, 1, 1),
        (5, 3, 2, 2),
        (5, 3, 2, 2),
        (10, 12, 1, 0),
        (5, 6, 2, 1),
        (5, 6, 2, 1),
        (10, 12, 1, 0),
        (10, 12, 1, 0),
        (10, 6, 1, 1),
        (10, 6, 1, 1),
    ];
    assert_eq!(shapes(&list), expected);
}

#[test]
fn default_squeeze_of_a_narrow_image_has_empty_residuals() {
    let mut list = list_of(&[(1, 9); 3]);
    let steps = default_squeeze(&mut list);
    assert_eq!(steps, [(1, 0, 1, 2), (0, 0, 1, 2), (0, 1, 0, 3)]);
    let expected = [
        (1, 5, 0, 1),
        (1, 3, 1, 2),
        (1, 3, 1, 2),
        (1, 4, 0, 1),
        (1, 2, 1, 2),
        (1, 2, 1, 2),
        (0, 9, 1, 0),
        (0, 9, 1, 0),
        (1, 4, 1, 1),
        (1, 4, 1, 1),
    ];
    assert_eq!(shapes(&list), expected);
}

#[test]
fn a_palette_becomes_the_first_channel() {
    let mut list = list_of(&[(7, 5), (7, 5), (7, 5), (3, 3)]);
    // The second is a palette of the first, which is channel 0 by then.
    read(&mut list, &[Coded::Palette(0, 3, 20, 2, 0), Coded::Palette(0, 1, 4, 0, 0)]).unwrap();
    assert_eq!(shapes(&list), [(4, 1, -1, -1), (22, 3, -1, -1), (7, 5, 0, 0), (3, 3, 0, 0)]);
    assert_eq!(list.meta(), 2);
}

#[test]
fn squeezed_meta_channels_stay_in_front() {
    let mut list = list_of(&[(7, 5); 3]);
    read(&mut list, &[Coded::Palette(0, 3, 21, 0, 0), Coded::Squeeze(vec![(1, 1, 0, 1)])]).unwrap();
    assert_eq!(shapes(&list), [(11, 3, -1, -1), (10, 3, -1, -1), (7, 5, 0, 0)]);
    assert_eq!(list.meta(), 2);
}

#[test]
fn transforms_that_do_not_fit_are_rejected() {
    let three = &[(7, 5); 3][..];
    let palette = Coded::Palette(0, 1, 9, 0, 0);
    let squeeze = |steps: &[_]| Coded::Squeeze(steps.to_vec());
    let cases = [
        (three, vec![Coded::Rct(1, 10)], ModularFault::ChannelRange { end: 4, channels: 3 }),
        (&[(7, 5), (7, 5), (6, 5)], vec![Coded::Rct(0, 10)], ModularFault::UnequalChannels { channel: 2 }),
        (three, vec![Coded::Palette(0, 4, 1, 0, 0)], ModularFault::ChannelRange { end: 4, channels: 3 }),
        (
            &[(7, 5), (7, 4)],
            vec![Coded::Palette(0, 2, 1, 0, 0)],
            ModularFault::UnequalChannels { channel: 1 },
        ),
        (three, vec![squeeze(&[(1, 1, 2, 2)])], ModularFault::ChannelRange { end: 4, channels: 3 }),
        (&[(0, 5)], vec![squeeze(&[(0, 1, 0, 1)])], ModularFault::SqueezedEmpty { channel: 0 }),
        (&[(1, 1)], vec![squeeze(&[(1, 1, 0, 1), (1, 1, 1, 1)])], ModularFault::SqueezedEmpty { channel: 1 }),
        (three, vec![palette.clone(), squeeze(&[(1, 0, 0, 1)])], ModularFault::SqueezedMeta),
        (three, vec![palette.clone(), squeeze(&[(1, 1, 0, 2)])], ModularFault::MixedChannels { meta: 1 }),
        (three, vec![palette, Coded::Rct(0, 10)], ModularFault::MixedChannels { meta: 1 }),
    ];
    for (shapes, coded, expected) in cases {
        match read(&mut list_of(shapes), &coded) {
            Err(Error::Invalid { what: Invalid::Modular(fault), .. }) => assert_eq!(fault, expected),
            other => panic!("{coded:?}: {other:?}"),
        }
    }
}

#[test]
fn a_channel_is_squeezed_at_most_31_times() {
    let twice = |begin| Coded::Squeeze(vec![(1, 0, begin, 1); 16]);
    let fault = match read(&mut list_of(&[(1, 5)]), &[twice(0), twice(0)]) {
        Err(Error::Invalid { what: Invalid::Modular(fault), .. }) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault, ModularFault::SqueezedTooOften { channel: 0, shift: 31 });
}

#[test]
fn the_number_of_channels_is_limited() {
    let mut bits = BitWriter::default();
    bits.put(2, 1);
    Coded::Squeeze(vec![(1, 0, 0, 3)]).write(&mut bits);
    let limits = Limits { modular_channels: 5, ..Limits::default() };
    let mut transforms = TransformList::default();
    let result = transforms.read(&mut BitReader::new(&bits.bytes()), &mut list_of(&[(4, 4); 3]), &limits);
    assert_eq!(result, Err(Error::Limit { limit: Limit::ModularChannels, value: 6, bound: 5 }));
}

/// A channel of the plain decoder: rows of samples.
type Plain = Vec<Vec<i64>>;

fn wrap(value: i64) -> i64 {
    i64::from(value as i32)
}

fn plain_rct(kind: u32, channels: &mut [Plain]) {
    let [a, b, c] = channels else { panic!() };
    let mut results = [a.clone(), a.clone(), a.clone()];
    let perm = (kind / 7) as usize;
    let places = [perm % 3, (perm + 1 + perm / 3) % 3, (perm + 2 - perm / 3) % 3];
    for y in 0..a.len() {
        for x in 0..a[y].len() {
            let (a, mut b, mut c) = (a[y][x], b[y][x], c[y][x]);
            let kind = kind % 7;
            let values = if kind == 6 {
                let t = wrap(a - (c >> 1));
                let green = wrap(c + t);
                let blue = wrap(t - (b >> 1));
                [wrap(blue + b), green, blue]
            } else {
                if kind & 1 != 0 {
                    c = wrap(c + a);
                }
                match kind >> 1 {
                    1 => b = wrap(b + a),
                    2 => b = wrap(b + (wrap(a + c) >> 1)),
                    _ => {}
                }
                [a, b, c]
            };
            for (place, value) in places.into_iter().zip(values) {
                results[place][y][x] = value;
            }
        }
    }
    channels.clone_from_slice(&results);
}

struct PlainPalette<'a> {
    table: &'a Plain,
    entries: usize,
    channels: usize,
    deltas: u32,
    predictor: Predictor,
    bit_depth: u32,
}

impl PlainPalette<'_> {
    fn value(&self, index: i64, k: usize) -> i64 {
        let (n, bd) = (self.entries as i64, self.bit_depth.min(24));
        let largest = (1i64 << bd) - 1;
        if (0..n).contains(&index) {
            return self.table[k][index as usize];
        }
        if k >= 3 {
            return 0;
        }
        if index < 0 {
            let q = (-(index + 1)) % 143;
            let sign = if q % 2 == 1 { 1 } else { -1 };
            let scale = if bd > 8 { 1 << (bd - 8) } else { 1 };
            return sign * i64::from(DELTA_PALETTE[(q as usize + 1) >> 1][k]) * scale;
        }
        if index < n + 64 {
            let j = index - n;
            return (((j >> (2 * k)) % 4 * largest) >> 2) + (1 << bd.saturating_sub(3));
        }
        let j = index - n - 64;
        (j / 5i64.pow(k as u32) % 5 * largest) >> 2
    }

    fn component(&self, index: &Plain, k: usize) -> Plain {
        let width = index.first().map_or(0, Vec::len);
        let mut state = WeightedState::default();
        state.start(&WeightedHeader::default(), width);
        let mut output: Vec<Vec<i32>> = vec![vec![0; width]; index.len()];
        for y in 0..index.len() {
            for x in 0..width {
                let mut i = index[y][x];
                if self.channels == 1 && self.deltas == 0 && self.predictor == Predictor::Zero {
                    i = match self.entries {
                        0 if i < 0 => 0,
                        0 => -1,
                        n => i.clamp(0, n as i64 - 1),
                    };
                }
                let above = |distance: usize| y.checked_sub(distance).map(|y| &output[y][..]);
                let around = Neighbours::around(&output[y], above(1), above(2), x);
                let weighted = state.predict(x, &around);
                let mut value = self.value(i, k);
                if i < i64::from(self.deltas) {
                    value += i64::from(around.predict(self.predictor, weighted.value()));
                }
                output[y][x] = value as i32;
                state.update(x, &weighted, output[y][x]);
            }
            state.end_row();
        }
        output.into_iter().map(|row| row.into_iter().map(i64::from).collect()).collect()
    }
}

fn transposed(channel: &Plain, width: usize) -> Plain {
    (0..width).map(|x| channel.iter().map(|row| row[x]).collect()).collect()
}

/// Undoes the transforms by the format's text. `list` is the list of coded channels.
fn plain_undo(
    coded: &[Coded],
    steps: &[SqueezeStep],
    mut channels: Vec<Plain>,
    bit_depth: u32,
) -> Vec<Plain> {
    let mut steps = steps.to_vec();
    for transform in coded.iter().rev() {
        match *transform {
            Coded::Rct(begin, kind) => plain_rct(kind, &mut channels[begin as usize..][..3]),
            Coded::Palette(begin, count, colours, deltas, predictor) => {
                let table = channels.remove(0);
                let palette = PlainPalette {
                    table: &table,
                    entries: (colours + deltas) as usize,
                    channels: count as usize,
                    deltas,
                    predictor: Predictor::from_code(predictor).unwrap(),
                    bit_depth,
                };
                let index = channels.remove(begin as usize);
                for k in 0..count as usize {
                    channels.insert(begin as usize + k, palette.component(&index, k));
                }
            }
            Coded::Squeeze(ref coded_steps) => {
                for _ in 0..coded_steps.len() {
                    let step = steps.pop().unwrap();
                    let (begin, count) = (step.begin as usize, step.channels as usize);
                    let residuals = if step.in_place { begin + count } else { channels.len() - count };
                    for k in 0..count {
                        let (a, r) = (&channels[begin + k], &channels[residuals + k]);
                        let width = a.first().map_or(0, Vec::len);
                        channels[begin + k] = if step.horizontal {
                            a.iter().zip(r).map(|(a, r)| plain_join(a, r)).collect()
                        } else {
                            let (a, r) = (transposed(a, width), transposed(r, width));
                            let joined: Plain = a.iter().zip(&r).map(|(a, r)| plain_join(a, r)).collect();
                            transposed(&joined, joined[0].len())
                        };
                    }
                    channels.drain(residuals..residuals + count);
                }
            }
        }
    }
    channels
}

/// Random transforms that fit the channels, and the list of coded channels.
fn random_transforms(random: &mut Random, initial: &ChannelList) -> (Vec<Coded>, TransformList, ChannelList) {
    let mut coded = Vec::new();
    for _ in 0..40 {
        let transform = match random.below(3) {
            0 => Coded::Rct(random.below(6), 10 + random.below(32)),
            1 => {
                let deltas = random.below(2) * random.below(6);
                let predictor = random.below(2) * random.below(14);
                Coded::Palette(random.below(6), 1 + random.below(5), random.below(9), deltas, predictor)
            }
            _ => {
                let step = |random: &mut Random| {
                    (random.below(2), random.below(2), random.below(6), 1 + random.below(4))
                };
                Coded::Squeeze((0..1 + random.below(2)).map(|_| step(random)).collect())
            }
        };
        coded.push(transform);
        if coded.len() > 6 || read(&mut initial.clone(), &coded).is_err() {
            coded.pop();
        }
    }
    let mut list = initial.clone();
    let transforms = read(&mut list, &coded).unwrap();
    (coded, transforms, list)
}

/// Undoes random transforms of random samples of so many bits. Returns whether they fitted.
fn check<S: Sample>(random: &mut Random, level: Level, threads: &Threads, bits: u32, scale: u32) -> bool {
    let size = |random: &mut Random| (1 + random.below(20 * scale), 1 + random.below(20 * scale));
    let (first, other) = (size(random), size(random));
    let initial = list_of(&[first, first, first, first, other]);
    let (coded, transforms, list) = random_transforms(random, &initial);
    let bit_depth = 1 + random.below(16);
    let pool = Pool::new();
    let mut plain = Vec::new();
    let mut channels = Vec::new();
    for shape in list.shapes() {
        let mut channel = Channel::<S>::lease(&pool, *shape).unwrap();
        let small = random.below(2) == 0;
        fill(&mut channel, || if small { i64::from(random.below(20)) - 5 } else { random.signed(bits) });
        let mut samples = rows(&channel);
        // A channel without columns still has rows.
        samples.resize(shape.height as usize, Vec::new());
        plain.push(samples);
        channels.push(channel);
    }
    let context = UndoContext {
        pool: &pool,
        threads,
        level,
        bit_depth,
        weighted: &WeightedHeader::default(),
        weighted_states: &Scratch::new(),
        layouts: &Scratch::new(),
    };
    match transforms.undo(&mut channels, &context) {
        Ok(()) => {}
        Err(Error::SampleOverflow) if S::NARROW => return false,
        Err(error) => panic!("{error}"),
    }
    let expected = plain_undo(&coded, &transforms.steps, plain, bit_depth);
    let undone: Vec<Plain> = channels.iter().map(rows).collect();
    assert_eq!(undone, expected, "{coded:?}");
    let shapes: Vec<_> = channels.iter().map(|channel| channel.shape).collect();
    assert_eq!(shapes, initial.shapes());
    true
}

#[test]
fn undone_transforms_agree_with_the_plain_decoder() {
    let mut random = Random::new(11);
    for level in levels() {
        for round in 0..150 {
            assert!(check::<i32>(&mut random, level, &Threads::Calling, 1 + round % 32, 1));
        }
    }
}

#[test]
fn sixteen_bits_are_exact_or_rejected() {
    let mut random = Random::new(12);
    let mut fitted = 0;
    for round in 0..300 {
        fitted += u32::from(check::<i16>(&mut random, Level::new(), &Threads::Calling, 1 + round % 16, 1));
    }
    assert!((150..300).contains(&fitted), "{fitted} of 300 fitted");
}

#[test]
fn threads_change_nothing() {
    let threads =
        Threads::Pool(std::sync::Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap()));
    let mut random = Random::new(13);
    for _ in 0..6 {
        check::<i32>(&mut random, Level::new(), &threads, 12, 20);
    }
}

#[test]
fn implicit_palette_values() {
    let value = |bit_depth, index| {
        let mut list = list_of(&[(1, 1); 3]);
        let transforms = read(&mut list, &[Coded::Palette(0, 3, 2, 0, 0)]).unwrap();
        let pool = Pool::new();
        let mut entries = Channel::<i32>::lease(&pool, ChannelShape::new(2, 3)).unwrap();
        fill(&mut entries, || 7);
        let mut indices = Channel::<i32>::lease(&pool, ChannelShape::new(1, 1)).unwrap();
        fill(&mut indices, || index);
        let mut channels = vec![entries, indices];
        let context = UndoContext {
            pool: &pool,
            threads: &Threads::Calling,
            level: Level::new(),
            bit_depth,
            weighted: &WeightedHeader::default(),
            weighted_states: &Scratch::new(),
            layouts: &Scratch::new(),
        };
        transforms.undo(&mut channels, &context).unwrap();
        [0, 1, 2].map(|k| rows(&channels[k])[0][0])
    };
    let eight = [
        (0, [7, 7, 7]),
        (-1, [0, 0, 0]),
        (-2, [4, 4, 4]),
        (-3, [-4, -4, -4]),
        (-143, [24, -45, 45]),
        (-144, [0, 0, 0]),
        (2, [32, 32, 32]),
        (3, [95, 32, 32]),
        (17, [223, 223, 32]),
        (65, [223, 223, 223]),
        (66, [0, 0, 0]),
        (67, [63, 0, 0]),
        (71, [0, 63, 0]),
        (190, [255, 255, 255]),
        (191, [0, 0, 0]),
    ];
    for (index, expected) in eight {
        assert_eq!(value(8, index), expected, "{index}");
    }
    let twelve = [(-2, [64, 64, 64]), (2, [512, 512, 512]), (65, [3583, 3583, 3583]), (67, [1023, 0, 0])];
    for (index, expected) in twelve {
        assert_eq!(value(12, index), expected, "{index} of 12 bits");
    }
}

#[test]
fn random_bits_never_panic() {
    let mut random = Random::new(14);
    let limits = Limits { modular_channels: 300, ..Limits::default() };
    let mut transforms = TransformList::default();
    let mut accepted = 0;
    for round in 0..20_000 {
        let side = |random: &mut Random| random.below(2 + round % 40);
        let (first, other) = ((side(&mut random), side(&mut random)), (side(&mut random), side(&mut random)));
        let mut list = list_of(&[first, first, first, other]);
        let bytes: Vec<u8> = (0..40).map(|_| random.next() as u8 & random.next() as u8).collect();
        if transforms.read(&mut BitReader::new(&bytes), &mut list, &limits).is_err()
            || list.samples() > 1 << 16
        {
            continue;
        }
        accepted += 1;
        let pool = Pool::new();
        let lease = |shape: &ChannelShape| Channel::<i32>::lease_zeroed(&pool, *shape).unwrap();
        let mut channels: Vec<_> = list.shapes().iter().map(lease).collect();
        let context = UndoContext {
            pool: &pool,
            threads: &Threads::Calling,
            level: Level::new(),
            bit_depth: 1 + random.below(32),
            weighted: &WeightedHeader::default(),
            weighted_states: &Scratch::new(),
            layouts: &Scratch::new(),
        };
        transforms.undo(&mut channels, &context).unwrap();
    }
    assert!(accepted > 1000, "only {accepted} were accepted");
}
