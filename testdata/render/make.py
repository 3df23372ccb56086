#!/usr/bin/env python3
"""Make the files of this folder that an encoder makes, and their samples: libjxl 0.7 by its C interface, `djxl` 0.7.

usage: make.py OUT_FOLDER        writes *.jxl but render-*.jxl, and djxl.txt

Needs numpy and Debian's libjxl0.7 and libjxl-tools. The scenes are those of `../make.py`.
"""
import ctypes as c, os, struct, subprocess, sys, tempfile
import numpy as np

OUT = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
jxl = c.CDLL("libjxl.so.0.7")
exec(open(os.path.join(HERE, "../make.py")).read().split("\ndef chunk")[0].split("expected = []")[1])

u32, i32, f32 = c.c_uint32, c.c_int32, c.c_float


def struct_of(name, **fields):
    return type(name, (c.Structure,), {"_fields_": list(fields.items())})


Animation = struct_of("Animation", numerator=u32, denominator=u32, num_loops=u32, have_timecodes=c.c_int)
BasicInfo = struct_of(
    "BasicInfo", have_container=c.c_int, xsize=u32, ysize=u32, bits=u32, exponent_bits=u32, intensity_target=f32,
    min_nits=f32, relative=c.c_int, linear_below=f32, uses_original_profile=c.c_int, have_preview=c.c_int,
    have_animation=c.c_int, orientation=u32, num_color=u32, num_extra=u32, alpha_bits=u32, alpha_exponent_bits=u32,
    alpha_premultiplied=c.c_int, preview=u32 * 2, animation=Animation, intrinsic=u32 * 2, padding=c.c_uint8 * 100)
Extra = struct_of("Extra", type=u32, bits=u32, exponent_bits=u32, dim_shift=u32, name_length=u32,
                  alpha_premultiplied=c.c_int, spot=f32 * 4, cfa=u32)
Blend = struct_of("Blend", mode=u32, source=u32, alpha=u32, clamp=c.c_int)
Frame = struct_of("Frame", duration=u32, timecode=u32, name_length=u32, is_last=c.c_int, have_crop=c.c_int, x0=i32,
                  y0=i32, xsize=u32, ysize=u32, blend=Blend, save_as_reference=u32)
PixelFormat = struct_of("PixelFormat", channels=u32, type=u32, endianness=u32, align=c.c_size_t)
ColourEncoding = struct_of("ColourEncoding", bytes=c.c_uint8 * 256)

for name in ("EncoderCreate", "EncoderFrameSettingsCreate"):
    getattr(jxl, "Jxl" + name).restype = c.c_void_p
ALPHA, DEPTH, SPOT, MASK, BLACK, CFA, THERMAL = range(7)
RESAMPLING, EXTRA_RESAMPLING, NOISE, PATCHES, PROGRESSIVE_DC = 2, 3, 5, 8, 19
REPLACE, ADD, BLEND, MULADD, MUL = range(5)


def call(name, *arguments):
    if getattr(jxl, "Jxl" + name)(*arguments):
        raise RuntimeError(name)


