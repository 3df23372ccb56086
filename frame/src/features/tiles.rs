//! Rectangles sorted into tiles of the frame, so that a row finds those that may touch it.

use crate::error::{Error, Result};
use crate::image_header::Size;
use crate::limits::Limit;
use jxlake_util::{Buffer, Lease, Pool, Purpose, Rect};
use std::ops::Range;

/// Columns of a tile: rows are rendered in parts of about this width.
const WIDTH: usize = 256;
/// Rows of a tile: about as high as glyphs and strokes are.
const HEIGHT: usize = 16;

/// For every tile of a frame the numbers of the rectangles that touch it, in ascending order.
#[derive(Debug, Default)]
pub(super) struct TileIndex {
    columns: usize,
    rows: usize,
    /// Where the numbers of each tile end.
    ends: Option<Lease<Buffer<u32>>>,
    numbers: Option<Lease<Buffer<u32>>>,
}

impl TileIndex {
    /// Sorts `count` rectangles, the `i`th of which is `rect(i)`, for a frame of `size`. Parts beyond the frame are ignored.
    pub(super) fn build(
        &mut self,
        size: Size,
        count: usize,
        rect: impl Fn(usize) -> Rect,
        pool: &Pool,
    ) -> Result<()> {
        self.clear();
        (self.columns, self.rows) =
            ((size.width as usize).div_ceil(WIDTH), (size.height as usize).div_ceil(HEIGHT));
        let mut ends = pool.buffer_zeroed::<u32>(Purpose::Metadata, self.columns * self.rows)?;
        let mut total = 0u64;
        for i in 0..count {
            let (columns, rows) = self.touched(rect(i));
            total += (columns.len() * rows.len()) as u64;
            let bound = u32::MAX.into();
            if i > bound as usize || total > bound {
                return Err(Error::Limit { limit: Limit::Memory, value: total, bound });
            }
            for row in rows {
                for end in &mut ends[row * self.columns..][columns.clone()] {
                    *end += 1;
                }
            }
        }
        let mut start = 0;
        for end in ends.iter_mut() {
            (*end, start) = (start, start + *end);
        }
        let mut numbers = pool.buffer::<u32>(Purpose::Metadata, total as usize)?;
        for i in 0..count {
            let (columns, rows) = self.touched(rect(i));
            for row in rows {
                for end in &mut ends[row * self.columns..][columns.clone()] {
                    numbers[*end as usize] = i as u32;
                    *end += 1;
                }
            }
        }
        (self.ends, self.numbers) = (Some(ends), Some(numbers));
        Ok(())
    }

    /// Gives the memory back; there are no rectangles then.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Columns and rows of tiles that a rectangle touches.
    fn touched(&self, rect: Rect) -> (Range<usize>, Range<usize>) {
        let span = |start: usize, length: usize, tile: usize, tiles: usize| {
            let end = if length == 0 { start } else { (start + length).div_ceil(tile) * tile };
            (start / tile).min(tiles)..(end / tile).min(tiles)
        };
        (span(rect.x, rect.width, WIDTH, self.columns), span(rect.y, rect.height, HEIGHT, self.rows))
    }

    /// The parts of row `y` between the columns `x` that lie in one tile each, with the rectangles that touch the tile.
    pub(super) fn parts(&self, y: usize, x: Range<usize>) -> impl Iterator<Item = (Range<usize>, &[u32])> {
        let row = y / HEIGHT * self.columns;
        let tiles = x.start / WIDTH..x.end.div_ceil(WIDTH).min(self.columns);
        tiles.map(move |tile| {
            let part = x.start.max(tile * WIDTH)..x.end.min((tile + 1) * WIDTH);
            (part, self.tile(row + tile))
        })
    }

    fn tile(&self, tile: usize) -> &[u32] {
        let (Some(ends), Some(numbers)) = (&self.ends, &self.numbers) else { return &[] };
        let start = tile.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
        let end = ends.get(tile).copied().unwrap_or(start);
        numbers.get(start as usize..end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modular::testing::Random;

    /// Every pixel finds exactly the rectangles that hold it, in order, besides others.
    #[test]
    fn pixels_find_their_rectangles() {
        let (random, pool) = (&mut Random::new(3), Pool::new());
        let mut index = TileIndex::default();
        for _ in 0..30 {
            let size = Size { width: 1 + random.below(700), height: 1 + random.below(70) };
            let rects: Vec<Rect> = (0..random.below(40))
                .map(|_| {
                    let mut side = |bound| random.below(bound) as usize;
                    Rect::new(side(800), side(80), side(300), side(40))
                })
                .collect();
            index.build(size, rects.len(), |i| rects[i], &pool).unwrap();
            for y in 0..size.height as usize {
                let start = random.below(size.width) as usize;
                let mut next = start;
                for (part, numbers) in index.parts(y, start..size.width as usize) {
                    assert_eq!(part.start, next);
                    next = part.end;
                    assert!(numbers.is_sorted_by(|a, b| a < b));
                    for x in part {
                        let holds = |r: &Rect| {
                            (r.x..r.x + r.width).contains(&x) && (r.y..r.y + r.height).contains(&y)
                        };
                        let wanted = (0..rects.len()).filter(|&i| holds(&rects[i]));
                        assert!(wanted.into_iter().all(|i| numbers.contains(&(i as u32))));
                    }
                }
                assert_eq!(next, size.width as usize);
            }
        }
        index.clear();
        assert_eq!(pool.statistics().outstanding(), 0);
    }
}
