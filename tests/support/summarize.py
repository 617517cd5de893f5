# SPDX-License-Identifier: Apache-2.0
"""Lists the skipped tests of a CTest run with their reasons, then counts: `summarize.py RESULTS.xml`.

CTest itself only says that a test was skipped; the reason is in the test's output.
The exit code is 1 if a test failed or none ran.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree


def reason(output):
    """The text of GTEST_SKIP, or the last line of a script that ended with code 77."""
    found = re.search(r": Skipped\n(.*?)\n?\[  SKIPPED \]", output, re.DOTALL)
    if found:
        return " ".join(found.group(1).split()) or "no reason given"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def classify(case):
    """'passed', 'failed' or 'skipped', and the reason of the last."""
    status = case.get("status")
    if status == "run":
        return "passed", ""
    skipped = case.find("skipped")
    message = skipped.get("message", "") if skipped is not None else ""
    if status == "disabled":
        return "skipped", "disabled"
    if message.startswith("SKIP_"):  # SKIP_REGULAR_EXPRESSION_MATCHED, SKIP_RETURN_CODE=77
        return "skipped", reason(case.findtext("system-out") or "")
    return "failed", message  # among them "not run" because a program is missing


def main(path):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    reasons = {}
    try:
        cases = ElementTree.parse(path).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        cases = ()
    for case in cases:
        kind, why = classify(case)
        counts[kind] += 1
        if kind == "skipped":
            reasons.setdefault(why, []).append(case.get("name"))
    if reasons:
        print("\nSkipped:")
        for why, names in sorted(reasons.items()):
            print(f"  {why}")
            for name in sorted(names):
                print(f"    {name}")
    print()
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