def encode(name, frames, extra=(), distance=0.0, options=(), icc=None, animation=None, gray=False,
           associated=False):
    """`frames`: (samples of 16 bits (h, w, colours + extra), facts: name, crop, blend, blends of extra channels ...).

    `extra`: (type, name, bits, fields) of each extra channel."""
    encoder, level = c.c_void_p(jxl.JxlEncoderCreate(None)), 10
    jxl.JxlEncoderUseContainer(encoder, 0)
    info = BasicInfo()
    jxl.JxlEncoderInitBasicInfo(c.byref(info))
    info.ysize, info.xsize = frames[0][0].shape[:2]
    info.bits, info.num_color, info.num_extra = 16, 1 if gray else 3, len(extra)
    info.uses_original_profile = int(distance == 0)
    info.alpha_bits = 16 if any(kind == ALPHA for kind, *_ in extra) else 0
    if animation:
        info.have_animation, info.animation = 1, Animation(*animation)
    jxl.JxlEncoderSetCodestreamLevel(encoder, level)
    call("EncoderSetBasicInfo", encoder, c.byref(info))
    if icc:
        call("EncoderSetICCProfile", encoder, icc, c.c_size_t(len(icc)))
    else:
        encoding = ColourEncoding()
        jxl.JxlColorEncodingSetToSRGB(c.byref(encoding), int(gray))
        call("EncoderSetColorEncoding", encoder, c.byref(encoding))
    for index, (kind, label, bits, fields) in enumerate(extra):
        channel = Extra()
        jxl.JxlEncoderInitExtraChannelInfo(kind, c.byref(channel))
        channel.bits = bits
        for field, value in fields.items():
            setattr(channel, field, value)
        call("EncoderSetExtraChannelInfo", encoder, c.c_size_t(index), c.byref(channel))
        call("EncoderSetExtraChannelName", encoder, c.c_size_t(index), label.encode(), c.c_size_t(len(label)))
    colours = info.num_color
    for number, (samples, facts) in enumerate(frames):
        settings = c.c_void_p(jxl.JxlEncoderFrameSettingsCreate(encoder, None))
        if distance == 0:
            call("EncoderSetFrameLossless", settings, 1)
        else:
            call("EncoderSetFrameDistance", settings, f32(distance))
        for option, value in options:
            if option == NOISE:
                call("EncoderFrameSettingsSetFloatOption", settings, option, f32(value))
            else:
                call("EncoderFrameSettingsSetOption", settings, option, c.c_int64(value))
        header = Frame()
        jxl.JxlEncoderInitFrameHeader(c.byref(header))
        header.duration, header.timecode = facts.get("duration", 0), facts.get("timecode", 0)
        header.save_as_reference = facts.get("save", 0)
        if "at" in facts:
            header.have_crop = 1
            header.x0, header.y0 = facts["at"]
            header.ysize, header.xsize = samples.shape[:2]
        header.blend = Blend(*facts.get("blend", (REPLACE, 0, 0, 0)))
        call("EncoderSetFrameHeader", settings, c.byref(header))
        for index in range(len(extra)):
            blend = Blend(*facts.get("extra_blend", facts.get("blend", (REPLACE, 0, 0, 0))))
            call("EncoderSetExtraChannelBlendInfo", settings, c.c_size_t(index), c.byref(blend))
        if "name" in facts:
            call("EncoderSetFrameName", settings, facts["name"].encode())
        samples = samples.astype("<u2")
        pixels = PixelFormat(colours, 3, 1, 0)
        data = np.ascontiguousarray(samples[:, :, :colours]).tobytes()
        call("EncoderAddImageFrame", settings, c.byref(pixels), data, c.c_size_t(len(data)))
        for index in range(len(extra)):
            plane = PixelFormat(1, 3, 1, 0)
            data = np.ascontiguousarray(samples[:, :, colours + index]).tobytes()
            call("EncoderSetExtraChannelBuffer", settings, c.byref(plane), data, c.c_size_t(len(data)), index)
    jxl.JxlEncoderCloseInput(encoder)
    room = c.create_string_buffer(1 << 22)
    to, left = c.c_void_p(c.addressof(room)), c.c_size_t(len(room))
    call("EncoderProcessOutput", encoder, c.byref(to), c.byref(left))
    stream = room.raw[:len(room) - left.value]
    with open(os.path.join(OUT, name + ".jxl"), "wb") as f:
        f.write(with_associated_alpha(stream) if associated else stream)
    jxl.JxlEncoderDestroy(encoder)


