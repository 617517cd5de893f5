# SPDX-License-Identifier: Apache-2.0
"""Small checkpoints as users have them, written by torch.save; the values are the formula of make_timm.py.

    pip install torch && python tests/golden/nn/make_pth.py tests/golden/nn

plain.pth     the state dict of a vision transformer with one block of width 4 (tests/nn/Pth.test.cpp)
nested.pth    the same under "model", as DataParallel names it, beside an optimiser's state and its arguments
shared.pth    views of one storage: strided, with an offset, transposed, repeated; F16, BF16 and integers; no state dict
              of any model
module.pth    a whole module instead of its state dict: refused
legacy.pth    the format from before PyTorch 1.6: refused
"""
import argparse
import os
import sys
from collections import OrderedDict

import numpy as np
import torch


def fnv1a(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def formula(name, shape):
    index = np.arange(int(np.prod(shape)), dtype=np.uint64)
    bits = (index * np.uint64(2654435761) + np.uint64(fnv1a(name))) & np.uint64(0xFFFFFFFF)
    bits = (bits ^ (bits >> np.uint64(15))) & np.uint64(0xFFFF)
    value = bits.astype(np.float32) / np.float32(65536) - np.float32(0.5)
    gain = "norm" in name and name.endswith(".weight")
    value = value * np.float32(0.25) + np.float32(1) if gain else value * np.float32(0.5)
    return torch.from_numpy(value.reshape(shape))


SHAPES = {
    "patch_embed.proj.weight": (4, 3, 2, 2), "patch_embed.proj.bias": (4,), "cls_token": (1, 1, 4),
    "pos_embed": (1, 5, 4), "blocks.0.norm1.weight": (4,), "blocks.0.norm1.bias": (4,),
    "blocks.0.attn.qkv.weight": (12, 4), "blocks.0.attn.qkv.bias": (12,), "blocks.0.attn.proj.weight": (4, 4),
    "blocks.0.attn.proj.bias": (4,), "blocks.0.norm2.weight": (4,), "blocks.0.norm2.bias": (4,),
    "blocks.0.mlp.fc1.weight": (4, 4), "blocks.0.mlp.fc1.bias": (4,), "blocks.0.mlp.fc2.weight": (4, 4),
    "blocks.0.mlp.fc2.bias": (4,), "norm.weight": (4,), "norm.bias": (4,), "head.weight": (2, 4), "head.bias": (2,)}


def main(folder):
    state = OrderedDict((name, formula(name, shape)) for name, shape in SHAPES.items())
    state._metadata = OrderedDict([("", {"version": 1})])  # as Module.state_dict() gives it
    save = {"plain": state}
    wrapped = OrderedDict(("module." + name, torch.nn.Parameter(value)) for name, value in state.items())
    save["nested"] = {
        "epoch": 299, "best": 0.5, "acc": torch.tensor(75.0), "model": wrapped,
        "optimizer": {"state": {0: {"step": 7, "exp_avg": torch.zeros(2)}},
                      "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "amsgrad": False, "params": [0, 1]}]},
        "args": argparse.Namespace(lr=1e-3, seed=1 << 70, layers=[1, 2], resume=None)}
    base = torch.arange(24, dtype=torch.float32)
    save["shared"] = {
        "rows": base.view(4, 6), "columns": base.view(4, 6).t(), "middle": base[5:17].view(3, 4),
        "every_second": base[1::2], "repeated": torch.as_strided(base, (4, 5), (1, 1), 2), "number": base[23],
        "empty": base[:0], "half": base.half().view(6, 4), "bfloat": base.bfloat16(),
        "counts": torch.tensor([1, -2, 1 << 40])}
    for name, value in save.items():
        torch.save(value, os.path.join(folder, name + ".pth"))
    torch.save(torch.nn.Linear(2, 2), os.path.join(folder, "module.pth"))
    torch.save({"weight": base}, os.path.join(folder, "legacy.pth"), _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main(sys.argv[1])
