# SPDX-License-Identifier: Apache-2.0
"""timm's models at full size, by the names of configs/models: shape, parameters, multiplications and a few logits.

    pip install torch timm && python tests/golden/nn/make_timm_zoo.py tests/golden/nn/timm_zoo.json

Weights are the formula of make_timm.py with a spread that leaves activations of all depths at trained models' size.
Multiplications are counted by torch's FlopCounterMode. Logits of one image: `places` of them, and their range.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_timm import formula  # noqa: E402  (also puts a stand-in for torchvision in place)

import timm  # noqa: E402
import torch  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

SPREAD = 0.125
PLACES = [0, 1, 2, 250, 500, 750, 998, 999]

# Name in configs/models -> timm's architecture, and whether logits are kept: every width, patch, resolution and head
# once or more, so that the test stays short.
ZOO = {
    "vit_tiny": ("vit_tiny_patch16_224", True),
    "vit_tiny_384": ("vit_tiny_patch16_384", True),
    "vit_small": ("vit_small_patch16_224", True),
    "vit_small_384": ("vit_small_patch16_384", False),
    "vit_small_patch32": ("vit_small_patch32_224", True),
    "vit_small_patch32_384": ("vit_small_patch32_384", False),
    "vit_base": ("vit_base_patch16_224", True),
    "vit_base_384": ("vit_base_patch16_384", False),
    "vit_base_patch32": ("vit_base_patch32_224", False),
    "vit_base_patch32_384": ("vit_base_patch32_384", True),
    "vit_large": ("vit_large_patch16_224", True),
    "vit_large_384": ("vit_large_patch16_384", False),
    "deit_tiny": ("deit_tiny_patch16_224", True),
    "deit_small": ("deit_small_patch16_224", True),
    "deit_base": ("deit_base_patch16_224", True),
    "deit_base_384": ("deit_base_patch16_384", True),
    "deit_tiny_distilled": ("deit_tiny_distilled_patch16_224", True),
    "deit_small_distilled": ("deit_small_distilled_patch16_224", True),
    "deit_base_distilled": ("deit_base_distilled_patch16_224", True),
    "deit_base_distilled_384": ("deit_base_distilled_patch16_384", False),
    "deit3_small": ("deit3_small_patch16_224", True),
    "deit3_small_384": ("deit3_small_patch16_384", True),
    "deit3_medium": ("deit3_medium_patch16_224", True),
    "deit3_base": ("deit3_base_patch16_224", True),
    "deit3_base_384": ("deit3_base_patch16_384", False),
    "deit3_large": ("deit3_large_patch16_224", True),
    "deit3_large_384": ("deit3_large_patch16_384", False),
    "swin_tiny": ("swin_tiny_patch4_window7_224", True),
    "swin_small": ("swin_small_patch4_window7_224", True),
    "swin_base": ("swin_base_patch4_window7_224", True),
    "swin_base_384": ("swin_base_patch4_window12_384", True),
    "swin_large": ("swin_large_patch4_window7_224", True),
    "swin_large_384": ("swin_large_patch4_window12_384", False),
}


def shape_of(model):
    """As the sections of configs/models have it."""
    patch = model.patch_embed
    shape = {"image_size": patch.img_size[0], "patch_size": patch.patch_size[0], "classes": model.num_classes}
    if hasattr(model, "layers"):
        first = model.layers[0].blocks[0]
        return {**shape, "family": "swin", "width": model.embed_dim, "window": first.window_size[0],
                "depths": [len(layer.blocks) for layer in model.layers],
                "heads": [layer.blocks[0].attn.num_heads for layer in model.layers],
                "mlp_ratio": first.mlp.fc1.out_features / model.embed_dim, "epsilon": model.norm.eps}
    first = model.blocks[0]
    return {**shape, "family": "vit", "width": model.embed_dim, "depth": len(model.blocks),
            "heads": first.attn.num_heads, "mlp_ratio": first.mlp.fc1.out_features / model.embed_dim,
            "distilled": hasattr(model, "head_dist"), "layer_scale": hasattr(first.ls1, "gamma"),
            "token_position": not model.no_embed_class, "epsilon": model.norm.eps}


def describe(name, architecture, keep_logits):
    model = timm.create_model(architecture, pretrained=False).eval()
    entry = {"timm": architecture, "shape": shape_of(model),
             "parameters": sum(p.numel() for p in model.parameters())}
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        size = entry["shape"]["image_size"]
        for key, parameter in model.named_parameters():
            parameter.copy_(formula(key, tuple(parameter.shape), SPREAD))
        counter = FlopCounterMode(display=False)
        with counter:
            logits = model(formula("image", (1, 3, size, size)))[0]
        entry["macs"] = counter.get_total_flops() // 2
    if keep_logits:
        entry["logits"] = [logits[place].item() for place in PLACES]
        entry["range"] = (logits.max() - logits.min()).item()
    print(name, entry["parameters"], entry["macs"], entry.get("range"), flush=True)
    return entry


golden = {"timm": timm.__version__, "torch": torch.__version__, "spread": SPREAD, "places": PLACES}
golden["models"] = {name: describe(name, *what) for name, what in ZOO.items()}
with open(sys.argv[1], "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
