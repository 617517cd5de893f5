#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills runs of a study with SIGKILL at random moments (one rank, all ranks, or mpirun), goes on with other numbers of
ranks until the study is finished, and compares every byte with a clean run's.

    crash_test.py --aocq build/aocq --root . [--kills 100] [--seed 1]
"""
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from study_runs import Test, expect, kill  # noqa: E402

PHASES = ["start", "calibration", "merging", "artefacts", "evaluation", "tables"]
VICTIMS = ["one rank", "all ranks", "mpirun"]
ORPHANS_MAY_LIVE = 5.0  # s that ranks get to notice that their launcher is gone


class Totals:
    def __init__(self):
        self.kills = Counter()  # (phase, victim)
        self.half_written = 0  # kills that caught a file between its creation and its rename
        self.refused = 0  # reruns that met the lock of ranks that had outlived their mpirun
        self.orphans = 0  # kills of mpirun whose ranks had to be killed too
        self.studies = 0
        self.reruns = 0


def phase_of(study, clean):
    """What the study was at, from the files that are there: the first kind of work that is not complete."""
    wanted = {kind: len(clean.files(kind)) for kind in ("chunk", "sensitivity", "statistics", "artefact", "experiments")}
    found = {kind: len(study.files(kind)) for kind in wanted}
    if not any(found.values()) and not study.files("logits"):
        return "start"
    if found["chunk"] < wanted["chunk"]:
        return "calibration"
    if found["statistics"] < wanted["statistics"]:
        return "merging"
    if found["artefact"] < wanted["artefact"] or found["sensitivity"] < wanted["sensitivity"]:
        return "artefacts"
    return "evaluation" if found["experiments"] < wanted["experiments"] else "tables"


def strike(run, victim, draw):
    """Kills, and returns whom: mpirun if it has no ranks yet, nobody if the run has ended."""
    ranks = run.ranks()
    if run.code is not None:
        return None
    if not ranks:
        victim = "mpirun"
    pids = {"mpirun": [run.process.pid], "all ranks": list(ranks.values()),
            "one rank": [ranks[draw.choice(sorted(ranks))]] if ranks else []}[victim]
    for pid in pids:
        kill(pid)
    return victim


def interrupted_run(study, clean, ranks, seconds, draw, totals):
    """A run that is killed at a random moment of its life. True if the kill came in time."""
    run = study.start(ranks)
    wish = draw.choice(VICTIMS)
    moment = draw.uniform(0, seconds)
    # Not one long sleep: a run that ends earlier should not be waited for.
    while run.code is None and run.seconds() < moment:
        time.sleep(min(0.005, max(0.0, moment - run.seconds())))
    victim = strike(run, wish, draw)
    code = run.wait()
    phase = phase_of(study, clean)
    if not victim:
        run.kill_all()
        expect(code == 0, f"a run that nobody killed ended with {code}", run)
        return False
    if victim == "mpirun" and draw.random() < 0.5:
        rerun_beside_orphans(study, draw, totals)
    if run.orphans(ORPHANS_MAY_LIVE):
        totals.orphans += 1
    run.kill_all()
    totals.half_written += any(file.endswith(".part") for file in study.leftovers())
    totals.kills[phase, victim] += 1
    return True


def rerun_beside_orphans(study, draw, totals):
    """At once after mpirun's death, when its ranks may still write: refused, or the study gets finished."""
    run = study.start(draw.randint(1, 4))
    code = run.wait()
    refused = code == 2 and "is running" in run.log()
    expect(code == 0 or refused, f"a rerun beside the ranks of a dead mpirun ended with {code}", run)
    totals.refused += refused


def other_count(ranks, draw):
    return draw.choice([count for count in range(1, 5) if count != ranks])


def one_study(test, clean, digest, seconds, draw, totals, left):
    """From nothing, through kills, to the end. Returns the number of kills."""
    study = test.study(f"study-{totals.studies}")
    totals.studies += 1
    ranks, kills = draw.randint(1, 4), 0
    while True:
        in_time = interrupted_run(study, clean, ranks, seconds[ranks], draw, totals)
        kills += in_time
        ranks = other_count(ranks, draw)
        totals.reruns += 1
        if not in_time or kills >= left or draw.random() < 0.4:
            break
    study.run(ranks)
    study.expect_finished_like(digest)
    study.run(other_count(ranks, draw))  # a finished study: nothing to do, and nothing changes
    study.expect_finished_like(digest)
    return kills


def durations(test, clean, thorough):
    """Seconds of a clean run by its number of ranks."""
    digest, seconds = clean.digest(), {}
    for ranks in range(1, 5) if thorough else (2,):
        study = test.study(f"clean-{ranks}")
        seconds[ranks] = study.run(ranks).seconds()
        study.expect_finished_like(digest)
    return {ranks: seconds.get(ranks, seconds[2]) for ranks in range(1, 5)}


def summary(totals):
    lines = [f"{'killed during':14}" + "".join(f"{victim:>11}" for victim in VICTIMS) + f"{'all':>8}"]
    for phase in PHASES:
        row = [totals.kills[phase, victim] for victim in VICTIMS]
        lines.append(f"{phase:14}" + "".join(f"{count:11}" for count in row) + f"{sum(row):8}")
    row = [sum(totals.kills[phase, victim] for phase in PHASES) for victim in VICTIMS]
    lines.append(f"{'all':14}" + "".join(f"{count:11}" for count in row) + f"{sum(row):8}")
    lines.append(f"{totals.studies} studies, {totals.reruns} reruns, every one with the clean run's bytes; "
                 f"{totals.half_written} kills left a half-written file, {totals.refused} reruns were refused while "
                 f"old ranks lived, {totals.orphans} times ranks outlived mpirun by {ORPHANS_MAY_LIVE:.0f} s")
    return "\n".join(lines)


def body(test):
    arguments = test.arguments
    draw = random.Random(arguments.seed)
    clean = test.clean_study()
    digest = clean.digest()
    seconds = durations(test, clean, arguments.kills >= 50)
    print("seconds of a clean run by ranks: " + ", ".join(f"{r}: {s:.1f}" for r, s in seconds.items()))
    totals, kills, began = Totals(), 0, time.monotonic()
    while kills < arguments.kills:
        kills += one_study(test, clean, digest, seconds, draw, totals, arguments.kills - kills)
        print(f"{kills} kills, {totals.studies} studies, {time.monotonic() - began:.0f} s", flush=True)
    print(f"seed {arguments.seed}\n{summary(totals)}")


def options(parser):
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)


Test(__doc__, options).main(body)
