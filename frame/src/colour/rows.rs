//! Running functions of samples and pixels over rows, vector by vector.
//!
//! The functions are values of types that implement [`SampleMap`] or [`PixelMap`], not closures: a closure would not be
//! compiled for the instruction set it is called in.

use fearless_simd::{Simd, prelude::*};

/// A function of one sample.
pub trait SampleMap: Copy {
    /// The function, for a vector of samples.
    fn map<S: Simd>(self, simd: S, v: S::f32s) -> S::f32s;
}

/// A function of the three colour samples of one pixel.
pub trait PixelMap: Copy {
    /// The function, for a vector of pixels.
    fn map<S: Simd>(self, simd: S, pixel: [S::f32s; 3]) -> [S::f32s; 3];

    /// Whether it certainly makes the same of all three channels, so that what follows need be done for one only.
    #[inline(always)]
    fn is_gray(&self) -> bool {
        false
    }
}

/// One sample function for each of the three channels.
#[derive(Clone, Copy, Debug)]
pub struct Each<M>(pub M);

impl<M: SampleMap> PixelMap for Each<M> {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 3] {
        [self.0.map(simd, a), self.0.map(simd, b), self.0.map(simd, c)]
    }
}

/// One sample function for three channels that hold the same.
#[derive(Clone, Copy, Debug)]
pub struct Alike<M>(pub M);

impl<M: SampleMap> PixelMap for Alike<M> {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, [gray, ..]: [S::f32s; 3]) -> [S::f32s; 3] {
        [self.0.map(simd, gray); 3]
    }
}

/// One pixel function after the other, in one pass over the rows.
#[derive(Clone, Copy, Debug)]
pub struct Then<A, B>(pub A, pub B);

impl<A: PixelMap, B: PixelMap> PixelMap for Then<A, B> {
    #[inline(always)]
    fn map<S: Simd>(self, simd: S, pixel: [S::f32s; 3]) -> [S::f32s; 3] {
        self.1.map(simd, self.0.map(simd, pixel))
    }
}

/// Applies `map` to every sample of `row`.
#[inline(always)]
pub fn map_row<S: Simd, M: SampleMap>(simd: S, map: M, row: &mut [f32]) {
    let mut chunks = row.chunks_exact_mut(S::f32s::LEN);
    for chunk in &mut chunks {
        map.map(simd, S::f32s::from_slice(simd, chunk)).store_slice(chunk);
    }
    let rest = chunks.into_remainder();
    if !rest.is_empty() {
        let v = map.map(simd, load_part(simd, rest));
        rest.copy_from_slice(&v.as_slice()[..rest.len()]);
    }
}

/// Applies `map` to every pixel of three rows, as far as the shortest of them goes.
#[inline(always)]
pub fn map_rows<S: Simd, M: PixelMap>(simd: S, map: M, rows: [&mut [f32]; 3]) {
    let [a, b, c] = rows;
    let width = a.len().min(b.len()).min(c.len());
    let mut a = a[..width].chunks_exact_mut(S::f32s::LEN);
    let mut b = b[..width].chunks_exact_mut(S::f32s::LEN);
    let mut c = c[..width].chunks_exact_mut(S::f32s::LEN);
    for ((a, b), c) in (&mut a).zip(&mut b).zip(&mut c) {
        let pixel =
            [S::f32s::from_slice(simd, a), S::f32s::from_slice(simd, b), S::f32s::from_slice(simd, c)];
        let [x, y, z] = map.map(simd, pixel);
        x.store_slice(a);
        y.store_slice(b);
        z.store_slice(c);
    }
    let (a, b, c) = (a.into_remainder(), b.into_remainder(), c.into_remainder());
    if !a.is_empty() {
        let [x, y, z] = map.map(simd, [load_part(simd, a), load_part(simd, b), load_part(simd, c)]);
        a.copy_from_slice(&x.as_slice()[..a.len()]);
        b.copy_from_slice(&y.as_slice()[..b.len()]);
        c.copy_from_slice(&z.as_slice()[..c.len()]);
    }
}

/// A vector that starts with `samples`, at most as many as it has lanes; zeros behind.
#[inline(always)]
fn load_part<S: Simd>(simd: S, samples: &[f32]) -> S::f32s {
    let mut v = S::f32s::splat(simd, 0.0);
    v.as_mut_slice()[..samples.len()].copy_from_slice(samples);
    v
}
