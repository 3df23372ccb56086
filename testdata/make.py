#!/usr/bin/env python3
"""Make the streams of this folder anew: sources by numpy, encodes by `cjxl` (Debian's libjxl-tools, 0.7), containers by hand.

usage: make.py OUT_FOLDER        writes *.jxl and expected.tsv (SHA-256 of the source samples of each lossless stream)

Samples are hashed as: rows top to bottom, channels interleaved (colour, then alpha), 8-bit as bytes, 16-bit and float
little-endian. Needs numpy, brotli, cjxl.
"""
import brotli, hashlib, os, struct, subprocess, sys, tempfile, zlib
import numpy as np

OUT = sys.argv[1]
os.makedirs(OUT, exist_ok=True)
TMP = tempfile.mkdtemp()
expected = []


def picture(w, h, channels, seed):
    """A small photograph-like scene in 0..1: smooth shading, edges, texture, a little noise."""
    r = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w] / max(w, h)
    planes = []
    for c in range(channels):
        p = 0.5 + 0.25 * np.sin(7 * x + c) * np.cos(5 * y - c)
        p += 0.2 * ((x - 0.4) ** 2 + (y - 0.3) ** 2 < 0.04) - 0.15 * ((x + y) % 0.25 < 0.05)
        p += 0.05 * np.sin(90 * x * (1 + y)) + 0.01 * r.standard_normal((h, w))
        planes.append(p)
    return np.clip(np.stack(planes, axis=2), 0, 1)


