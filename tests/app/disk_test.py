#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a run does when its disk is full, cannot be written, vanishes, is used twice or flips a bit.

    disk_test.py full|read-only|deleted|two-runs|flipped --aocq build/aocq --root .
"""
import os
import shutil
import signal
import subprocess
import time
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from study_runs import Test, expect, kill, skip  # noqa: E402


# --- disks of our own -----------------------------------------------------------------------------------------------


def enter_private_mounts():
    """Starts this script again where mounts are its own: as root, or as root of a user namespace."""
    if os.environ.get("AOCQ_PRIVATE_MOUNTS"):
        return
    flags = "-m" if os.geteuid() == 0 else "-rm"
    tried = subprocess.run(["unshare", flags, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True,
                           check=False)
    if tried.returncode:
        skip(f"no private mount of a tmpfs is possible here ({tried.stderr.strip() or 'unshare failed'})")
    os.environ["AOCQ_PRIVATE_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", flags, sys.executable, *sys.argv])


def mount(folder, options):
    """A tmpfs, or new options of the one that is there (they have to name the size again)."""
    folder.mkdir(exist_ok=True)
    again = ["-o", f"remount,{options}"] if os.path.ismount(folder) else ["-o", options]
    for _ in range(50):  # a file of a process that is just dying keeps the folder busy
        done = subprocess.run(["mount", "-t", "tmpfs", *again, "none", str(folder)], capture_output=True, text=True)
        if done.returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(done.stderr)


def size_of(folder):
    return sum(-(-file.stat().st_size // 4096) * 4096 for file in folder.rglob("*") if file.is_file())


def expect_right_so_far(study, clean):
    """Whatever has its final name has its final bytes."""
    for path, digest in study.digest().items():
        expect(clean.get(path) == digest, f"{path} is not what a clean run makes")


def full(test):
    enter_private_mounts()
    clean = test.clean_study()
    digest, size = clean.digest(), size_of(clean.folder)
    disk = test.scratch / "disk"
    study = test.study("full", disk, log=test.scratch / "full")
    finished = {}
    for share in (0.15, 0.45, 0.8):
        mount(disk, f"size={int(size * share)}")
        run = study.run(2, code=2)
        expect("No space left" in run.log(), "the message does not say that the disk is full", run)
        expect(str(study.folder) in run.log(), "the message does not name the file", run)
        expect_right_so_far(study, digest)
        now = study.digest()
        expect(set(finished) <= set(now), f"lost by the full disk: {set(finished) - set(now)}", run)
        print(f"{share:.0%} of the space: exit 2, {len(now)} of {len(digest)} files finished")
        finished = now
    mount(disk, f"size={size * 4}")
    study.run(3)
    study.expect_finished_like(digest)
    subprocess.run(["umount", str(disk)], check=True)


def read_only(test):
    enter_private_mounts()
    digest = test.clean_study().digest()
    disk = test.scratch / "disk"
    study = test.study("read-only", disk, log=test.scratch / "read-only")
    mount(disk, "size=256m,ro")
    run = study.run(2, code=2)
    expect(str(disk) in run.log() and "Read-only file system" in run.log(), "the message does not name the folder", run)
    # Half finished, then locked.
    mount(disk, "size=256m,rw")
    run = study.start(2)
    run.wait_for(lambda: study.files("artefact"), "artefact")
    run.kill_all()
    mount(disk, "size=256m,ro")
    run = study.run(2, code=2)
    expect(str(disk) in run.log() and "Read-only file system" in run.log(), "the message does not name the folder", run)
    mount(disk, "size=256m,rw")
    study.run(2)
    study.expect_finished_like(digest)
    subprocess.run(["umount", str(disk)], check=True)


def deleted(test):
    digest = test.clean_study().digest()
    study = test.study("deleted")
    for kind in ("chunk", "artefact"):
        run = study.start(2)
        run.wait_for(lambda kind=kind: study.files(kind), kind)
        gone = study.folder.rename(test.scratch / "gone")
        shutil.rmtree(gone)
        code = run.wait()
        expect(code == 2, f"exit code {code} instead of 2", run)
        words = ("removed", "deleted", "gone", "vanished", "no longer", "disappeared")
        expect(str(study.folder) in run.log() and any(word in run.log() for word in words),
               "the message does not say that the folder is gone", run)
        study.run(2)
        study.expect_finished_like(digest)
        shutil.rmtree(study.results)


def two_runs(test):
    study = test.study("twice")
    first = study.start(2)
    first.wait_for(lambda: study.files("chunk"), "chunk")
    pids = first.ranks()
    for pid in pids.values():  # so that it cannot end before the second has tried
        kill(pid, signal.SIGSTOP)
    for ranks in (0, 2):
        second = study.start(ranks)
        code = second.wait()
        expect(code == 2 and "is running" in second.log(), f"the second run was not refused (exit {code})", second)
        expect(str(pids[0]) in second.log(), f"the refusal does not say who runs the study (process {pids[0]})", second)
    for pid in pids.values():
        kill(pid, signal.SIGCONT)
    code = first.wait()
    expect(code == 0, f"the first run ended with {code}", first)
    study.expect_finished_like(test.clean_study().digest())


# --- a flipped bit --------------------------------------------------------------------------------------------------


def flip_one_bit(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x10
    file.write_bytes(data)


# What has to go so that somebody reads the damaged file again.
READERS = {
    "chunk": ["statistics", "artefact", "experiments"],
    "statistics": ["artefact", "experiments"],
    "sensitivity": ["artefact", "experiments"],
    "artefact": ["experiments"],
    "logits": ["experiments"],
    "experiments": [],
}


def expect_mended(study, damaged, ranks, digest):
    run = study.run(ranks)
    log = run.log()
    expect(any("warning" in line and damaged.name in line for line in log.splitlines()),
           f"no warning names the damaged {damaged}", run)
    study.expect_finished_like(digest)


def flipped(test):
    clean = test.clean_study()
    digest = clean.digest()
    study = test.study("flipped")
    shutil.copytree(clean.folder, study.folder)
    for number, (kind, readers) in enumerate(READERS.items()):
        for reader in readers:
            for file in study.files(reader):
                file.unlink()
        damaged = study.files(kind)[number % len(study.files(kind))]
        if kind == "artefact":  # the last stage's, which the evaluation reads: one before it is read by nobody now
            damaged = max(study.files(kind), key=lambda file: file.stat().st_mtime_ns)
        flip_one_bit(damaged)
        expect_mended(study, damaged, 1 + number % 3, digest)
        print(f"{kind}: reported, made again, the same bytes")
    # A segment is there only while a study is not finished.
    stopped = test.study("segment")
    run = stopped.start(2)
    run.wait_for(lambda: stopped.files("experiments"), "finished experiment")
    kill(run.process.pid, signal.SIGUSR1)
    code = run.wait()
    expect(code == 75 and stopped.files("segments"), f"no segment was left by a stopped run (exit {code})", run)
    damaged = stopped.files("segments")[-1]
    flip_one_bit(damaged)
    expect_mended(stopped, damaged, 2, digest)
    print("segment: reported, made again, the same bytes")


CASES = {"full": full, "read-only": read_only, "deleted": deleted, "two-runs": two_runs, "flipped": flipped}


def options(parser):
    parser.add_argument("case", choices=CASES)


test = Test(__doc__, options)
test.main(CASES[test.arguments.case])
