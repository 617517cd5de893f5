# SPDX-License-Identifier: Apache-2.0
"""Position embeddings that timm resamples, of the formula of make_timm.py.

    pip install torch timm && python tests/golden/nn/make_timm_position.py tests/golden/nn/timm_position.json
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_timm import formula  # noqa: E402  (also puts a stand-in for torchvision in place)

from timm.layers import resample_abs_pos_embed  # noqa: E402

embedding = formula("pos_embed", (1, 2 + 16, 3))  # two tokens and 4 x 4 patches
golden = {str(side): resample_abs_pos_embed(embedding, [side, side], num_prefix_tokens=2).flatten().tolist()
          for side in (3, 6)}
with open(sys.argv[1], "w") as file:
    json.dump(golden, file)
    file.write("\n")
