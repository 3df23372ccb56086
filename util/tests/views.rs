//! Matrices and views against plain vectors.

use jxlake_util::{Pool, Purpose, Rect, Shape2, Shape3, ShapeError, View2, ViewMut2};
use proptest::prelude::*;

/// A picture with distinct samples, as a plain vector.
fn numbers(rows: usize, stride: usize) -> Vec<u32> {
    (0..(rows * stride) as u32).collect()
}

fn rect_in(shape: Shape2, ends: [usize; 4]) -> Rect {
    let range = |a: usize, b: usize, length: usize| {
        let (a, b) = (a % (length + 1), b % (length + 1));
        (a.min(b), a.abs_diff(b))
    };
    let ((x, width), (y, height)) =
        (range(ends[0], ends[1], shape.cols), range(ends[2], ends[3], shape.rows));
    Rect::new(x, y, width, height)
}

proptest! {
    /// A rectangle of a rectangle of a view shows the samples that lie there.
    #[test]
    fn rectangles_show_what_lies_there(
        rows in 0usize..20, cols in 0usize..20, padding in 0usize..5, outer: [usize; 4], inner: [usize; 4],
    ) {
        let stride = cols + padding;
        let samples = numbers(rows, stride);
        let view = View2::from_slice(&samples, rows, cols, stride).unwrap();
        let outer = rect_in(view.shape(), outer);
        let inner = rect_in(outer.shape(), inner);
        let part = view.sub(outer).sub(inner);
        prop_assert_eq!(part.shape(), inner.shape());
        for y in 0..part.rows() {
            let start = (outer.y + inner.y + y) * stride + outer.x + inner.x;
            prop_assert_eq!(part.row(y), if inner.width == 0 { &[][..] } else { &samples[start..start + inner.width] });
        }
        if let Some(slice) = part.as_slice() {
            prop_assert_eq!(slice, part.iter_rows().flatten().copied().collect::<Vec<_>>());
        }
    }

    /// Cut at random, by rows and by columns, every sample is in exactly one part.
    #[test]
    fn splits_are_disjoint_and_whole(
        rows in 0usize..20, cols in 0usize..20, padding in 0usize..5,
        cuts in proptest::collection::vec((any::<bool>(), any::<usize>(), any::<usize>()), 0..12),
    ) {
        let stride = cols + padding;
        let mut samples = vec![0u32; rows * stride];
        let mut parts = vec![ViewMut2::from_slice(&mut samples, rows, cols, stride).unwrap()];
        for (by_row, which, place) in cuts {
            let which = which % parts.len();
            let part = parts.swap_remove(which);
            let (first, second) = if by_row {
                let place = place % (part.rows() + 1);
                part.split_at_row(place)
            } else {
                let place = place % (part.cols() + 1);
                part.split_at_col(place)
            };
            parts.extend([first, second]);
        }
        // All parts are alive at the same time.
        for part in &mut parts {
            for row in part.iter_rows_mut() {
                row.iter_mut().for_each(|sample| *sample += 1);
            }
        }
        drop(parts);
        for (place, &sample) in samples.iter().enumerate() {
            prop_assert_eq!(sample, u32::from(place % stride < cols));
        }
    }

    /// A slice is taken if and only if it holds all rows apart from each other.
    #[test]
    fn slices_are_checked(length in 0usize..40, rows in 0usize..8, cols in 0usize..8, stride in 0usize..10) {
        let samples = numbers(1, length);
        let fits = rows == 0 || cols == 0
            || ((rows - 1) * stride + cols <= length && (rows == 1 || stride >= cols));
        let view = View2::from_slice(&samples, rows, cols, stride);
        prop_assert_eq!(view.is_ok(), fits);
        for row in view.iter().flat_map(|view| view.iter_rows()) {
            prop_assert_eq!(row.len(), cols);
        }
        prop_assert_eq!(ViewMut2::from_slice(&mut samples.clone(), rows, cols, stride).is_ok(), fits);
    }
}

/// Absurd shapes of a slice are errors, not overflows; without columns there are rows all the same.
#[test]
fn absurd_slices_are_refused() {
    let shape = Shape2::new(usize::MAX, 2);
    let error = View2::from_slice(&[1u8, 2], shape.rows, shape.cols, usize::MAX).unwrap_err();
    assert_eq!(error, ShapeError::Slice { shape, stride: usize::MAX, length: 2 });
    let none = View2::<u8>::from_slice(&[], usize::MAX, 0, usize::MAX).unwrap();
    assert!(none.row(usize::MAX - 1).is_empty());
    let mut none = [];
    let mut none = ViewMut2::<u8>::from_slice(&mut none, usize::MAX, 0, 7).unwrap();
    none.fill(1);
    assert!(none.row_mut(5).is_empty());
}

/// Two rows are written at once, in either order; the rows above one are read while it is written.
#[test]
fn rows_are_reached_together() {
    let pool = Pool::new();
    let mut matrix = pool.matrix2_zeroed::<i32>(Purpose::Modular, Shape2::new(5, 3)).unwrap();
    let (a, b) = matrix.two_rows_mut(4, 1);
    a.fill(4);
    b.fill(1);
    let (above, row) = matrix.rows_above_and_row_mut(3);
    assert_eq!(above.rows(), 3);
    row.copy_from_slice(above.row(1));
    let expected = [[0; 3], [1; 3], [0; 3], [1; 3], [4; 3]];
    assert_eq!(matrix.view().iter_rows().collect::<Vec<_>>(), expected);
}

