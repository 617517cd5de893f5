# SPDX-License-Identifier: Apache-2.0
"""What the tests of the whole program share: starting `aocq run` on ranks, finding and killing its processes, and the
bytes of a results folder.

A test is a script `TEST.py --aocq PROGRAM --root SOURCES [--clean FOLDER] ...`; code 77 skips it, and the last line says
why. A failed expectation raises `Failed` with what was seen.
"""
import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STUDY_NAME = "crash"  # of tests/app/crash_study.toml
# mpirun signals whole process groups: the shell ignores what aocq handles.
TELL_CODES = ["sh", "-c", 'trap "" TERM USR1; "$0" "$@"; code=$?; echo $code >"$AOCQ_TEST_CODES.$OMPI_COMM_WORLD_RANK"; '
              'exit $code']
LIMIT = 280  # seconds that no run of the study may take: longer is a hang


class Failed(Exception):
    """What the program did is not what it promises."""


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def expect(condition, message, run=None):
    if not condition:
        raise Failed(message + (f"\n--- log of the run (exit {run.code})\n{run.log()}" if run else ""))


def environment():
    """Of ranks on this machine: root is fine, more ranks than cores too, one computing thread each."""
    return os.environ | {
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
        "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMP_NUM_THREADS": "1", "AOCQ_OVERSUBSCRIBE": "1"}


# --- processes ------------------------------------------------------------------------------------------------------


def stat_of(pid):
    """(state, session) of a process, or None if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return fields[0], int(fields[3])


def alive(pid):
    found = stat_of(pid)
    return found is not None and found[0] not in "ZX"


def session_members(session):
    """The living processes of a session. The launcher starts one, and ranks stay in it whatever happens to it."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    found = [(pid, stat_of(pid)) for pid in pids]
    return [pid for pid, stat in found if stat and stat[1] == session and stat[0] not in "ZX"]


