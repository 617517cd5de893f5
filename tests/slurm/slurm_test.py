#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The batch scripts under a real Slurm of one node, which this test starts and ends.

    slurm_test.py scripts|study|array --aocq build/aocq --root .

scripts: exit codes, the requeueing and its cap, with stand-ins for aocq. study: a study is submitted, hit by USR1,
requeued, and ends with the bytes of a direct run. array: two parts of a study at once, the same bytes.
"""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from study_runs import LIMIT, Failed, Test, environment, expect, skip  # noqa: E402

SMALL = ["--cpus-per-task=1", "--mem-per-cpu=100M", "--time=10"]


class Cluster:
    """slurm/pseudo-cluster.sh, as a context."""

    def __init__(self, test):
        self.root = Path(test.arguments.root).resolve()
        self.folder = test.scratch / "slurm"

    def script(self, verb):
        return subprocess.run([self.root / "slurm/pseudo-cluster.sh", verb, self.folder], capture_output=True, text=True,
                              env=environment() | {"AOCQ_SLURM_CPUS": "2"}, timeout=120, check=False)

    def __enter__(self):
        started = self.script("start")
        if started.returncode == 2:
            skip(started.stderr.strip().splitlines()[-1])
        expect(started.returncode == 0, f"the cluster does not start\n{started.stderr}")
        os.environ["SLURM_CONF"] = str(self.folder / "slurm.conf")
        return self

    def __exit__(self, *failure):
        stopped = self.script("stop")
        if not any(failure):
            expect(stopped.returncode == 0, f"the cluster does not stop\n{stopped.stderr}")
            expect(self.script("status").returncode == 3, "daemons of the cluster are left")

    def call(self, *command, variables=None):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=self.root,
                              env=environment() | (variables or {}), timeout=60, check=False)
        expect(done.returncode == 0, f"{command[0]} failed: {done.stderr}")
        return done.stdout.strip()

    def submit(self, script, log, *arguments, variables=None, options=()):
        """Returns the job's number."""
        return self.call("sbatch", "--parsable", f"--output={log}", *SMALL, *options, f"slurm/{script}", *arguments,
                         variables=variables)

    def fields(self, job):
        """What `scontrol show job` says of a job, of each task if it is an array."""
        return [dict(re.findall(r"(\w+)=(\S+)", line))
                for line in self.call("scontrol", "--oneliner", "show", "job", job).splitlines()]

    def wait(self, job, done, what, log, limit=LIMIT):
        """Waits until all tasks of a job fulfil `done`. A requeued one need not wait for the two minutes that Slurm gives
        a node to recover; but if it started within a second of its end, slurmd would take it for the one that ended."""
        end, requeued = time.monotonic() + limit, {}
        while True:
            tasks = self.fields(job)
            if all(done(task) for task in tasks):
                return tasks
            for task in tasks:
                if task["JobState"] == "PENDING" and task.get("Reason") == "BeginTime":
                    first = requeued.setdefault((task["JobId"], task["Restarts"]), time.monotonic())
                    if time.monotonic() - first > 2:
                        self.call("scontrol", "update", f"JobId={task['JobId']}", "StartTime=now")
            if time.monotonic() > end:
                text = log.read_text() if log.exists() else "(no log)"
                raise Failed(f"job {job} is not {what} within {limit} s: {tasks}\n--- its log\n{text}")
            time.sleep(0.05)

    def wait_for_end(self, job, log):
        ended = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
        return self.wait(job, lambda task: task["JobState"] in ended, "at its end", log)


def stand_in(test, name, body):
    program = test.scratch / name
    program.write_text(f"#!/bin/bash\n{body}\n")
    program.chmod(0o755)
    return {"AOCQ": str(program)}