def cartoon(w, h, channels, seed):
    """Few colours: stripes, boxes and letters of noise, for palettes, LZ77 and patches."""
    r = np.random.default_rng(seed)
    colours = r.integers(0, 256, (13, channels))
    index = (np.mgrid[0:h, 0:w][0] // 9 + np.mgrid[0:h, 0:w][1] // 17) % 7
    glyph = r.integers(0, 2, (7, 5)) * 9
    for j in range(0, h - 8, 11):
        for i in range(0, w - 8, 8):
            index[j:j + 7, i:i + 5] = np.maximum(index[j:j + 7, i:i + 5], glyph)
    return colours[index]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(path, a, bits, icc=None):
    h, w, c = a.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[c]
    rows = a.astype(">u2" if bits == 16 else "u1").reshape(h, -1).view("u1").reshape(h, -1)
    raw = b"".join(b"\0" + r.tobytes() for r in rows)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, kind, 0, 0, 0)))
        if icc:
            f.write(chunk(b"iCCP", b"p\0\0" + zlib.compress(icc)))
        f.write(chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def write_pnm(path, a, depth):
    """This encoder takes samples as fractions of 255 or 65535, whatever the header says is the largest."""
    h, w, c = a.shape
    top = (1 << depth) - 1
    a = np.round(a * ((65535 if depth > 8 else 255) / top))
    with open(path, "wb") as f:
        f.write(b"%s\n%d %d\n%d\n" % (b"P5" if c == 1 else b"P6", w, h, top))
        f.write(a.astype(">u2" if depth > 8 else "u1").tobytes())


def write_pfm(path, a):
    h, w, c = a.shape
    with open(path, "wb") as f:
        f.write(b"%s\n%d %d\n-1.0\n" % (b"Pf" if c == 1 else b"PF", w, h))
        f.write(a[::-1].astype("<f4").tobytes())


def encode(name, source, *options):
    out = os.path.join(OUT, name + ".jxl")
    subprocess.run(["cjxl", source, out, "--quiet", *options], check=True, stderr=subprocess.DEVNULL)
    return out


def lossless(name, a, bits, *options, container=False):
    """Encode integer samples `a` (h, w, c) without loss and note their hash."""
    top = (1 << bits) - 1
    if a.dtype.kind == "f":
        a = np.round(a * top)
    a = a.astype(np.uint16 if bits > 8 else np.uint8)
    if bits == 16 and a.shape[2] in (2, 4):
        # This encoder stores the alpha of a 16-bit source in 8 bits.
        a[:, :, -1] = a[:, :, -1] // 257 * 257
    if bits in (8, 16):
        source = os.path.join(TMP, name + ".png")
        write_png(source, a, bits)
    else:
        source = os.path.join(TMP, name + (".pgm" if a.shape[2] == 1 else ".ppm"))
        write_pnm(source, a, bits)
    encode(name, source, "-d", "0", "-m", "1", "--container=1" if container else "--container=0", *options)
    h, w, c = a.shape
    expected.append((name, w, h, c, bits, hashlib.sha256(a.tobytes()).hexdigest()))


def lossless_float(name, a, *options):
    a = a.astype("<f4")
    source = os.path.join(TMP, name + ".pfm")
    write_pfm(source, a)
    encode(name, source, "-d", "0", "-m", "1", "--container=0", *options)
    h, w, c = a.shape
    expected.append((name, w, h, c, 32, hashlib.sha256(a.tobytes()).hexdigest()))


def box(kind, payload, size=None):
    n = len(payload) + 8
    if size == "extended":
        return struct.pack(">I", 1) + kind + struct.pack(">Q", n + 8) + payload
    return struct.pack(">I", 0 if size == "open" else n) + kind + payload


class Bits:
    """Pairs of a value and how many bits it takes, the lowest first."""
    def __init__(self, *fields):
        self.value, self.count = 0, 0
        for value, count in fields:
            self.value |= value << self.count
            self.count += count

    def bytes(self):
        return self.value.to_bytes((self.count + 7) // 8, "little")


SIGNATURE = bytes.fromhex("0000000c4a584c200d0a870a")


def ftyp(version=0):
    return box(b"ftyp", b"jxl " + struct.pack(">I", version) + b"jxl ")


def boxed(name, base, *boxes):
    """A container around the codestream of stream `base`, with the same expected samples."""
    with open(os.path.join(OUT, name + ".jxl"), "wb") as f:
        f.write(SIGNATURE + b"".join(boxes))
    w, h, c, bits, digest = next(e[1:] for e in expected if e[0] == base)
    expected.append((name, w, h, c, bits, digest))


photo = picture(96, 71, 3, 1)
# Every predictor (14 = best of a set, 15 = any), fixed RCT so that trees differ only by predictor.
for p in range(14):
    lossless(f"predictor{p:02}", picture(61, 43, 3, p), 8, "-P", str(p), "-e", "5", "-C", "6")
lossless("predictor_any", photo, 8, "-P", "15", "-e", "8")
# Tree shapes: fast lossless, gradient only, weighted tables, learned trees, previous channels.
big = picture(300, 270, 3, 2)
for e in (1, 2, 3, 4, 5, 7, 9):
    lossless(f"effort{e}", big[:137, :290] if e > 4 else big, 8, "-e", str(e), "-g", "0")
lossless("no_tree", photo, 8, "-I", "0", "-e", "6")
lossless("previous_channels", picture(90, 70, 4, 3), 8, "-E", "3", "-e", "9", "-I", "100")
# Reversible colour transforms: a permutation of each kind, and YCoCg.
for c in (0, 1, 2, 3, 4, 5, 6, 10, 18, 24, 33, 41):
    lossless(f"rct{c:02}", picture(53, 37, 3, 20 + c), 8, "-C", str(c), "-e", "4")
# Palettes: global over all channels, per channel, per group, lossy with deltas.
flat = cartoon(220, 150, 3, 4)
lossless("palette", flat, 8, "-e", "7")
lossless("palette_alpha", cartoon(150, 140, 4, 5), 8, "-e", "7", "-g", "0")
lossless("palette_channel", (cartoon(140, 150, 3, 6) // 40) * 40, 8, "-X", "100", "-Y", "0", "--modular_palette_colors=0", "-e", "5")
lossless("palette_group", (cartoon(280, 150, 3, 7) // 40) * 40, 8, "-X", "0", "-Y", "100", "--modular_palette_colors=0", "-e", "5", "-g", "0")
lossless("lz77", cartoon(260, 190, 3, 8), 8, "-e", "9", "-I", "0", "--modular_palette_colors=0", "-P", "0")
# Squeeze, one and several groups, odd sizes.
lossless("squeeze", picture(77, 59, 3, 9), 8, "-R", "1")
lossless("squeeze_groups", picture(290, 150, 3, 10), 8, "-R", "1", "-g", "0")
lossless("squeeze_gray", picture(33, 1, 1, 11), 8, "-R", "1")
# Bit depths and channels.
for bits in (1, 2, 4, 7, 9, 10, 12, 14, 15, 16):
    lossless(f"bits{bits:02}", picture(45, 39, 3, 30 + bits), bits, "-e", "4" if bits % 2 else "7")
lossless("gray", picture(70, 50, 1, 12), 8)
lossless("gray_alpha", picture(70, 50, 2, 13), 8)
lossless("rgba", picture(140, 60, 4, 14), 8, "-g", "0")
lossless("rgba16", picture(50, 60, 4, 15), 16)
lossless("one_pixel", picture(1, 1, 3, 16), 8)
lossless("one_row", picture(300, 1, 3, 17), 8, "-g", "0")
lossless("one_column", picture(1, 300, 3, 18), 8, "-g", "0", "-e", "3")
lossless("group512", picture(530, 40, 3, 19), 8, "-g", "2", "-e", "2")
lossless("group1024", picture(1030, 20, 3, 20), 8, "-g", "3", "-e", "3")
lossless_float("float32", picture(41, 33, 3, 21) * 3 - 1)
lossless_float("float32_gray", picture(41, 33, 1, 22))
# Container forms.
lossless("centre_first", picture(290, 260, 3, 23), 8, "-g", "0", "--group_order=1", "-e", "2")
lossless("container", picture(40, 30, 3, 24), 8, "-e", "3", container=True)
bare = open(os.path.join(OUT, "centre_first.jxl"), "rb").read()
cuts = [0, 1, 17, 60, len(bare) // 2, len(bare)]
parts = [bare[a:b] for a, b in zip(cuts, cuts[1:])]


def part(i, last=False):
    return box(b"jxlp", struct.pack(">I", i | (last << 31)) + parts[i])


n = len(parts)
small = open(os.path.join(OUT, "predictor05.jxl"), "rb").read()
boxed("box_parts", "centre_first", ftyp(), *(part(i, i == n - 1) for i in range(n)))
boxed("box_parts_out_of_order", "centre_first", ftyp(1), part(n - 1, True), *(part(i) for i in (1, 0, 3, 2)))
boxed("box_no_last_flag", "centre_first", ftyp(), *(part(i) for i in range(n)))
boxed("box_extended_size", "predictor05", ftyp(), box(b"jxlc", small, "extended"))
boxed("box_open_size", "predictor05", ftyp(), box(b"free", b""), box(b"jxlc", small, "open"))
boxed("box_metadata", "predictor05", ftyp(), box(b"jxll", b"\x0a"), box(b"Exif", b"\0\0\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
      box(b"xml ", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"), box(b"jxlc", small), box(b"abcd", b"unknown"), b"trailing bytes")

# Compressed boxes, an Exif structure that does not begin at once, and a gain map with a codestream of its own.
TIFF = b"II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0\x08\0\0\0\x1a\0\0\0\0\0\0\0a scene\0"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b"<!-- a scene -->" * 20 + b"</x:xmpmeta>"
JUMBF = box(b"jumd", bytes.fromhex("786d6c2000110010800000aa00389b71") + b"\x03a scene\0") + box(b"xml ", b"<scene/>")


def brob(kind, payload):
    return box(b"brob", kind + brotli.compress(payload))


boxed("box_brob", "predictor05", ftyp(), brob(b"Exif", b"\0\0\0\2.." + TIFF), box(b"jxlc", small), brob(b"xml ", XMP), brob(b"jumb", JUMBF))
ratios = [(0, 1), (5, 2), (0, 1), (5, 2), (1, 1), (1, 64), (1, 64)]
metadata = struct.pack(">HHB", 0, 0, 0x40) + b"".join(struct.pack(">iI", *r) for r in ratios)
# Display P3 with linear light: not default, no ICC, RGB, D65, primaries 11, no gamma, transfer function 8, relative.
p3_linear = Bits((0, 1), (0, 1), (0, 2), (1, 2), (2, 2), (9, 4), (0, 1), (2, 2), (6, 4), (1, 2)).bytes()
gains = open(os.path.join(OUT, "gray.jxl"), "rb").read()
gain_map = b"\0" + struct.pack(">H", len(metadata)) + metadata + bytes([len(p3_linear)]) + p3_linear + bytes(4) + gains
boxed("box_gain_map", "predictor05", ftyp(), box(b"jxlc", small), box(b"jhgm", gain_map))

# A preview: the header of one stream rewritten to announce it, its frame from another stream with the same header.
for name, (w, h), seed in (("preview_frame", (24, 8), 29), ("preview_none", (61, 43), 30)):
    source = os.path.join(TMP, name + ".png")
    write_png(source, np.round(picture(w, h, 3, seed) * 255).astype("u1"), 8)
    encode(name, source, "--container=0", "-d", "1")
# 8-bit integers, 16-bit buffers, no extra channels, XYB; sRGB with perceptual intent; no extensions, default transform.
samples = [(0, 1), (0, 2), (1, 1), (0, 2), (1, 1)]
srgb = [(0, 1), (0, 1), (0, 2), (1, 2), (1, 2), (0, 1), (2, 2), (11, 4), (0, 2)]
end = [(0, 2), (1, 1)]
frames = []
for name, (w, h) in (("preview_frame", (24, 8)), ("preview_none", (61, 43))):
    multiple = w % 8 == h % 8 == 0
    size = [(1, 1), (h // 8 - 1, 5), (0, 3), (w // 8 - 1, 5)] if multiple else [(0, 1), (0, 2), (h - 1, 9), (0, 3), (0, 2), (w - 1, 9)]
    stream = open(os.path.join(OUT, name + ".jxl"), "rb").read()
    header = b"\xff\x0a" + Bits(*size, (0, 2), *samples, *srgb, *end).bytes()
    assert stream.startswith(header), name
    frames.append(stream[len(header):])
# Extra fields: orientation 1, no intrinsic size, a preview of 1 x 8 rows and 3 x 8 columns, no animation; default tone mapping.
extra = [(0, 3), (0, 1), (1, 1), (1, 1), (2, 2), (0, 5), (0, 3), (2, 2), (2, 5), (0, 1)]
header = Bits(*size, (0, 1), (1, 1), *extra, *samples, *srgb, (1, 1), *end).bytes()
with open(os.path.join(OUT, "preview.jxl"), "wb") as f:
    f.write(b"\xff\x0a" + header + b"".join(frames))

# Colours, for conversions: wide and HDR encodings, a profile that no names describe.
def write_apng(path, frames, loops):
    """`frames`: canvas-sized or cropped RGBA pictures with x, y, delay in hundredths, and whether they blend."""
    h, w, _ = frames[0][0].shape
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 6, 0, 0, 0)))
        f.write(chunk(b"acTL", struct.pack(">II", len(frames), loops)))
        sequence = 0
        for i, (a, x, y, delay, blends) in enumerate(frames):
            h, w, _ = a.shape
            f.write(chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, w, h, x, y, delay, 100, 0, blends)))
            data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in a.astype("u1")))
            sequence += 1 if i == 0 else 2
            f.write(chunk(b"IDAT", data) if i == 0 else chunk(b"fdAT", struct.pack(">I", sequence - 1) + data))
        f.write(chunk(b"IEND", b""))


def matrix_profile():
    """A version 2 RGB profile with curves of seven points, which is no encoding with a name."""
    def xyz(*v):
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(x * 65536)) for x in v)
    curve = b"curv\0\0\0\0" + struct.pack(">I7H", 7, 0, 900, 5000, 14000, 27000, 44000, 65535) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78) + b"\0"
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0CC0\0"), (b"wtpt", xyz(0.9642, 1, 0.8249)),
            (b"rXYZ", xyz(0.50, 0.25, 0.01)), (b"gXYZ", xyz(0.32, 0.68, 0.09)), (b"bXYZ", xyz(0.1442, 0.07, 0.7249)),
            (b"rTRC", curve), (b"gTRC", curve), (b"bTRC", curve)]
    table, data, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, body in tags:
        body += bytes(-len(body) % 4)
        table += name + struct.pack(">II", at + len(data), len(body))
        data += body
    header = struct.pack(">I4sI4s4s4s6H4s4s20xI3I48x", at + len(data), b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ",
                         2024, 1, 1, 0, 0, 0, b"acsp", b"none", 0, 0xF6D6, 0x10000, 0xD32D)
    return header + struct.pack(">I", len(tags)) + table + data


def coloured(name, a, space, *options):
    source = os.path.join(TMP, name + ".ppm")
    write_pnm(source, np.round(a * 65535), 16)
    encode(name, source, "--container=0", "-x", "color_space=" + space, *options)


scene = picture(72, 56, 3, 25)
coloured("colour_p3", scene, "RGB_D65_DCI_Rel_SRG", "-d", "1")
coloured("colour_pq", scene * 0.75, "RGB_D65_202_Rel_PeQ", "-d", "1")
coloured("colour_pq_lossless", scene * 0.75, "RGB_D65_202_Rel_PeQ", "-d", "0")
coloured("colour_hlg_lossless", scene, "RGB_D65_202_Rel_HLG", "-d", "0")
for name, options in (("colour_icc", ("-d", "0")), ("colour_icc_lossy", ("-d", "1"))):
    source = os.path.join(TMP, name + ".png")
    write_png(source, np.round(scene * 255), 8, matrix_profile())
    encode(name, source, "--container=0", *options)
# An animation of a canvas and two crops, the first of which blends; played three times.
canvas = np.round(picture(60, 44, 4, 26) * 255).astype("u1")
crops = [np.round(picture(20, 16, 4, 27) * 255).astype("u1"), np.round(picture(30, 10, 4, 28) * 255).astype("u1")]
source = os.path.join(TMP, "animation.png")
write_apng(source, [(canvas, 0, 0, 10, 0), (crops[0], 7, 5, 25, 1), (crops[1], 30, 34, 7, 0)], 3)
encode("animation", source, "-d", "0", "-m", "1", "--container=0")
# An animation with two keyframes: the first frame and the fourth replace all that is before, the others are crops.
second = np.round(picture(60, 44, 4, 31) * 255).astype("u1")
source = os.path.join(TMP, "animation_keyframes.png")
write_apng(source, [(canvas, 0, 0, 10, 0), (crops[0], 7, 5, 25, 1), (crops[1], 30, 34, 7, 0), (second, 0, 0, 5, 0),
                    (crops[0], 20, 9, 12, 1)], 1)
encode("animation_keyframes", source, "-d", "0", "-m", "1", "--container=0")

with open(os.path.join(OUT, "expected.tsv"), "w") as f:
    f.write("# name\twidth\theight\tchannels\tbits\tsha256 of the samples\n")
    f.writelines("\t".join(map(str, e)) + "\n" for e in expected)
