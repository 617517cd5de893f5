#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every method of the embedded study of baselines (experiments/baselines/embedded.toml) at every width: top-1 and the
divergence from float lie in the bands of baselines_bands.csv, so that a broken method is noticed. Fewer images than the
study has: the figures are not its table's.

`--write` makes the bands anew from what is found now: top-1 may fall by three standard errors, the divergence rise by a
third, which is more than another machine's rounding does to them."""
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
COLUMNS = ["method", "observer", "levels", "bits", "top1_at_least", "kl_at_most"]


def results(arguments, folder):
    """{(method, observer, levels, bits): {"top1": percent, "kl": nats}}"""
    study = str(Path(arguments.root) / "experiments/baselines/embedded.toml")
    common = [study, "--results", f"{folder}/runs", "--set", f"data.evaluation.images={IMAGES}"]
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
            slack = 300 * math.sqrt(max(share * (1 - share), 0.01) / IMAGES)
            writer.writerow([*key, f"{max(0.0, cell['top1'] - slack):.1f}", f"{cell['kl'] * 4 / 3 + 0.002:.4f}"])


def complaints(cells):
    with BANDS.open() as file:
        bands = {tuple(row[c] for c in COLUMNS[:4]): row for row in csv.DictReader(file)}
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
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cells = results(arguments, folder)
    if arguments.write:
        write(cells)
    found = sorted(complaints(cells))
    print("\n".join(found + [f"{len(cells)} cells, {len(found)} out of their bands"]))
    return 1 if found else 0


sys.exit(main())
