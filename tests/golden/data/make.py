# SPDX-License-Identifier: Apache-2.0
"""Makes the small images of this folder and expected.json, what Pillow makes of them.

Run in this folder: python3 make.py   (needs Pillow >= 10.2 and numpy; the committed files are of Pillow 13.0.0)
The images come from formulas. PNG types that Pillow cannot write are written here.
"""
import hashlib
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def pattern(width, height, channels=3, levels=256):
    """Slopes, a checker and a circle: edges in every direction, [height, width, channels]."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        value = x * (3 + c) + y * (5 - c) + 40 * c
        value = value + 90 * ((x // 7 + y // (5 + c)) % 2)
        value = np.where((x - width // 2) ** 2 + (y - height // 2) ** 2 < (width // 4) ** 2, 255 - value, value)
        planes.append(value % levels)
    return np.stack(planes, axis=-1)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(samples, depth):
    """Filter byte 0 and the samples of each row, most significant bit first; samples [H, W, C]."""
    out = b""
    for row in samples.reshape(samples.shape[0], -1):
        if depth == 16:
            data = row.astype(">u2").tobytes()
        else:
            bits = (row[:, None].astype(np.uint8) >> np.arange(depth - 1, -1, -1)) & 1
            data = np.packbits(bits.reshape(-1).astype(np.uint8)).tobytes()
        out += b"\0" + data
    return out


def png(samples, depth, colour, interlaced=False, extra=()):
    height, width = samples.shape[:2]
    passes = [samples]
    if interlaced:
        passes = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7]
    body = b"".join(packed_rows(p, depth) for p in passes if p.size)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(k, d) for k, d in extra)
            + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b""))


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85, **options)
    return out.getvalue()


def adobe(data, transform):
    """The file with another colour transform in its Adobe marker; None takes the marker out."""
    start = data.index(b"\xff\xee")
    end = start + 2 + struct.unpack(">H", data[start + 2:start + 4])[0]
    marker = b"" if transform is None else data[start:end - 1] + bytes([transform])
    return data[:start] + marker + data[end:]


def sources():
    rgb = Image.fromarray(pattern(61, 45).astype(np.uint8))
    grey = Image.fromarray(pattern(61, 45, 1)[:, :, 0].astype(np.uint8))
    cmyk = Image.frombytes("CMYK", (40, 33), pattern(40, 33, 4).astype(np.uint8).tobytes())
    palette = bytes((i * k + 7) % 256 for i in range(16) for k in (11, 53, 101))
    files = {
        "grey.jpg": jpeg(grey),
        "yuv420.jpg": jpeg(rgb, subsampling="4:2:0"),
        "yuv422.jpg": jpeg(rgb, subsampling="4:2:2"),
        "yuv444.jpg": jpeg(rgb, subsampling="4:4:4"),
        "progressive.jpg": jpeg(rgb, progressive=True),
        "restarts.jpg": jpeg(rgb, restart_marker_rows=1),
        "rgb.jpg": jpeg(rgb, keep_rgb=True),
        "cmyk.jpg": jpeg(cmyk),
        "cmyk_plain.jpg": adobe(jpeg(cmyk), None),
        "ycck.jpg": adobe(jpeg(cmyk), 2),
        "one_pixel.jpg": jpeg(Image.new("RGB", (1, 1), (200, 30, 90))),
        "png_inside.JPEG": png(pattern(23, 19), 8, 2),
        "rgb8.png": png(pattern(61, 45), 8, 2),
        "rgb8_key.png": png(pattern(23, 19), 8, 2, extra=[(b"tRNS", bytes(6))]),
        "rgb16.png": png(pattern(23, 19, 3, 65536) * 199 % 65536, 16, 2),
        "rgba8.png": png(pattern(23, 19, 4), 8, 6),
        "rgba16.png": png(pattern(23, 19, 4, 65536) * 199 % 65536, 16, 6),
        "grey1.png": png(pattern(23, 19, 1, 2), 1, 0),
        "grey2.png": png(pattern(23, 19, 1, 4), 2, 0),
        "grey4.png": png(pattern(23, 19, 1, 16), 4, 0),
        "grey8.png": png(pattern(23, 19, 1), 8, 0),
        "grey16.png": png(pattern(23, 19, 1, 65536) * 199 % 65536, 16, 0),
        "grey_alpha8.png": png(pattern(23, 19, 2), 8, 4),
        "grey_alpha16.png": png(pattern(23, 19, 2, 65536) * 199 % 65536, 16, 4),
        "interlaced.png": png(pattern(23, 19), 8, 2, interlaced=True),
        "interlaced1.png": png(pattern(3, 2, 1, 2), 1, 0, interlaced=True),
        "gamma.png": png(pattern(23, 19), 8, 2, extra=[(b"gAMA", struct.pack(">I", 220000))]),
    }
    for depth in (1, 2, 4, 8):
        colours = min(1 << depth, 16)
        extra = [(b"PLTE", palette[:colours * 3]), (b"tRNS", bytes(range(colours)))]
        files[f"palette{depth}.png"] = png(pattern(23, 19, 1, colours), depth, 3, extra=extra)
    files["palette_interlaced.png"] = png(pattern(23, 19, 1, 16), 4, 3, True, [(b"PLTE", palette)])
    files["palette_short.png"] = png(pattern(23, 19, 1, 16), 4, 3, extra=[(b"PLTE", palette[:27])])
    return files


def decoded(name, data):
    image = Image.open(io.BytesIO(data))
    if name == "grey16.png":
        # Pillow clips 16-bit grey at 255; the project keeps the high byte, as both do for colour.
        high = (np.array(image) >> 8).astype(np.uint8)
        return Image.fromarray(np.stack([high] * 3, axis=-1))
    return image.convert("RGB")


def resize(image, width, height, way):
    """The horizontal pass first, in every version of Pillow (13 may choose the other order in one call)."""
    return image.resize((width, image.height), way).resize((width, height), way)


def facts(image):
    pixels = image.tobytes()
    return {"width": image.width, "height": image.height, "sha256": hashlib.sha256(pixels).hexdigest(),
            "first": list(pixels[:12])}


def resized(data):
    cases = []
    image = Image.open(io.BytesIO(data)).convert("RGB")
    sizes = [(61, 45), (20, 15), (61, 15), (20, 45), (30, 22), (32, 32), (1, 1), (3, 200), (150, 97), (7, 44), (122, 90)]
    for word in ("bicubic", "bilinear"):
        for width, height in sizes:
            cases.append({"interpolation": word,
                          **facts(resize(image, width, height, Image.Resampling[word.upper()]))})
    return cases


def main():
    files = sources()
    for name, data in files.items():
        (HERE / name).write_bytes(data)
    expected = {"decode": {name: facts(decoded(name, data)) for name, data in files.items()},
                "resize": {name: resized(files[name]) for name in ("rgb8.png", "one_pixel.jpg", "rgba8.png")}}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
