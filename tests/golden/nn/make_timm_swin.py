# SPDX-License-Identifier: Apache-2.0
"""Logits of timm's Swin transformer for models whose weights are a formula (see make_timm.py).

    pip install torch timm && python tests/golden/nn/make_timm_swin.py tests/golden/nn/timm_swin.json

"padded" has maps that are no multiple of the window and an odd map to merge; "tiny" is Swin-T at full size.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_timm import formula  # noqa: E402  (also puts a stand-in for torchvision in place)

import timm  # noqa: E402
import torch  # noqa: E402
from timm.models.swin_transformer import SwinTransformer  # noqa: E402

SHAPES = {
    "small": dict(img_size=32, patch_size=2, window_size=4, embed_dim=24, depths=(2, 2, 2), num_heads=(2, 4, 8)),
    "padded": dict(img_size=40, patch_size=4, window_size=4, embed_dim=24, depths=(2, 2, 2), num_heads=(2, 3, 4),
                   mlp_ratio=2.5),
    "tiny": dict(img_size=224, patch_size=4, window_size=7, embed_dim=96, depths=(2, 2, 6, 2),
                 num_heads=(3, 6, 12, 24)),
}


def logits(shape):
    model = SwinTransformer(num_classes=10, **shape)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(formula(name, tuple(parameter.shape)))
        model.eval()
        return model(formula("image", (2, 3, shape["img_size"], shape["img_size"]))).tolist()


golden = {"timm": timm.__version__, "torch": torch.__version__}
golden.update({name: {"shape": shape, "logits": logits(shape)} for name, shape in SHAPES.items()})
with open(sys.argv[1], "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
