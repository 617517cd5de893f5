#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stopping early: signals, time limits, a rank that hangs. All ranks end with 75, and the same command goes on.

    stop_test.py signals|quickstart|time-limit|hang --aocq build/aocq --root .
"""
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from study_runs import LIMIT, Test, expect, kill  # noqa: E402

PROMISED = 10  # s from the signal to the last rank's end, for the embedded study


def expect_stopped(run, ranks, limit=None):
    """All ranks end with 75, none is left."""
    code, codes = run.wait(limit or LIMIT), run.codes()
    expect(code == 75 and codes == {rank: 75 for rank in range(ranks)}, f"exit {code}, of the ranks {codes}", run)
    expect(not run.orphans(1), "ranks are left", run)


def signals(test):
    """Each signal to each kind of process, one after the other in one study, then the rest of it."""
    digest = test.clean_study().digest()
    study = test.study("signals")
    stops = [(1, signal.SIGUSR1, 3, "chunk"), ("mpirun", signal.SIGUSR1, 3, "statistics"),
             (0, signal.SIGTERM, 2, "artefact"), ("mpirun", signal.SIGTERM, 2, "artefact")]
    for who, number, ranks, when in stops:
        done = len(study.files(when))
        run = study.start(ranks, codes=True)
        run.wait_for(lambda when=when, done=done: len(study.files(when)) > done, f"new {when}")
        kill(run.process.pid if who == "mpirun" else run.ranks()[who], number)
        if (who, number) == ("mpirun", signal.SIGTERM):
            # Open MPI 4 then ends with 1 whatever the ranks do, and kills those that need more than a second.
            code = run.wait(PROMISED)
            expect(code in (1, 75, 143) and not run.orphans(1), f"exit {code}", run)
        else:
            expect_stopped(run, ranks, PROMISED)
            expect(not any(".part" in name for name in study.leftovers()), f"half-written: {study.leftovers()}", run)
        print(f"{number.name} to {who if who == 'mpirun' else f'rank {who}'} of {ranks}: exit codes {run.codes()}")
    study.run(2)
    study.expect_finished_like(digest)


def quickstart(test):
    """The promise is about experiments/quickstart.toml, which has longer units."""
    study = test.study("quickstart")
    study.file = Path(test.arguments.root) / "experiments/quickstart.toml"
    for number, seconds in ((signal.SIGTERM, 3), (signal.SIGUSR1, 6)):
        run = study.start(2, codes=True)
        run.wait_for(lambda run=run, seconds=seconds: run.seconds() > seconds, f"{seconds} s")
        kill(run.process.pid if number == signal.SIGUSR1 else run.ranks()[1], number)
        stopped = time.monotonic()
        expect_stopped(run, 2, PROMISED)
        print(f"{number.name} after {seconds} s: ended {time.monotonic() - stopped:.1f} s later")


def time_limit(test):
    digest = test.clean_study().digest()
    study = test.study("limited")
    runs, code = 0, 75
    while code == 75:
        run = study.start(1, "--time-limit", "2s", codes=True)
        code = run.wait()
        runs += 1
        expect(code in (0, 75), f"exit {code}", run)
        expect(runs < 30, "the study does not get on", run)
    expect(runs > 1, "the limit was ignored", run)
    study.expect_finished_like(digest)
    print(f"2 s a run: finished by {runs} runs")
    # Slurm says when the job will be killed.
    soon = test.study("soon")
    run = soon.start(2, codes=True, variables={"SLURM_JOB_END_TIME": str(int(time.time()) + 2)})
    expect_stopped(run, 2)
    late = test.study("late")
    run = late.start(2, variables={"SLURM_JOB_END_TIME": str(int(time.time()) + 36000)})
    expect(run.wait() == 0, "stopped long before the end of its job", run)
    for wrong in ("soon", "-3s", "0s"):
        study.run(0, "--time-limit", wrong, code=2)


def hang(test):
    """One rank stops answering: the others find it, name it, and end."""
    digest = test.clean_study().digest()
    study = test.study("hang")
    run = study.start(3, "--silence-limit", "2")
    run.wait_for(lambda: study.files("chunk") and len(run.ranks()) == 3, "chunk")
    kill(run.ranks()[2], signal.SIGSTOP)
    code = run.wait()
    expect(code == 75, f"exit {code}", run)
    expect("rank 2" in run.log(), "the message does not name the rank", run)
    run.kill_all()
    study.run(2)
    study.expect_finished_like(digest)


CASES = {"signals": signals, "quickstart": quickstart, "time-limit": time_limit, "hang": hang}


def options(parser):
    parser.add_argument("case", choices=CASES)


test = Test(__doc__, options)
test.main(CASES[test.arguments.case])
