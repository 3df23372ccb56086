//! Where rows and planes start.

use crate::element::Element;
use crate::pool::LINE;

/// Strides that are a multiple of this many lines, 512 bytes, put rows into few sets of the caches.
/// Off them, to transpose 256 rows of `f32` takes half the time (0.80 to 0.41 ns an element at 512 and 1024 bytes).
/// Planes need no such care: three of them changed in lockstep take the same time at any distance.
const ALIASING_LINES: usize = 8;

/// Elements in a line.
pub(crate) const fn per_line<T: Element>() -> usize {
    LINE / size_of::<T>()
}

/// Elements from one row to the next, in whole lines and off the strides that alias; `None` if it cannot be counted.
pub(crate) fn stride<T: Element>(cols: usize) -> Option<usize> {
    let lines = cols.div_ceil(per_line::<T>());
    let aliases = lines > 0 && lines.is_multiple_of(ALIASING_LINES);
    (lines + usize::from(aliases)).checked_mul(per_line::<T>())
}

/// `cols` rounded up to whole lines.
pub(crate) const fn padded<T: Element>(cols: usize) -> usize {
    cols.next_multiple_of(per_line::<T>())
}

/// Lines that `elements` elements take, which are whole rows or a buffer.
pub(crate) const fn lines<T: Element>(elements: usize) -> usize {
    elements.div_ceil(per_line::<T>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Strides are whole lines, at least the columns, at most one line more than needed, and never of 512 bytes.
    #[test]
    fn strides_are_whole_lines_that_do_not_alias() {
        for cols in 1..5000 {
            let stride = stride::<f32>(cols).unwrap();
            assert!(stride >= cols && stride < cols + 32 && stride.is_multiple_of(16));
            assert!(!(stride * 4).is_multiple_of(512), "{cols}");
            assert_eq!(padded::<f32>(cols), cols.div_ceil(16) * 16);
        }
        assert_eq!(stride::<f32>(256), Some(256 + 16));
        assert_eq!(stride::<i16>(256), Some(256 + 32));
        assert_eq!(stride::<i16>(255 * 32), Some(255 * 32));
        assert_eq!(stride::<f32>(0), Some(0));
    }

    /// Columns that cannot be counted in bytes have no stride, or one that the shape's size refuses.
    #[test]
    fn absurd_columns_do_not_wrap() {
        assert_eq!(stride::<u8>(usize::MAX), None);
    }
}
