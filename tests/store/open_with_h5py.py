# SPDX-License-Identifier: Apache-2.0
# A bundle must open in h5py: usage: open_with_h5py.py WRITER FILE. Exit code 77 (skipped) without h5py.
import json
import subprocess
import sys

try:
    import h5py
except ImportError:
    print("skipped: h5py is not installed")
    sys.exit(77)

writer, path = sys.argv[1:]
subprocess.run([writer, path], check=True)
with h5py.File(path, "r") as file:
    assert file.userblock_size == 512, file.userblock_size
    assert file.attrs["format"] == 1
    assert file.attrs["kind"].decode() == "statistics", file.attrs["kind"]
    assert len(file.attrs["digest"]) == 64
    header = json.loads(file["header"][()])
    assert header["attributes"] == {"model": "tiny"}, header
    group = header["sites"][0]["group"]
    site = file["arrays/sites"][group]
    assert site["channel_min"][...].tolist() == [-1.0, -4.0]
    assert site["channel_min"].dtype == "<f4"
    assert site["channel_mean"].dtype == "<f8"
    assert site["histogram"][...].tolist() == [1, 2, 3]
    assert site["token_absmax"].shape == (0,)
    assert site["minimum"][()] == -4
    assert site["derived/top_channels"][...].tolist() == [1, 0]
with open(path, "rb") as file:
    assert file.readline() == b"aocq bundle\n"
print("opened with h5py", h5py.__version__)
