#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes small shards with GNU tar and with Python's tarfile in each of their formats, and expected.json: for each
archive the members [name, offset, bytes, sha256] as tarfile reads them back. Run: python3 make.py"""
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGES = {"one_pixel.jpg": 0, "grey1.png": 1}
LONG = "class_with_a_name/" + "x" * 120  # beyond ustar's 100 bytes for the last part of a path


def samples(names_too_long):
    """Members (name, bytes) in WebDataset's order."""
    for golden, label in IMAGES.items():
        with open(os.path.join(HERE, "..", golden), "rb") as stream:
            image = stream.read()
        stem, ending = os.path.splitext(golden)
        keys = [f"n0{label}/{stem}"] + ([f"{LONG}_{stem}"] if names_too_long else [])
        for key in keys:
            yield f"{key}.cls", f"{label}\n".encode()
            yield f"{key}{ending}", image


def by_tarfile(path, tar_format, members):
    with tarfile.open(path, "w", format=tar_format) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 1.5 if tar_format == tarfile.PAX_FORMAT else 1  # a fraction makes a pax record
            archive.addfile(info, io.BytesIO(data))


def by_tar(path, tar_format, members):
    with tempfile.TemporaryDirectory() as folder:
        for name, data in members:
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            with open(os.path.join(folder, name), "wb") as stream:
                stream.write(data)
        subprocess.run(["tar", f"--format={tar_format}", "--sort=name", "--mtime=@1.5", "--owner=a:1", "--group=a:1",
                        "--mode=644", "-cf", path, "-C", folder, "."], check=True)


def main():
    expected = {}
    for maker, prefix, formats in (
            (by_tarfile, "python", {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}),
            (by_tar, "tar", {"ustar": "ustar", "gnu": "gnu", "pax": "pax"})):
        for name, tar_format in formats.items():
            file = f"{prefix}-{name}.tar"
            path = os.path.join(HERE, file)
            maker(path, tar_format, list(samples(name != "ustar")))
            with tarfile.open(path) as archive:
                expected[file] = [[os.path.normpath(member.name), member.offset_data, member.size,
                                   hashlib.sha256(archive.extractfile(member).read()).hexdigest()]
                                  for member in archive if member.isfile()]
    with open(os.path.join(HERE, "expected.json"), "w", encoding="utf-8") as stream:
        json.dump(expected, stream, indent=1)
        stream.write("\n")


if __name__ == "__main__":
    main()
