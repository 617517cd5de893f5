#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets that no other file of the project can serve as: corpus/<target>/<name>.

Needs torch and numpy (the .venv of the project) and the program test_store_write_example of a build:
    .venv/bin/python tests/fuzz/make_corpus.py build/test_store_write_example
"""
import argparse
import collections
import json
import os
import struct
import subprocess
import sys
import zipfile

import torch

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def put(target, name, data):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as stream:
        stream.write(data)


def safetensors(header, data):
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def write_safetensors():
    put("safetensors", "empty", safetensors({}, b""))
    put("safetensors", "one", safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)))
    kinds = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for index, (kind, size) in enumerate(kinds.items()):
        header[f"blocks.{index}.w"] = {"dtype": kind, "shape": [1, 2], "data_offsets": [end, end + 2 * size]}
        end += 2 * size
    header["scalar"] = {"dtype": "F32", "shape": [], "data_offsets": [end, end + 4]}
    header["nothing"] = {"dtype": "F32", "shape": [0, 3], "data_offsets": [end + 4, end + 4]}
    put("safetensors", "kinds", safetensors(header, bytes(range(end + 4))))


def write_pth():
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    state = collections.OrderedDict(weight=base.clone(), turned=base.t(), part=base[1:, ::2], count=torch.tensor(7))
    examples = {
        "state": state,
        "nested": {"model": state, "epoch": 3, "args": argparse.Namespace(lr=0.1, name="x", flags=[True, None])},
        "kinds": {name: torch.zeros(2, dtype=getattr(torch, name)) for name in
                  ("float16", "bfloat16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")},
        "parameter": {"state_dict": {"module.p": torch.nn.Parameter(base.clone())}},
    }
    for name, value in examples.items():
        path = os.path.join(CORPUS, "pth", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        torch.save(value, path)
        # torch.save aligns storages to 64 bytes with fields that only make the seeds larger: pack them anew.
        with zipfile.ZipFile(path) as archive:
            members = [(os.path.relpath(info.filename, name), archive.read(info)) for info in archive.infolist()]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for member, data in members:
                if member.split("/")[0] in ("data.pkl", "data", "byteorder"):
                    archive.writestr(zipfile.ZipInfo(f"a/{member}"), data)
                if member == "data.pkl":
                    put("pickle", name, data)
    for protocol in (2, 3, 4, 5):
        import pickle  # only to write
        plain = {"a": [1, -2, 70000, 1 << 40, 1 << 90, 0.5, "text", b"bytes", None, True, (1, 2), (), [3]],
                 "b": collections.OrderedDict(x=(1, 2, 3, 4))}
        put("pickle", f"plain{protocol}", pickle.dumps(plain, protocol=protocol))


def write_json():
    put("json", "values", b'{"a":[1,-2.5e3,true,false,null,"\\u00e4\\n"],"b":{"c":{}},"d":1e308,"e":18446744073709551615}')
    put("json", "error", b'{"kind":"input","problem":"p","reason":"r","remedy":"m","fields":[["file","f"]]}')
    put("json", "deep", b"[" * 30 + b"]" * 30)


def write_toml():
    put("toml", "study", b"""schema = 1
name = "x"
bits = "W4A4"
seeds = [0, 1]
[run]
threads = 2
[model]
family = "vit"
weights = "${AOCQ_DATA}/w.safetensors"
[data.calibration]
kind = "folder"
root = "calib"
images = 32
[data.evaluation]
kind = "folder"
root = "val"
[method]
[[method.pass]]
kind = "fit"
steps = 3
[[rule]]
name = "blocks.*"
[[axis]]
key = "bits"
values = ["W8A8", "W4A4", "float"]
[[axis]]
key = "method.levels"
subsets = ["operator", "loss"]
[[axis]]
zip = { "model.width" = [1, 2], "data.calibration.images" = [1, 2] }
[[exclude]]
bits = "W8A8"
"model.width" = 1
[[table]]
name = "t"
rows = "model.width"
columns = "bits"
cell = ["top1", "kl"]
published = { file = "p.csv", methods = { a = "b" }, tolerance = 0.5 }
""")
    put("toml", "syntax", b"""a.b = 1 # comment
'c d' = '''x
y'''
e = [0x1F, 0o17, 0b11, 1_000, +1.5e-3, true, {f = "\\u00e4\\t"}]
[g]
[[h.i]]
j = \"\"\"\\
  long\"\"\"
""")


def main(writer):
    write_safetensors()
    write_pth()
    write_json()
    write_toml()
    folder = os.path.join(CORPUS, "bundle")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "statistics")
    subprocess.run([writer, path], check=True)
    with open(path, "rb") as stream:
        whole = stream.read()
    put("bundle", "cut", whole[:600])
    put("bundle", "seal", whole[:512])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