def with_associated_alpha(stream):
    """Sets the flag that says so in the header; this encoder fails to."""
    start = stream.index(b"\xff\x0a")
    head = stream[start:start + 40]
    bits = int.from_bytes(head, "little")
    # Not all default, alpha, 16-bit integers, no dim_shift, no name, not associated; lowest bit first.
    field = "0" "00" "0" "11" "111100" "00" "00" "0"
    text = f"{bits:0320b}"[::-1]
    assert text.count(field) == 1
    bits |= 1 << (text.index(field) + len(field) - 1)
    return stream.replace(head, bits.to_bytes(40, "little"))


def scene(w, h, channels, seed):
    return np.round(picture(w, h, channels, seed) * 65535)


def text(w, h, seed):
    """Dark letters, a few shapes again and again, on white."""
    r = np.random.default_rng(seed)
    page = np.full((h, w, 3), 65535.0)
    glyphs = [np.kron(r.integers(0, 2, (5, 3)) | np.array([[1], [0], [1], [0], [1]]), np.ones((2, 2))) for _ in range(5)]
    for y in range(6, h - 14, 18):
        for x in range(6, w - 10, 12):
            page[y:y + 10, x:x + 6] -= (glyphs[r.integers(5)] * 60000)[:, :, None]
    return page


def cmyk_profile():
    """A version 2 profile of four inks that multiply, as a table of the sixteen solids in Lab."""
    matrix = np.array([[0.43607, 0.38515, 0.14308], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
    white = matrix.sum(axis=1)

    def lab(rgb):
        t = matrix @ rgb / white
        x, y, z = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
        return [(116 * y - 16) / 100 * 65280, (500 * (x - y) + 128) / 255 * 65280, (200 * (y - z) + 128) / 255 * 65280]

    table = b""
    for i in range(16):
        inks = np.array([i >> 3 & 1, i >> 2 & 1, i >> 1 & 1])
        table += struct.pack(">3H", *(round(v) for v in lab((1.0 - inks) * (1 - (i & 1)))))
    identity = struct.pack(">2H", 0, 65535)
    lut = b"mft2\0\0\0\0" + bytes([4, 3, 2, 0])
    lut += struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536) + struct.pack(">2H", 2, 2)
    lut += identity * 4 + table + identity * 3
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"inks\0" + bytes(79)
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0CC0\0"),
            (b"wtpt", b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)), (b"A2B0", lut)]
    start, heads, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, body in tags:
        body += bytes(-len(body) % 4)
        heads += name + struct.pack(">II", start + len(data), len(body))
        data += body
    header = struct.pack(">I4sI4s4s4s6H4s4s20xI3I48x", start + len(data), b"none", 0x02400000, b"prtr", b"CMYK", b"Lab ",
                         2024, 1, 1, 0, 0, 0, b"acsp", b"none", 0, 0xF6D6, 0x10000, 0xD32D)
    return header + struct.pack(">I", len(tags)) + heads + data


still = {}
photo = scene(67, 50, 3, 40)
for factor in (2, 4, 8):
    encode(f"upsampling_{factor}", [(photo, still)], distance=1.0, options=[(RESAMPLING, factor)])
encode("upsampling_2_alpha_4", [(scene(61, 45, 4, 41), still)], [(ALPHA, "", 16, {})], distance=1.0,
       options=[(RESAMPLING, 2), (EXTRA_RESAMPLING, 4)])
encode("noise", [(photo, still)], distance=1.0, options=[(NOISE, 6400)])
encode("noise_upsampling_2", [(photo, still)], distance=1.0, options=[(NOISE, 6400), (RESAMPLING, 2)])
encode("patches", [(text(190, 110, 42), still)], distance=1.0, options=[(PATCHES, 1)])
encode("lf_frame_noise", [(photo, still)], distance=1.0, options=[(PROGRESSIVE_DC, 1), (NOISE, 6400)])
# Layers with names, far to the left of the canvas and beyond it; each blends in its own way, some from another slot.
alpha = [(ALPHA, "", 16, {})]
layers = [(scene(48, 36, 4, 43), {"name": "paper", "save": 1}),
          (scene(30, 20, 4, 44), {"name": "Zettel über dem Rand", "at": (-9, -4), "blend": (BLEND, 1, 0, 0), "save": 2}),
          (scene(16, 16, 4, 45), {"name": "light", "at": (40, 30), "blend": (ADD, 2, 0, 0), "save": 1}),
          (scene(12, 40, 4, 46), {"name": "shade", "at": (5, 1), "blend": (MUL, 1, 0, 1), "save": 3}),
          (scene(10, 10, 4, 47), {"name": "glow", "at": (20, 12), "blend": (MULADD, 3, 0, 1)})]
