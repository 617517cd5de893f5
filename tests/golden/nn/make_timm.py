# SPDX-License-Identifier: Apache-2.0
"""Logits of timm's ViT, with every option of the family, for a small model whose weights are a formula.

    pip install torch timm && python tests/golden/nn/make_timm.py tests/golden/nn/timm_vit.json

The formula (FNV-1a of the name, a multiplicative hash of the index) is exact in float32, so that no weights need to be
kept; tests/nn/Formula.hpp has its counterpart. torchvision is not needed for the models: a stand-in satisfies timm's
imports where it is missing.
"""
import json
import sys
from collections import OrderedDict
from unittest.mock import MagicMock

import numpy as np
import torch

try:
    import torchvision  # noqa: F401
except Exception:  # missing, or built for another torch
    for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.datasets",
                 "torchvision.datasets.folder", "torchvision.ops", "torchvision.ops.misc", "torchvision.models",
                 "torchvision.models.feature_extraction", "torchvision.utils", "torchvision.io"):
        sys.modules[name] = MagicMock()

from timm.models.deit import VisionTransformerDistilled  # noqa: E402
from timm.models.vision_transformer import VisionTransformer  # noqa: E402
import timm  # noqa: E402


def fnv1a(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def formula(name, shape, spread=0.5):
    """`spread` is the width of the interval that weights fill; a power of two keeps them exact."""
    count = int(np.prod(shape))
    index = np.arange(count, dtype=np.uint64)
    bits = (index * np.uint64(2654435761) + np.uint64(fnv1a(name))) & np.uint64(0xFFFFFFFF)
    bits = (bits ^ (bits >> np.uint64(15))) & np.uint64(0xFFFF)
    value = bits.astype(np.float32) / np.float32(65536) - np.float32(0.5)
    if "norm" in name and name.endswith(".weight"):
        value = value * np.float32(0.25) + np.float32(1)
    elif name != "image":
        value = value * np.float32(spread)
    else:
        value = value * np.float32(4)
    return torch.from_numpy(value.reshape(shape))


def logits(model):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(formula(name, tuple(parameter.shape)))
        model.eval()
        return model(formula("image", (2, 3, 32, 32))).tolist()


class WithPreLogits(VisionTransformer):
    """The representation layer of earlier versions of timm, by its names there."""

    def __init__(self, width, **shape):
        super().__init__(**shape)
        self.pre_logits = torch.nn.Sequential(OrderedDict([
            ("fc", torch.nn.Linear(self.embed_dim, width)), ("act", torch.nn.Tanh())]))
        self.head = torch.nn.Linear(width, self.num_classes)

    def forward_head(self, x, pre_logits=False):
        return self.head(self.pre_logits(super().forward_head(x, pre_logits=True)))


def main(path):
    shape = dict(img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, num_classes=10)
    golden = {"timm": timm.__version__, "torch": torch.__version__, "shape": shape,
              "vit": logits(VisionTransformer(**shape)),
              "distilled": logits(VisionTransformerDistilled(**shape)),
              "deit3": logits(VisionTransformer(**shape, no_embed_class=True, init_values=1e-6)),
              "average": logits(VisionTransformer(**shape, global_pool="avg")),
              "average_after_norm": logits(VisionTransformer(**shape, global_pool="avg", fc_norm=False)),
              "no_class_token": logits(VisionTransformer(**shape, global_pool="avg", class_token=False)),
              "token_fc_norm": logits(VisionTransformer(**shape, fc_norm=True)),
              "pre_logits": logits(WithPreLogits(24, **shape))}
    with open(path, "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
