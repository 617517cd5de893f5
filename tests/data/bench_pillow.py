# SPDX-License-Identifier: Apache-2.0
"""Pillow's figures for bench_loader, on one thread. Usage: bench_pillow.py ROOT [IMAGES]"""
import io
import sys
import time
from pathlib import Path

from PIL import Image

from compare_with_pillow import image_files, target_size


def report(what, images, work):
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    print(f"{what:<24} {images / best:8.0f} images/s")


def resize_crop(image):
    """In one call of resize, as users do it."""
    left, top, size = *(round((side - 224) / 2.0) for side in target_size(image, 224, 0.875)), 224
    resized = image.resize(target_size(image, 224, 0.875), Image.Resampling.BICUBIC)
    return resized.crop((left, top, left + size, top + size))


def main():
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    files = [file.read_bytes() for file in image_files(Path(sys.argv[1]))[:limit]]
    decode = lambda data: Image.open(io.BytesIO(data)).convert("RGB")
    decoded = [decode(data) for data in files]
    for image in decoded:
        image.load()
    report("decode", len(files), lambda: [decode(data) for data in files])
    report("resize+crop", len(files), lambda: [resize_crop(image) for image in decoded])
    report("decode+resize+crop", len(files),
           lambda: [resize_crop(decode(data)) for data in files])


if __name__ == "__main__":
    main()