def scripts(test):
    log = test.scratch / "job.log"
    with Cluster(test) as cluster:
        def run(program, script="study.sbatch", options=(), **variables):
            log.unlink(missing_ok=True)
            options = ["--ntasks-per-node=2", *options]
            job = cluster.submit(script, log, "study.toml", "--some", "option", variables=program | variables,
                                 options=options)
            tasks = cluster.wait_for_end(job, log)
            return [(task["ExitCode"], task["Restarts"]) for task in tasks], log.read_text()

        for code in (0, 2, 3, 137):
            ended, text = run(stand_in(test, "ends", f'echo "called with $*"; exit {code}'))
            expect(ended == [(f"{code}:0", "0")], f"exit {code} became {ended}\n{text}")
            expect(text.count("called with run study.toml --some option") == 2, f"not two ranks, or other options:\n{text}")
        wrapped = stand_in(test, "wrapped", 'echo "container: $INSIDE"; exit 0')
        ended, text = run(wrapped, AOCQ_LAUNCH="env INSIDE=yes")
        expect(text.count("container: yes") == 2, f"the command before the program was not used:\n{text}")
        again = stand_in(test, "again", 'echo "end known: $((SLURM_JOB_END_TIME > $(date +%s)))"; exit 75')
        ended, text = run(again, AOCQ_MAX_RESTARTS="2")
        expect(ended == [("75:0", "2")], f"a cap of two restarts gave {ended}\n{text}")
        for start in (1, 2, 3):
            expect(f"start {start}, 2 ranks" in text, f"start {start} is not in the log that all of them share:\n{text}")
        expect(text.count("end known: 1") == 6, f"the job's end is unknown to the ranks:\n{text}")
        parts = stand_in(test, "parts", 'echo "called with $*"; exit 0')
        ended, text = run(parts, "array.sbatch", ["--array=0-2", "--ntasks-per-node=1"])
        expect(ended == [("0:0", "0")] * 3, f"an array gave {ended}\n{text}")
        for part in range(3):
            expect(f"--some option --part {part}/3" in text, f"no part {part}\n{text}")
        ended, text = run(parts, "array.sbatch", ["--array=1-2"])
        expect(ended == [("2:0", "0")] * 2 and "the array has to be 0-N" in text, f"an incomplete array gave {ended}\n{text}")
        ended, text = run(parts, "array.sbatch", ["--array=4"], AOCQ_PARTS="5")
        expect(ended == [("0:0", "0")] and "--part 4/5" in text, f"one part again gave {ended}\n{text}")


def study(test):
    """Once with srun and PMIx, once with mpirun inside the allocation."""
    digest = test.clean_study().digest()
    study_file = Path(test.arguments.root) / "tests/app/crash_study.toml"
    with Cluster(test) as cluster:
        for launcher in ("pmix", "mpirun"):
            batch, log = test.study(launcher), test.scratch / f"{launcher}.log"
            job = cluster.submit("study.sbatch", log, study_file, "--results", batch.results,
                                 options=["--ntasks-per-node=2"],
                                 variables={"AOCQ": str(Path(test.arguments.aocq).resolve()), "AOCQ_MPI": launcher})
            cluster.wait(job, lambda task, batch=batch: batch.files("statistics"), "past calibration", log)
            cluster.call("scancel", "--batch", "--signal=USR1", job)
            cluster.wait(job, lambda task: task["Restarts"] == "1", "requeued", log)
            expect(batch.files("experiments") != test.clean_study().files("experiments"), "nothing was left to do")
            tasks = cluster.wait_for_end(job, log)
            text = log.read_text()
            print(text)
            expect([task["ExitCode"] for task in tasks] == ["0:0"], f"the job ended with {tasks}\n{text}")
            for words in ("start 1, 2 ranks", "stop requested", "stopped early: requeueing", "start 2, 2 ranks"):
                expect(words in text, f"the log does not say '{words}':\n{text}")
            expect("2 rank(s)" in text, f"the ranks do not see each other:\n{text}")
            batch.expect_finished_like(digest)


def array(test):
    digest = test.clean_study().digest()
    batch, log = test.study("array"), test.scratch / "array.log"
    study_file = Path(test.arguments.root) / "tests/app/crash_study.toml"
    with Cluster(test) as cluster:
        job = cluster.submit("array.sbatch", log, study_file, "--results", batch.results,
                             options=["--array=0-1", "--ntasks-per-node=1"],
                             variables={"AOCQ": str(Path(test.arguments.aocq).resolve())})
        tasks = cluster.wait_for_end(job, log)
        text = log.read_text()
        expect([task["ExitCode"] for task in tasks] == ["0:0"] * 2, f"the parts ended with {tasks}\n{text}")
        report = batch.call("report")
        expect(report.returncode == 0, report.stderr)
        batch.expect_finished_like(digest)


CASES = {"scripts": scripts, "study": study, "array": array}


def options(parser):
    parser.add_argument("case", choices=CASES)


test = Test(__doc__, options)
test.main(CASES[test.arguments.case])
