//! The decoding loop as the format describes it, for the tests: every property, the whole tree, and the weighted
//! predictor with its errors added to the row above.

use super::super::channel::ChannelShape;
use super::super::predictor::Neighbours;
use super::super::tree::{MaTree, Node, unpack_signed};
use super::super::weighted::{DIVISION, WeightedHeader};

/// A channel of plain rows.
pub(crate) struct PlainChannel {
    pub(crate) shape: ChannelShape,
    pub(crate) rows: Vec<Vec<i32>>,
}

/// Decodes channels of these shapes; `integer` gives the next integer of a context.
pub(crate) fn decode(
    tree: &MaTree,
    header: &WeightedHeader,
    stream_index: u32,
    shapes: &[ChannelShape],
    mut integer: impl FnMut(usize) -> u32,
) -> Vec<PlainChannel> {
    let mut channels: Vec<PlainChannel> = Vec::new();
    for (index, &shape) in shapes.iter().enumerate() {
        let (width, height) = (shape.width as usize, shape.height as usize);
        let mut rows: Vec<Vec<i32>> = Vec::new();
        let mut weighted = Weighted::new(header, width);
        for y in 0..height {
            rows.push(vec![0; width]);
            let mut gradient_before = 0;
            for x in 0..width {
                let above = |distance: usize| y.checked_sub(distance).map(|y| &rows[y][..]);
                let around = Neighbours::around(&rows[y], above(1), above(2), x);
                let (eighths, sub, max_error) = weighted.predict(x, &around);
                let Neighbours { west, north, north_west, north_east, west_west, north_north, .. } = around;
                let gradient = west.wrapping_add(north).wrapping_sub(north_west);
                let mut properties = vec![
                    index as i32,
                    stream_index as i32,
                    y as i32,
                    x as i32,
                    north.wrapping_abs(),
                    west.wrapping_abs(),
                    north,
                    west,
                    west.wrapping_sub(gradient_before),
                    gradient,
                    west.wrapping_sub(north_west),
                    north_west.wrapping_sub(north),
                    north.wrapping_sub(north_east),
                    north.wrapping_sub(north_north),
                    west.wrapping_sub(west_west),
                    max_error,
                ];
                gradient_before = gradient;
                for reference in channels.iter().rev().filter(|reference| reference.shape == shape) {
                    properties.extend(reference_properties(&reference.rows, x, y));
                }
                properties.resize(256.max(properties.len()), 0);

                let leaf = walk(tree, &properties);
                let context = leaf as usize;
                let leaf = tree.leaves()[context];
                let residual = i64::from(unpack_signed(integer(context)));
                let prediction = around.predict(leaf.predictor, ((eighths + 3) >> 3) as i32);
                let sample =
                    residual * i64::from(leaf.multiplier) + i64::from(leaf.offset) + i64::from(prediction);
                rows[y][x] = sample as i32;
                weighted.update(x, eighths, sub, sample as i32);
            }
            weighted.end_row();
        }
        channels.push(PlainChannel { shape, rows });
    }
    channels
}

fn walk(tree: &MaTree, properties: &[i32]) -> u32 {
    let mut at = 0;
    loop {
        match tree.nodes()[at] {
            Node::Leaf(leaf) => return leaf,
            Node::Split { property, value, children } if properties[usize::from(property)] > value => {
                at = children as usize;
            }
            Node::Split { children, .. } => at = children as usize + 1,
        }
    }
}

fn reference_properties(rows: &[Vec<i32>], x: usize, y: usize) -> [i32; 4] {
    let value = rows[y][x];
    let west = if x > 0 { rows[y][x - 1] } else { 0 };
    let north = if y > 0 { rows[y - 1][x] } else { west };
    let north_west = if x > 0 && y > 0 { rows[y - 1][x - 1] } else { west };
    let (low, high) = (i64::from(west.min(north)), i64::from(west.max(north)));
    let gradient = (i64::from(west) + i64::from(north) - i64::from(north_west)).clamp(low, high);
    let residual = (i64::from(value) - gradient) as i32;
    [value.wrapping_abs(), value, residual.wrapping_abs(), residual]
}

/// The state of the weighted predictor in the format's terms.
struct Weighted {
    header: WeightedHeader,
    width: usize,
    te: [Vec<i32>; 2],
    se: [Vec<[u32; 4]>; 2],
}

impl Weighted {
    fn new(header: &WeightedHeader, width: usize) -> Self {
        Self {
            header: *header,
            width,
            te: [vec![0; width], vec![0; width]],
            se: [vec![[0; 4]; width + 1], vec![[0; 4]; width + 1]],
        }
    }

    fn predict(&self, x: usize, around: &Neighbours) -> (i64, [i64; 4], i32) {
        let [te_above, te_row] = &self.te;
        let [se_above, _] = &self.se;
        let right = if x + 1 < self.width { x + 1 } else { x };
        let left = x.saturating_sub(1);
        let WeightedHeader { p1, p2, p3, w } = self.header;
        let mut weights = [0u32; 4];
        for i in 0..4 {
            let s = se_above[x][i].wrapping_add(se_above[right][i]).wrapping_add(se_above[left][i]);
            let shift = (u64::from(s) + 1).ilog2().max(5) - 5;
            weights[i] = 4 + ((w[i] * DIVISION[(s >> shift) as usize]) >> shift);
        }
        let te_w = if x > 0 { i64::from(te_row[x - 1]) } else { 0 };
        let [te_n, te_nw, te_ne] = [x, left, right].map(|x| i64::from(te_above[x]));
        let [n, w, ne, nw, nn] =
            [around.north, around.west, around.north_east, around.north_west, around.north_north]
                .map(|sample| i64::from(sample) * 8);
        let [p3a, p3b, p3c, p3d, p3e] = p3.map(i64::from);
        let sub = [
            w + ne - n,
            n - (((te_w + te_n + te_ne) * i64::from(p1)) >> 5),
            w - (((te_w + te_n + te_nw) * i64::from(p2)) >> 5),
            n - ((te_nw * p3a + te_n * p3b + te_ne * p3c + (nn - n) * p3d + (nw - w) * p3e) >> 5),
        ];
        let sum: u32 = weights.iter().sum();
        let shift = sum.ilog2() - 4;
        weights.iter_mut().for_each(|weight| *weight >>= shift);
        let sum: u32 = weights.iter().sum();
        let total: i64 = weights.iter().zip(sub).map(|(&weight, sub)| i64::from(weight) * sub).sum();
        let mut eighths = ((i64::from(sum >> 1) - 1 + total) * i64::from(DIVISION[sum as usize - 1])) >> 24;
        if (te_n ^ te_w) | (te_n ^ te_nw) <= 0 {
            eighths = eighths.clamp(w.min(n).min(ne), w.max(n).max(ne));
        }
        let mut max_error = te_w;
        for te in [te_n, te_nw, te_ne] {
            if te.abs() > max_error.abs() {
                max_error = te;
            }
        }
        (eighths, sub, max_error as i32)
    }

    fn update(&mut self, x: usize, eighths: i64, sub: [i64; 4], sample: i32) {
        let sample = i64::from(sample) * 8;
        self.te[1][x] = (eighths - sample) as i32;
        for (i, sub) in sub.iter().enumerate() {
            let error = (((sub - sample).abs() + 3) >> 3) as u32;
            self.se[1][x][i] = error;
            self.se[0][x + 1][i] = self.se[0][x + 1][i].wrapping_add(error);
        }
    }

    fn end_row(&mut self) {
        self.te.swap(0, 1);
        self.se.swap(0, 1);
    }
}