def rank_of(pid):
    """The MPI rank of a process, or None if it is not one."""
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        is_rank = Path(f"/proc/{pid}/comm").read_text().strip() == "aocq"
    except OSError:
        return None
    for pair in pairs:
        if is_rank and pair.startswith(b"OMPI_COMM_WORLD_RANK="):
            return int(pair.split(b"=")[1])
    return None


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Run:
    """One `aocq run`, under mpirun if it has ranks."""

    def __init__(self, command, log, variables):
        self.log_file = log
        self.started = time.monotonic()
        with open(log, "wb") as stream:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                                            env=environment() | variables, start_new_session=True)

    @property
    def code(self):
        return self.process.poll()

    def log(self):
        return Path(self.log_file).read_text(errors="replace")

    def codes(self):
        """{rank: its own exit code} of a run that was started with codes."""
        log = Path(self.log_file)
        return {int(file.suffix[1:]): int(file.read_text()) for file in log.parent.glob(f"{log.name}.*")}

    def seconds(self):
        return time.monotonic() - self.started

    def ranks(self):
        """{rank: pid} of the ranks that have started and live."""
        found = {rank_of(pid): pid for pid in session_members(self.process.pid)}
        found.pop(None, None)
        return found

    def wait(self, limit=LIMIT):
        """The exit code (128 + signal if it was killed). A run that does not end is killed, and fails the test."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise Failed(f"the run hangs: it did not end within {limit} s\n--- its log\n{self.log()}") from None
        return 128 - code if code < 0 else code

    def wait_for(self, condition, what, limit=LIMIT):
        """Waits until the condition holds while the run goes on."""
        end = time.monotonic() + limit
        while not condition():
            expect(self.code is None, f"the run ended before {what}", self)
            if time.monotonic() > end:
                self.kill_all()
                raise Failed(f"no {what} within {limit} s\n--- its log\n{self.log()}")
            time.sleep(0.01)

    def orphans(self, patience):
        """Those processes of the run that still live after that many seconds."""
        end = time.monotonic() + patience
        while True:
            left = session_members(self.process.pid)
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.02)

    def kill_all(self):
        for pid in session_members(self.process.pid):
            kill(pid)
        self.process.wait()
        while self.orphans(0.1):
            for pid in session_members(self.process.pid):
                kill(pid)


# --- the study and its folder ---------------------------------------------------------------------------------------


class Study:
    """tests/app/crash_study.toml below one results folder."""

    def __init__(self, aocq, root, results, log=None):
        self.aocq = Path(aocq)
        self.file = Path(root) / "tests/app/crash_study.toml"
        self.results = Path(results)
        self.log = log or results  # its runs' logs are LOG.1.log and so on
        self.runs = 0

    @property
    def folder(self):
        return self.results / STUDY_NAME

    def command(self, verb, *more):
        return [str(self.aocq), verb, str(self.file), "--results", str(self.results), *more]

    def start(self, ranks, *more, codes=False, variables=None):
        """Starts a run on ranks, or alone (0). With codes, the run knows every rank's own exit code afterwards."""
        launcher = ["mpirun", "-n", str(ranks)] if ranks else []
        self.runs += 1
        log = f"{self.log}.{self.runs}.log"
        return Run([*launcher, *(TELL_CODES if codes else []), *self.command("run", *more)], log,
                   {"AOCQ_TEST_CODES": log} | (variables or {}))

    def run(self, ranks, *more, code=0):
        """A run to its end, which has to be that exit code."""
        run = self.start(ranks, *more)
        found = run.wait()
        expect(found == code, f"exit code {found} instead of {code}", run)
        return run

    def call(self, verb, *more):
        return subprocess.run(self.command(verb, *more), capture_output=True, text=True, env=environment(),
                              timeout=LIMIT, check=False)

    def files(self, kind):
        """Finished files of a kind of cache entry, or of 'experiments' and 'segments'."""
        below = self.folder / (kind if kind in ("experiments", "segments", "tables") else f"cache/{kind}")
        return sorted(file for file in below.glob("*") if file.is_file() and not file.name.startswith("."))

    def digest(self):
        """{path: SHA-256} of everything that has to be the same whatever happened to the run."""
        found = {}
        for top in ("tables", "experiments", "cache"):
            for file in sorted((self.folder / top).rglob("*")):
                if file.is_file() and file.parent.name != "checkpoint":  # goes when its stage is finished: leftovers()
                    found[str(file.relative_to(self.folder))] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found

    def leftovers(self):
        """Files that a finished study has no use for: half-written ones, checkpoints and segments."""
        return [str(file.relative_to(self.folder)) for file in sorted(self.folder.rglob("*")) if file.is_file() and
                (file.name.startswith(".") or file.suffix == ".part" or file.parent.name in ("checkpoint", "segments"))]

    def expect_finished_like(self, clean):
        """The folder has the bytes of a clean run's digest, no file more and no file less."""
        left = self.leftovers()
        expect(not left, f"left behind in {self.folder}: {left}")
        found = self.digest()
        differences = [f"  missing {path}" for path in clean if path not in found]
        differences += [f"  too much {path}" for path in found if path not in clean]
        differences += [f"  differs {path}" for path in clean if path in found and found[path] != clean[path]]
        expect(not differences, f"{self.folder} is not what a clean run makes:\n" + "\n".join(differences))


class Test:
    """The arguments, the scratch folder and the clean run that all these tests have."""

    def __init__(self, description, extend=None):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--aocq", required=True, help="the program")
        parser.add_argument("--root", required=True, help="the project's folder")
        parser.add_argument("--clean", help="results folder of a finished clean run, made if it is not there")
        if extend:
            extend(parser)
        self.arguments = parser.parse_args()
        if not shutil.which("mpirun"):
            skip("no mpirun: install openmpi-bin")
        self.scratch = Path(tempfile.mkdtemp(prefix="aocq-test-"))

    def study(self, name, results=None, log=None):
        return Study(self.arguments.aocq, self.arguments.root, results or self.scratch / name, log)

    def clean_study(self):
        """A finished study that nothing happened to; shared between tests if --clean names its folder."""
        study = self.study("clean", self.arguments.clean)
        if not (study.folder / "tables").is_dir():
            study.run(2)
        return study

    def main(self, body):
        """Runs the test; its scratch folder stays if it fails."""
        try:
            body(self)
        except Failed as failure:
            print(f"FAILED: {failure}\n(files: {self.scratch})")
            sys.exit(1)
        shutil.rmtree(self.scratch, ignore_errors=True)