encode("layers", layers, alpha)
encode("layers_premultiplied", layers[:2], alpha, associated=True)
# An animation of 30000/1001 ticks per second with time codes, names, a frame without duration, and crops.
frames = [(scene(40, 30, 3, 50), {"name": "first", "duration": 3, "timecode": 0x01020304, "save": 1}),
          (scene(12, 9, 3, 51), {"name": "unseen", "at": (3, 2), "blend": (ADD, 1, 0, 0), "save": 2}),
          (scene(9, 12, 3, 52), {"name": "second", "at": (-2, 20), "blend": (REPLACE, 2, 0, 0), "duration": 30,
                                 "timecode": 0x01020307, "save": 1}),
          (scene(20, 20, 3, 53), {"name": "third", "at": (25, 15), "blend": (MUL, 1, 0, 0), "duration": 1,
                                  "timecode": 0x01020407})]
encode("animation_timecodes", frames, animation=(30000, 1001, 2, 1))
# Extra channels of all kinds, each of its own depth; those behind alpha are numbered from 1.
kinds = [(ALPHA, "", 16, {}), (DEPTH, "far", 10, {}),
         (SPOT, "Gold", 8, {"spot": (f32 * 4)(0.8, 0.6, 0.1, 0.7)}), (MASK, "", 1, {}),
         (CFA, "", 12, {"cfa": 2}), (THERMAL, "heat", 14, {})]
encode("extra_channels", [(scene(33, 25, 9, 60), still)], kinds, associated=True)
# Solids on the left, steps of a quarter on the right.
inks = picture(40, 30, 4, 61)
inks = np.where(np.arange(40)[None, :, None] < 20, np.round(inks * 1.6 - 0.3), np.round(inks * 4) / 4)
encode("cmyk", [(np.clip(inks, 0, 1) * 65535, still)], [(BLACK, "K", 16, {})], icc=cmyk_profile())
encode("gray_alpha_lossy", [(scene(40, 30, 2, 62), still)], alpha, distance=0.5, gray=True, associated=True)


with open(os.path.join(OUT, "djxl.txt"), "w") as f:
    f.write("# Samples that djxl 0.7 decodes the streams of make.py to, written as those of expected.txt; spot colours not rendered.\n")
    for name in sorted(n[:-4] for n in os.listdir(OUT) if n.endswith(".jxl") and not n.startswith("render-")):
        with tempfile.TemporaryDirectory() as folder:
            array = os.path.join(folder, "a.npy")
            subprocess.run(["djxl", os.path.join(OUT, name + ".jxl"), array, "--norender_spotcolors", "--quiet"], check=True)
            frames = np.load(array)
        random = np.random.default_rng(len(name))
        for number, frame in enumerate(frames):
            h, w, channels = frame.shape
            f.write(f"{name} {number} {w} {h} {channels} " + " ".join(f"{v:.6f}" for v in frame.mean(axis=(0, 1), dtype=np.float64)) + "\n")
            places = [(0, 0), (w - 1, 0), (0, h - 1), (w - 1, h - 1)]
            places += [(random.integers(w), random.integers(h)) for _ in range(12)]
            for x, y in places:
                f.write(f"{x} {y} " + " ".join(f"{v:.6f}" for v in frame[y, x]) + "\n")
