#!/usr/bin/env python3
"""Make the streams of this folder anew: JPEGs by cjpeg, jpegtran, ImageMagick, exiftool and by hand, transcoded without loss.

usage: make.py OUT_FOLDER        writes *.jxl and expected.tsv (bytes and SHA-256 of each JPEG)

The picture and the ICC profile are those of ../effort7.jxl and ../colour_icc.jxl. Each stream is checked to give its JPEG
back with djxl. Needs numpy, and of Debian libjxl-tools (0.7), libjpeg-turbo-progs, imagemagick, exiftool.
"""
import hashlib, os, struct, subprocess, sys, tempfile, zlib
import numpy as np

HERE, OUT, TMP = os.path.dirname(os.path.abspath(__file__)), sys.argv[1], tempfile.mkdtemp()
os.makedirs(OUT, exist_ok=True)
expected = []


def run(*command, data=None):
    return subprocess.run(command, input=data, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(name, data):
    path = os.path.join(TMP, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def ppm(a):
    return b"P%d\n%d %d\n255\n" % (5 if a.ndim == 2 else 6, a.shape[1], a.shape[0]) + a.astype("u1").tobytes()


def decoded(name):
    """The picture of a stream beside this folder as an array, and its ICC profile."""
    path = os.path.join(TMP, name + ".png")
    run("djxl", os.path.join(HERE, "..", name + ".jxl"), path)
    png, at, profile = read(path), 8, None
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        if kind == b"iCCP":
            profile = zlib.decompress(png[at + 8:at + 8 + length].split(b"\0", 1)[1][1:])
        at += 12 + length
    pixels = run("convert", path, "-depth", "8", "ppm:-")
    size = tuple(map(int, pixels.split()[1:3]))
    return np.frombuffer(pixels[-3 * size[0] * size[1]:], "u1").reshape(size[1], size[0], 3), profile


def keep(name, jpeg):
    """Transcodes a JPEG, and keeps the stream and what must come back."""
    source, stream = write(name + ".jpg", jpeg), os.path.join(OUT, name + ".jxl")
    run("cjxl", source, stream, "--quiet", "--lossless_jpeg=1")
    back = os.path.join(TMP, "back.jpg")
    run("djxl", stream, back)
    assert read(back) == jpeg, name
    expected.append((name, len(jpeg), hashlib.sha256(jpeg).hexdigest()))


def cjpeg(pixels, *options):
    return run("cjpeg", *options, data=ppm(pixels))


def tran(jpeg, *options):
    return run("jpegtran", *options, data=jpeg)


def segments(jpeg):
    """The segments of a JPEG, each with the entropy-coded data that follow it."""
    parts, at = [], 2
    while jpeg[at:at + 2] != b"\xff\xd9":
        end = at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        if jpeg[at + 1] == 0xDA:
            while jpeg[end] != 0xFF or jpeg[end + 1] in range(0xD0, 0xD8) or jpeg[end + 1] == 0:
                end += 1
        parts.append(jpeg[at:end])
        at = end
    return parts


def joined(parts):
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


scene, _ = decoded("effort7")
_, profile = decoded("colour_icc")
big = np.tile(scene, (4, 4, 1))[:290, :300]
scene = scene[:77, :101]
gray = scene[:, :, 1]

# Subsampling, baseline and progressive, standard and optimised tables.
for name, factors in (("444", "1x1"), ("420", "2x2"), ("422", "2x1"), ("440", "1x2")):
    keep("baseline_" + name, cjpeg(scene, "-sample", factors))
    keep("progressive_" + name, cjpeg(scene, "-sample", factors, "-progressive", "-quality", "90"))
keep("optimized_420", cjpeg(scene, "-optimize", "-quality", "95"))
keep("luma_subsampled", cjpeg(scene, "-sample", "1x1,2x2,1x1"))
keep("mixed_sampling", cjpeg(scene, "-sample", "2x1,1x2,1x1", "-progressive"))
keep("sampled_alike", cjpeg(scene, "-sample", "1x2,1x2,1x2"))
keep("rgb", cjpeg(scene, "-rgb"))
keep("rgb_progressive", cjpeg(scene, "-rgb", "-progressive", "-restart", "20B"))
keep("gray", cjpeg(gray, "-grayscale"))
keep("gray_progressive", cjpeg(gray, "-grayscale", "-progressive"))
keep("gray_2x2", cjpeg(gray, "-grayscale", "-sample", "2x2", "-restart", "3B"))
# Several groups.
keep("groups_420", cjpeg(big, "-quality", "35"))
keep("groups_444", cjpeg(big, "-quality", "35", "-sample", "1x1", "-progressive"))
# Restarts.
keep("restart_1", cjpeg(scene, "-restart", "1B"))
keep("restart_progressive", cjpeg(scene, "-restart", "5B", "-progressive"))
# Scripts of scans.
script = write("partly.txt", b"0;\n1 2;\n")
keep("scans_partly_interleaved", cjpeg(scene, "-scans", script))
script = write("deep.txt", b"0,1,2: 0-0, 0, 3;\n0: 1-5, 0, 4;\n0: 6-63, 0, 4;\n1: 1-63, 0, 2;\n2: 1-63, 0, 2;\n0: 1-63, 4, 3;\n"
               b"0: 1-63, 3, 2;\n0,1,2: 0-0, 3, 2;\n0: 1-63, 2, 1;\n0,1,2: 0-0, 2, 1;\n1: 1-63, 2, 1;\n2: 1-63, 2, 1;\n"
               b"0: 1-63, 1, 0;\n1: 1-63, 1, 0;\n2: 1-63, 1, 0;\n0,1,2: 0-0, 1, 0;\n")
keep("scans_deep", cjpeg(scene, "-scans", script, "-quality", "97"))
# Quantisation tables: of 16 bits; three of them.
keep("tables_16bit", cjpeg(scene, "-quality", "3"))
tables = write("tables.txt", "\n".join(" ".join(str(2 + k * (t + 1) // 4) for k in range(64)) for t in range(3)).encode())
keep("tables_three", cjpeg(scene, "-qtables", tables, "-qslots", "0,1,2"))
# Sizes.
for w, h in ((1, 1), (8, 8), (9, 9), (17, 9)):
    keep(f"size_{w}x{h}", cjpeg(scene[:h, :w]))
# Metadata.
jpeg = cjpeg(scene, "-icc", write("test.icc", profile), "-quality", "60")
keep("icc", jpeg)
path = write("exif.jpg", jpeg)
run("exiftool", "-q", "-overwrite_original", "-Artist=A painter", "-ImageDescription=The scene", "-XMP:Title=The scene",
    "-Comment=a comment", path)
keep("exif_xmp_icc", read(path))
keep("magick", run("convert", "ppm:-", "-sampling-factor", "4:2:0", "-quality", "80", "-set", "comment", "by hand", "jpg:-",
                   data=ppm(scene)))
keep("magick_interlaced", run("convert", "ppm:-", "-interlace", "JPEG", "-quality", "50", "jpg:-", data=ppm(scene)))
keep("tran_rotated", tran(cjpeg(scene, "-sample", "2x1"), "-rotate", "90", "-optimize", "-trim"))
# By hand: bytes after the end and between segments, a comment, a stray restart marker.
small = segments(cjpeg(scene[:33, :41], "-quality", "50"))
first_dht = next(i for i, part in enumerate(small) if part[1] == 0xC4)
for length in (1, 256, 257, 65792, 65793):
    keep(f"tail_{length}", joined(small) + bytes(i % 251 for i in range(length)))
keep("between", joined(small[:2] + [b"some bytes"] + small[2:first_dht] + [b"\xff\xfe\0\6text", b"\xff\xd3"] + small[first_dht:]))


class Bits:
    """Bits, most significant first, stuffed."""

    def __init__(self):
        self.string = []

    def put(self, value, count):
        self.string += [value >> (count - 1 - i) & 1 for i in range(count)]

    def done(self, padding):
        missing = -len(self.string) % 8
        string = "".join(map(str, self.string + padding[:missing]))
        return bytes(int(string[i:i + 8], 2) for i in range(0, len(string), 8)).replace(b"\xff", b"\xff\0")


def codes(table):
    """Codes of a table as it is written: 16 counts, then the symbols."""
    code, at, found = 0, 16, {}
    for length in range(1, 17):
        for symbol in table[at:at + table[length - 1]]:
            found[symbol] = (code, length)
            code += 1
        at += table[length - 1]
        code <<= 1
    return found


def made(blocks, scans, tables, marker, quant=(0,)):
    """A gray JPEG of 8 x 8 blocks in a row, of given scans."""
    segments = b"".join(b"\xff\xdb\0\x43" + bytes([number]) + bytes([5] * 64) for number in quant)
    frame = b"\xff" + bytes([marker]) + struct.pack(">HBHHBBBB", 11, 8, 8, 8 * blocks, 1, 1, 0x11, quant[0])
    huffman = b"".join(b"\xff\xc4" + struct.pack(">H", 3 + len(t)) + bytes([c]) + t for c, t in tables)
    return joined([segments, frame, huffman] + [b"\xff\xda\0\x08\1\1\0" + bytes(header) + data for header, data in scans])


DC = bytes([0, 1, 5] + [0] * 13) + bytes([2, 0, 1, 3, 4, 5])
AC = bytes([0, 2, 1, 2] + [0] * 12) + bytes([0x01, 0x00, 0x02, 0xF0, 0x10])
dc, ac = codes(DC), codes(AC)


def gray_scan(count, padding, runs=0):
    """Blocks of a DC difference, one coefficient, and runs of zeros before the end of every third block."""
    bits = Bits()
    for i in range(count):
        bits.put(*dc[1])
        bits.put(i & 1, 1)
        bits.put(*ac[1])
        bits.put(1, 1)
        if i % 3 == 0:
            for _ in range(runs):
                bits.put(*ac[0xF0])
        bits.put(*ac[0])
    return bits.done(padding)


both = ((0x00, DC), (0x10, AC))
for name, padding in (("zeros", [0] * 7), ("01", [0, 1] * 4), ("10", [1, 0] * 4)):
    keep("padding_" + name, made(15, [((0, 63, 0), gray_scan(15, padding))], both, 0xC0))
keep("zero_runs", made(15, [((0, 63, 0), gray_scan(15, [1] * 7, runs=2))], both, 0xC0))
# Sequential scans that announce another spectrum than they have.
keep("odd_spectrum", made(15, [((0, 0, 0), gray_scan(15, [1] * 7))], both, 0xC0))


def dc_scan(count):
    bits = Bits()
    for i in range(count):
        bits.put(*dc[2 if i == 0 else 0])
        if i == 0:
            bits.put(3, 2)
    return bits.done([1] * 7)


def empty_scan(table, runs):
    bits = Bits()
    for run in runs:
        k = run.bit_length() - 1
        bits.put(*table[k << 4])
        bits.put(run & ((1 << k) - 1), k)
    return bits.done([1] * 7)


RUNS = bytes([0, 0, 3, 5, 7] + [0] * 11) + bytes([k << 4 for k in range(15)])
table = ((0x00, DC), (0x10, RUNS))
runs = codes(RUNS)
# End-of-band runs: broken early, and as long as they can be.
keep("runs_broken", made(40, [((0, 0, 0), dc_scan(40)), ((1, 63, 0), empty_scan(runs, [7, 1, 20, 12]))], table, 0xC2))
count = 8191
wide = made(count, [((0, 0, 0), dc_scan(5 * count)), ((1, 63, 0), empty_scan(runs, [32767, 5 * count - 32767]))], table, 0xC2)
at = wide.index(b"\xff\xc2") + 5
keep("runs_longest", wide[:at] + struct.pack(">H", 40) + wide[at + 2:])
# Tables that nobody uses, in another order than their numbers.
keep("tables_unused", made(15, [((0, 63, 0), gray_scan(15, [1] * 7))], both, 0xC0, quant=(3, 0)))

with open(os.path.join(OUT, "expected.tsv"), "w") as f:
    f.write("# name\tbytes of the JPEG\tSHA-256\n")
    f.writelines("\t".join(map(str, e)) + "\n" for e in expected)
