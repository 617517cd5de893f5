# SPDX-License-Identifier: Apache-2.0
"""Compares dump_preprocess with Pillow on every real image; the bytes must be equal.

How many images the installed Pillow would resize with its passes in the other order is told, but no error.

Usage: compare_with_pillow.py DUMP_PREPROCESS DATA
DATA holds imagenet/ (calib, val and ilsvrc2012_val20). Exit code 77: data or Pillow is missing.
"""
import hashlib
import math
import subprocess
import sys
from pathlib import Path

SKIP = 77

try:
    from PIL import Image
except ImportError:
    print("skipped: this Python has no Pillow", sys.executable)
    sys.exit(SKIP)


def image_files(root):
    """Class folders and their images in bytewise order, as ImageFolder has them."""
    files = []
    for folder in sorted((f for f in root.iterdir() if f.is_dir()), key=lambda f: f.name.encode()):
        files += sorted((f for f in folder.iterdir() if f.suffix.lower() in (".jpg", ".jpeg", ".png")),
                        key=lambda f: f.name.encode())
    return files


def resize(image, width, height, way):
    """The horizontal pass, then the vertical one, as every Pillow before 13 does in one call.

    Since 13 Pillow begins with the vertical pass where the height shrinks much more than the width, which rounds
    differently; two calls give the old bytes in every version.
    """
    return image.resize((width, image.height), way).resize((width, height), way)


def target_size(image, size, crop):
    """What torchvision's Resize(floor(size / crop)) makes of an image."""
    target = math.floor(size / crop)
    width, height = image.size
    if width <= height:
        return target, int(target * height / width)
    return int(target * width / height), target


def resize_crop(image, size, crop, way):
    """torchvision's Resize(floor(size / crop)) and CenterCrop(size)."""
    width, height = target_size(image, size, crop)
    left, top = round((width - size) / 2.0), round((height - size) / 2.0)
    return resize(image, width, height, way).crop((left, top, left + size, top + size))


def other_order(image, crop, way):
    """Whether one call of this Pillow's resize gives other bytes than the two of resize()."""
    size = target_size(image, 224, crop)
    return image.resize(size, way).tobytes() != resize(image, *size, way).tobytes()


def compare(dump, root, crop, word):
    way = Image.Resampling[word.upper()]
    lines = subprocess.run([dump, root, "224", str(crop), word], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    ours = dict(reversed(line.split(" ", 1)) for line in lines)
    wrong, reordered = [], 0
    for file in image_files(root):
        with Image.open(file) as source:
            image = source.convert("RGB")
        pixels = resize_crop(image, 224, crop, way).tobytes()
        reordered += other_order(image, crop, way)
        name = file.relative_to(root).as_posix()
        if ours.pop(name, None) != hashlib.sha256(pixels).hexdigest():
            wrong.append(name)
    wrong += [f"{name} (Pillow has no such file)" for name in ours]
    print(f"{root.name} crop {crop} {word}: {len(lines)} images, {len(wrong)} differ,",
          f"{reordered} with another order of passes in this Pillow", *wrong[:5])
    return len(lines), len(wrong)


def main():
    dump, data = sys.argv[1], Path(sys.argv[2]) / "imagenet"
    roots = [root for root in (data / "calib", data / "val", data / "ilsvrc2012_val20") if root.is_dir()]
    if not roots:
        print("skipped: no real images, set AOCQ_DATA to a folder with imagenet/")
        sys.exit(SKIP)
    results = [compare(dump, root, crop, "bicubic") for root in roots for crop in (0.9, 0.875)]
    results.append(compare(dump, roots[-1], 0.875, "bilinear"))
    sys.exit(1 if any(wrong or not images for images, wrong in results) else 0)


if __name__ == "__main__":
    main()
