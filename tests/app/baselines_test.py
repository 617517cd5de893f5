#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every method of the embedded study of baselines (experiments/baselines/embedded.toml) at every width: top-1 and the
divergence from float lie in the bands of baselines_bands.csv, so that a broken method is noticed. Fewer images than the
study has: the figures are not its table's.

Learned methods take seconds per cell, so they run at two widths only unless `--all` is given: at W4A4, where some of them
fail on this model whatever is done, and at W6A6, where a broken one stands out; PSAQ-ViT V2, half a minute each, at W4A8.
`--write` makes the bands of all cells anew from what is found now: top-1 may fall by three standard errors, the
divergence rise by a third, which is more than another machine's rounding does to them; twice as far and by its double
for learned methods, where a rounding otherwise leads elsewhere (other seeds move BRECQ and QDrop by as much)."""
import argparse
import csv
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BANDS = Path(__file__).with_name("baselines_bands.csv")
IMAGES = 200
# Learned methods, and the widths that the short run leaves out of them.
SHORT_OF = dict.fromkeys(["adaround", "brecq", "qdrop", "lsq", "pact", "dsq"], ["W8A8", "W4A8"])
SHORT_OF["psaq_vit_v2"] = ["W8A8", "W6A6", "W4A4"]
COLUMNS = ["method", "observer", "levels", "bits", "top1_at_least", "kl_at_most"]


def write_study(arguments, file):
    root = Path(arguments.root).resolve()
    text = f'extends = "{root}/experiments/baselines/embedded.toml"\nname = "bands"\n'
    if not arguments.all:
        for method, widths in SHORT_OF.items():
            for bits in widths:
                text += f'[[exclude]]\n"method.use" = "{method}"\nbits = "{bits}"\n'
    file.write_text(text)


def results(arguments, folder):
    """{(method, observer, levels, bits): {"top1": percent, "kl": nats}}"""
    study = Path(folder) / "bands.toml"
    write_study(arguments, study)
    common = [str(study), "--configs", str(Path(arguments.root) / "configs"), "--results", f"{folder}/runs",
              "--set", f"data.evaluation.images={IMAGES}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "AOCQ_NO_MPI": "1"}
    subprocess.run([arguments.aocq, "run", *common], check=True, env=environment, stdout=subprocess.DEVNULL)
    found = subprocess.run([arguments.aocq, "report", *common, "--csv"], check=True, env=environment,
                           capture_output=True, text=True).stdout
    cells = {}
    for row in csv.DictReader(found.splitlines()):
        if row["bits"] == "float" or row["metric"] not in ("top1", "kl"):
            continue
        key = (row["method.use"], row["method.fit.observer"], row["method.levels"], row["bits"])
        cells.setdefault(key, {})[row["metric"]] = float(row["value"] or "nan")
    return cells


def write(cells):
    with BANDS.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for key, cell in cells.items():
            share = cell["top1"] / 100
            errors, rise = (6, 2) if key[0] in SHORT_OF else (3, 4 / 3)
            slack = 100 * errors * math.sqrt(max(share * (1 - share), 0.01) / IMAGES)
            writer.writerow([*key, f"{max(0.0, cell['top1'] - slack):.1f}", f"{cell['kl'] * rise + 0.002:.4f}"])


def complaints(cells, everything):
    with BANDS.open() as file:
        bands = {tuple(row[c] for c in COLUMNS[:4]): row for row in csv.DictReader(file)}
    if not everything:
        bands = {key: row for key, row in bands.items() if key[3] not in SHORT_OF.get(key[0], [])}
    for key in bands.keys() ^ cells.keys():
        yield f"{key}: {'has no band: run with --write' if key in cells else 'is no cell of the study'}"
    for key in bands.keys() & cells.keys():
        top1, kl = cells[key]["top1"], cells[key]["kl"]
        low, high = float(bands[key]["top1_at_least"]), float(bands[key]["kl_at_most"])
        if not top1 >= low:
            yield f"{key}: top-1 {top1} % is below {low} %"
        if not kl <= high:
            yield f"{key}: divergence {kl} is above {high}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--aocq", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    arguments.all |= arguments.write
    with tempfile.TemporaryDirectory() as folder:
        cells = results(arguments, folder)
    if arguments.write:
        write(cells)
    found = sorted(complaints(cells, arguments.all))
    print("\n".join(found + [f"{len(cells)} cells, {len(found)} out of their bands"]))
    return 1 if found else 0


sys.exit(main())