/// Copies go through views of any stride.
#[test]
fn copies_keep_their_shape() {
    let pool = Pool::new();
    let source = numbers(6, 10);
    let source = View2::from_slice(&source, 6, 10, 10).unwrap().sub(Rect::new(2, 1, 4, 5));
    let mut matrix = pool.matrix2_zeroed(Purpose::Pixels, Shape2::new(6, 6)).unwrap();
    matrix.view_mut().sub_mut(Rect::new(1, 1, 4, 5)).copy_from(source);
    assert_eq!(matrix.row(0), [0; 6]);
    assert_eq!(matrix.row(5), [0, 52, 53, 54, 55, 0]);
}

/// Rows, in padded form too, start on lines; reshaping keeps samples where they are.
#[test]
fn reshapes_move_nothing() {
    let pool = Pool::new();
    let mut matrix = pool.matrix2::<u16>(Purpose::Modular, Shape2::new(9, 300)).unwrap();
    assert_eq!((matrix.padded_cols(), matrix.stride() % 32), (320, 0));
    for y in 0..9 {
        assert_eq!(matrix.row(y).as_ptr().addr() % 64, 0);
        matrix.padded_row_mut(y).iter_mut().enumerate().for_each(|(x, v)| *v = (1000 * y + x) as u16);
    }
    matrix.reshape(Shape2::new(4, 33)).unwrap();
    assert_eq!((matrix.row(3).len(), matrix.padded_row(3).len(), matrix.view().cols()), (33, 64, 33));
    assert_eq!(matrix.row(3)[32], 3032);
    let error = matrix.reshape(Shape2::new(10, 1)).unwrap_err();
    assert_eq!(error.to_string(), "a shape of 10×1 is beyond the capacity of 9×300");
    assert_eq!(matrix.shape(), Shape2::new(4, 33));
    matrix.reshape(Shape2::new(9, 300)).unwrap();
    assert_eq!((matrix.row(8)[299], matrix.padded_row(8)[319]), (8299, 8319));
}

/// Planes are disjoint and keep their samples through reshapes.
#[test]
fn planes_are_disjoint() {
    let pool = Pool::new();
    let mut matrix = pool.matrix3::<f32>(Purpose::Pixels, Shape3::new(3, 7, 5)).unwrap();
    matrix.planes_mut().enumerate().for_each(|(p, mut plane)| plane.fill(p as f32));
    assert!(matrix.planes_array_mut::<2>().is_none());
    let [a, mut b, c] = matrix.planes_array_mut::<3>().unwrap();
    b.row_mut(6).copy_from_slice(c.row(6));
    assert_eq!(a.row(6), [0.0; 5]);
    matrix.reshape(Shape3::new(2, 7, 4)).unwrap();
    assert_eq!((matrix.plane(1).row(5), matrix.plane(1).row(6)), (&[1.0; 4][..], &[2.0; 4][..]));
    let error = matrix.reshape(Shape3::new(4, 1, 1)).unwrap_err();
    assert_eq!(error.to_string(), "a shape of 4×1×1 is beyond the capacity of 3×7×5");
    matrix.fill(9.0);
    matrix.reshape(Shape3::new(3, 7, 5)).unwrap();
    assert_eq!((matrix.plane(0).row(0)[4], matrix.plane(2).row(0)[0]), (0.0, 2.0));
}

/// Empty matrices are leased like others and cost no storage.
#[test]
fn empty_matrices_cost_nothing() {
    let pool = Pool::new();
    for shape in [Shape2::new(0, 100), Shape2::new(100, 0), Shape2::new(usize::MAX, 0)] {
        let mut matrix = pool.matrix2::<f32>(Purpose::Pixels, shape).unwrap();
        matrix.fill(1.0);
        assert!(matrix.view().shape().is_empty());
        assert!(shape.rows == 0 || matrix.row(shape.rows - 1).is_empty());
    }
    assert!(pool.buffer::<u8>(Purpose::Other, 0).unwrap().is_empty());
    let total = pool.statistics().total;
    assert_eq!((total.leases, total.misses, total.peak_bytes), (4, 0, 0));
}

/// Rows and rectangles outside are refused by a panic, before any memory is touched.
#[test]
fn outside_panics() {
    fn panics(f: impl FnOnce()) -> bool {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err()
    }
    let samples = numbers(3, 4);
    let view = View2::from_slice(&samples, 3, 4, 4).unwrap();
    assert!(panics(|| _ = view.row(3)));
    for rect in
        [Rect::new(4, 0, 1, 1), Rect::new(0, 3, 1, 1), Rect::new(1, 0, usize::MAX, 1), Rect::new(0, 0, 5, 0)]
    {
        assert!(panics(|| _ = view.sub(rect)), "{rect:?}");
    }
    let mut samples = samples.clone();
    let mut view = ViewMut2::from_slice(&mut samples, 3, 4, 4).unwrap();
    assert!(panics(|| _ = view.row_mut(3)));
    assert!(panics(|| _ = view.two_rows_mut(1, 1)));
    assert!(panics(|| _ = view.two_rows_mut(1, 3)));
    assert!(panics(|| _ = view.reborrow().split_at_col(5)));
    assert!(panics(|| _ = view.reborrow().split_at_row(4)));
    assert!(panics(|| view.copy_from(View2::default())));
}
