#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The run that nothing happens to: makes the folder that the other tests compare with (--clean), and checks that a
finished study leaves nothing behind that it has no use for."""
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from study_runs import Test, expect  # noqa: E402


def body(test):
    shutil.rmtree(test.arguments.clean, ignore_errors=True)
    clean = test.study("clean", test.arguments.clean)
    run = clean.run(2)
    print(f"{run.seconds():.1f} s on 2 ranks, {len(clean.digest())} files")
    expect(not clean.leftovers(), f"left behind: {clean.leftovers()}", run)
    for kind in ("chunk", "sensitivity", "statistics", "artefact", "logits", "experiments", "tables"):
        expect(clean.files(kind), f"the study has no {kind}: the tests that use it test nothing", run)
    alone = test.study("alone")
    alone.run(0)
    alone.expect_finished_like(clean.digest())


Test(__doc__).main(body)
