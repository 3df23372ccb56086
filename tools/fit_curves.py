#!/usr/bin/env python3
"""Fits the polynomials and rational functions of frame/src/colour/curve_fits.rs and writes that file.

    tools/fit_curves.py > frame/src/colour/curve_fits.rs

Each fit minimises the largest weighted error over its range (Lawson's iteration over Chebyshev nodes; rational
functions by linearising around the last denominator). The error printed beside a fit is the one that remains
when it is evaluated in f32 with fused multiply-add. Needs numpy.
"""
import numpy as np

NODES = 1500


def lawson(function, low, high, degrees, weight=lambda x: np.ones_like(x), rounds=600):
    """Numerator and denominator coefficients, constant term first."""
    numerator, denominator = degrees
    t = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    x = (low + high) / 2 + (high - low) / 2 * t
    y, w = function(x), weight(x)
    vp = np.polynomial.chebyshev.chebvander(t, numerator)
    vq = np.polynomial.chebyshev.chebvander(t, denominator)
    shares, q, best = np.ones(NODES) / NODES, np.ones(NODES), None
    for k in range(rounds):
        s = np.sqrt(shares) * w / np.abs(q)
        a = np.hstack([vp, -y[:, None] * vq[:, 1:]]) * s[:, None]
        scale = np.linalg.norm(a, axis=0)
        c = np.linalg.lstsq(a / scale, y * vq[:, 0] * s, rcond=1e-16)[0] / scale
        pc, qc = c[: numerator + 1], np.concatenate([[1], c[numerator + 1 :]])
        q = vq @ qc
        error = np.abs((vp @ pc) / q - y) * w
        if best is None or error.max() < best[0]:
            best = (error.max(), pc, qc)
        if k > 8:
            shares *= error + 1e-3 * error.max()
            shares /= shares.sum()
    to_x = np.polynomial.Polynomial([-(low + high) / (high - low), 2 / (high - low)])
    p = np.polynomial.Polynomial(np.polynomial.chebyshev.cheb2poly(best[1]))(to_x).coef
    q = np.polynomial.Polynomial(np.polynomial.chebyshev.cheb2poly(best[2]))(to_x).coef
    norm = np.abs(q).max() if denominator else q[0]
    return p / norm, q / norm


def horner(c, x):
    a = np.full_like(x, np.float32(c[-1]))
    for v in c[-2::-1]:
        a = (a.astype(np.float64) * x + np.float64(np.float32(v))).astype(np.float32)
    return a


def evaluate(p, q, x):
    return horner(p, x) / horner(q, x) if len(q) > 1 else horner(p, x)


def shortest(v):
    """The fewest digits that name the f32 nearest to v."""
    return repr(float(str(np.float32(v))))


def emit_array(name, values, doc):
    print(f"/// {doc}")
    numbers = ", ".join(shortest(v) for v in values)
    print(f"pub(super) const {name}: [f32; {len(values)}] = [{numbers}];")


def rational(name, what, curve, variable, inverse, degrees, low, high):
    """Fits curve(inverse(u)) over u; `low` and `high` are bounds of the curve's own argument."""
    u_low, u_high = variable(np.float64(low)), variable(np.float64(high))
    p, q = lawson(lambda u: curve(inverse(u)), u_low, u_high, degrees)
    x = np.concatenate([np.linspace(low, high, 300001), np.geomspace(max(low, 1e-12), high, 300001)])
    x = x.astype(np.float32)
    error = np.abs(evaluate(p, q, variable(x)).astype(np.float64) - curve(x.astype(np.float64))).max()
    print(f"\n/// {what}; error {error:.1e}.")
    print(f"pub(super) const {name}: Rational<{len(p)}, {len(q)}> = Rational {{")
    for field, c in (("numerator", p), ("denominator", q)):
        print(f"    {field}: [{', '.join(shortest(v) for v in c)}],")
    print("};")


def srgb_encode(x):
    return 1.055 * x ** (1 / 2.4) - 0.055


def srgb_decode(e):
    return ((e + 0.055) / 1.055) ** 2.4


def bt709_encode(x):
    return 1.099 * x**0.45 - 0.099


def bt709_decode(e):
    return ((e + 0.099) / 1.099) ** (1 / 0.45)


def pq_encode(z):
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    return ((c1 + c2 * z**m1) / (1 + c3 * z**m1)) ** m2


def main():
    print("//! Fits of transfer functions and of the functions they are made of. Written by `tools/fit_curves.py`.")
    print()
    print("#![allow(clippy::approx_constant)] // A fit may start with ln 2.")
    print()
    print("use super::vector_math::Rational;")
    same = lambda v: v
    square = lambda u: u * u
    fourth = lambda u: u**4
    rational("SRGB_ENCODE", "sRGB from the square root of linear light in 0.0031308 ..= 2", srgb_encode, np.sqrt, square, (4, 4), 0.0031308, 2)
    rational("SRGB_DECODE", "Linear light from sRGB in 0.04045 ..= 1.25", srgb_decode, same, same, (4, 3), 0.04045, 1.25)
    rational("BT709_ENCODE", "BT.709 from the square root of linear light in 0.018 ..= 2", bt709_encode, np.sqrt, square, (4, 3), 0.018, 2)
    rational("BT709_DECODE", "Linear light from BT.709 in 0.081 ..= 1.4", bt709_decode, same, same, (4, 3), 0.081, 1.4)
    rational("PQ_ENCODE", "PQ from the fourth root of linear light in 0 ..= 1 (10,000 nits)", pq_encode, lambda x: np.sqrt(np.sqrt(x)), fourth, (6, 6), 0, 1)
    print()
    log = lambda f: np.where(np.abs(f) < 1e-6, (1 - f / 2) / np.log(2), np.log1p(f) / np.log(2) / np.where(f == 0, 1, f))
    p, _ = lawson(log, -1 / 3, 1 / 3, (7, 0), weight=lambda f: np.abs(f) + 0.01)
    emit_array("LOG2_1P", p, "log2(1 + f) / f for f in -1/3 ..= 1/3.")
    print()
    p, _ = lawson(lambda f: 2.0**f, -0.5, 0.5, (5, 0), weight=lambda f: 2.0**-f)
    emit_array("EXP2", p, "2^f for f in -1/2 ..= 1/2.")
    print()
    exp = lambda f: np.where(np.abs(f) < 1e-6, np.log(2) * (1 + f * np.log(2) / 2), np.expm1(f * np.log(2)) / np.where(f == 0, 1, f))
    p, _ = lawson(exp, -0.5, 0, (5, 0))
    emit_array("EXP2_M1", p, "(2^f - 1) / f for f in -1/2 ..= 0.")


main()
