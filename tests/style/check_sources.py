#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the sources against the project's rules: check_sources.py banned|headers|sizes|format|self-test ROOT

Prints one line per finding, FILE:LINE: what and why; exit code 1 if there is any, 77 if the check cannot be made.
"""
import os
import re
import shutil
import subprocess
import sys

FOLDERS = ("src", "tests", "experiments", "configs", "results", "slurm", ".ci")
CODE = (".cpp", ".hpp")
SCRIPTS = (".sh", ".py", ".sbatch")
LONGEST_FILE = 400  # lines
LARGEST_FILE = 1 << 20  # bytes
LICENCE = "SPDX-License-Identifier: Apache-2.0"

# pattern, what is wrong with it, path prefixes where it is fine
BANNED = [
    (r"\bs?rand\s*\(", "rand(): not reproducible, use core/Random.hpp", ()),
    (r"\brandom_device\b", "random_device: not reproducible, use core/Random.hpp", ()),
    (r"\bsystem_clock\b", "system_clock: dates must not get into results, use steady_clock", ()),
    (r"\bmanual_seed\s*\(", "manual_seed: global state, use core/Random.hpp", ("src/nn/train", "src/nn/Train")),
    (r"\bstd::cout\b", "std::cout: stdout is for results, log with core/Log.hpp", ("src/report/", "src/app/")),
    (r"\busing\s+namespace\s+std\b", "using namespace std", ()),
    (r"\bMPI_\w+", "MPI belongs to src/par", ("src/par/", "tests/")),
    (r"\bH5[A-Z]{1,2}[a-z]\w*\s*\(", "HDF5 belongs to src/store", ("src/store/", "tests/")),
]

# A library is included by one module only (tests may look behind it).
TORCH = ("src/nn/", "src/quant/", "src/runtime/", "src/engine/", "src/app/", "tests/")
INCLUDES = [
    (r"mpi\.h", ("src/par/", "tests/")),
    (r"hdf5\.h", ("src/store/", "tests/")),
    (r"toml\+\+/", ("src/config/", "tests/config/")),
    (r"(jpeglib|png|turbojpeg)\.h", ("src/data/", "tests/data/")),
    (r"zip\.h", ("src/nn/", "tests/nn/")),
    (r"openssl/", ("src/core/",)),
    (r"CLI/", ("src/app/",)),
    (r"(torch|ATen|c10)/", TORCH),
]


def code_only(text):
    """The text with comments and literals blanked, line breaks kept."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def banned(path, text):
    if not path.endswith(CODE):
        return
    code = code_only(text)
    for pattern, why, allowed in BANNED:
        if not path.startswith(allowed or ("\0",)):
            for found in re.finditer(pattern, code):
                yield line_of(code, found.start()), f"{found.group().strip()} ({why})"
    for pattern, allowed in INCLUDES:
        if not path.startswith(allowed):
            for found in re.finditer(rf"^\s*#\s*include\s*<({pattern})[^>]*>", text, re.MULTILINE):
                yield line_of(text, found.start(1)), f"<{found.group(1)}...> is included by {', '.join(allowed)} only"


def headers(path, text):
    script = path.endswith(SCRIPTS) or path == ".ci/run"
    if not path.endswith(CODE) and not script:
        return
    lines = text.split("\n")
    if path.endswith(CODE) and lines[0] != f"// {LICENCE}":
        yield 1, f"the first line must be '// {LICENCE}'"
    if script and f"# {LICENCE}" not in lines[:2]:
        yield 1, f"one of the first two lines must be '# {LICENCE}'"
    if path.endswith(".hpp") and "#pragma once" not in lines:
        yield 1, "a header needs #pragma once"


def sizes(path, text):
    if path.endswith(CODE + SCRIPTS) and text.count("\n") > LONGEST_FILE:
        yield 1, f"{text.count(chr(10))} lines (at most {LONGEST_FILE}: one idea per file)"


def files(root):
    """Paths relative to the root, sorted: the project's folders and the files beside them."""
    for name in sorted(os.listdir(root)):
        if os.path.isfile(os.path.join(root, name)):
            yield name
    for folder in FOLDERS:
        for parent, children, names in os.walk(os.path.join(root, folder)):
            children[:] = sorted(c for c in children if c != "__pycache__")
            relative = os.path.relpath(parent, root)
            if relative == os.path.join("results", "runs"):
                children[:] = []
                continue
            for name in sorted(names):
                yield os.path.join(relative, name)


def check(rule, root):
    for path in files(root):
        full = os.path.join(root, path)
        large = os.path.getsize(full) > LARGEST_FILE
        if rule is sizes and large and not re.fullmatch(r"experiments/[^/]+\.safetensors", path):
            yield f"{path}: {os.path.getsize(full)} bytes (at most {LARGEST_FILE})"
        if large or not (path.endswith(CODE + SCRIPTS) or path == ".ci/run"):
            continue
        with open(full, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
        for line, what in rule(path, text):
            yield f"{path}:{line}: {what}"


def formatter():
    for name in ("clang-format-14", "clang-format"):
        program = shutil.which(name)
        if program:
            version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            if re.search(r"version 14\.", version):
                return program
    return None


def check_format(root):
    program = formatter()
    if not program:
        print("clang-format 14 is not installed (other versions format differently)")
        sys.exit(77)
    paths = [path for path in files(root) if path.endswith(CODE)]
    result = subprocess.run([program, "--dry-run", "-Werror"] + paths, cwd=root, capture_output=True, text=True,
                            check=False)
    wrong = sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error", result.stderr, re.MULTILINE)))
    yield from (f"{path}: not formatted (run clang-format-14 -i {path})" for path in wrong)
    if result.returncode and not wrong:
        yield f"{program} failed: {result.stderr.strip()}"


def self_test():
    """Every rule finds what it is there for and leaves alone what is fine."""
    bad = [
        (banned, "src/nn/A.cpp", "int x = rand();"),
        (banned, "src/nn/A.cpp", "std::random_device seed;"),
        (banned, "tests/nn/A.cpp", "std::chrono::system_clock::now();"),
        (banned, "src/nn/A.cpp", "torch::manual_seed(1);"),
        (banned, "src/nn/A.cpp", "std::cout << 1;"),
        (banned, "src/nn/A.cpp", "using namespace std;"),
        (banned, "src/engine/A.cpp", "MPI_Barrier(MPI_COMM_WORLD);"),
        (banned, "src/report/A.cpp", "H5Fopen(name, 0, 0);"),
        (banned, "src/core/A.cpp", "#include <torch/torch.h>"),
        (banned, "src/app/A.cpp", "#include <toml++/toml.h>"),
        (headers, "src/nn/A.cpp", "// no licence\n"),
        (headers, "src/nn/A.hpp", f"// {LICENCE}\nint x;\n"),
        (headers, "tests/a.sh", "#!/usr/bin/env bash\ntrue\n"),
        (sizes, "src/nn/A.cpp", "\n" * (LONGEST_FILE + 1)),
    ]
    good = [
        (banned, "src/nn/A.cpp", '// rand() and MPI_Send\nauto s = "std::cout"; /* system_clock\n */ int grand(int);'),
        (banned, "src/nn/A.cpp", "const int n = 1'000'000; operand(x); H5 h; SOME_MPI_X y;"),
        (banned, "src/par/A.cpp", "#include <mpi.h>\nint x = MPI_Init(nullptr, nullptr);"),
        (banned, "src/store/A.cpp", "H5Fopen(name, 0, 0);"),
        (banned, "src/app/A.cpp", "std::cout << 1;"),
        (headers, "src/nn/A.hpp", f"// {LICENCE}\n// What.\n#pragma once\n"),
        (headers, "tests/a.sh", f"#!/usr/bin/env bash\n# {LICENCE}\n"),
        (sizes, "src/nn/A.cpp", "\n" * LONGEST_FILE),
    ]
    for rule, path, text in bad:
        if not list(rule(path, text)):
            yield f"{rule.__name__} overlooked in {path}: {text[:60]!r}"
    for rule, path, text in good:
        for _, what in rule(path, text):
            yield f"{rule.__name__} wrongly found in {path}: {what}"
    if list(banned("src/nn/A.cpp", "int a;\n/* x\n */ int b = rand();"))[0][0] != 3:
        yield "banned names the wrong line"


def main(rule, root):
    checks = {"banned": lambda: check(banned, root), "headers": lambda: check(headers, root),
              "sizes": lambda: check(sizes, root), "format": lambda: check_format(root), "self-test": self_test}
    findings = list(checks[rule]())
    for finding in findings:
        print(finding)
    print(f"{rule}: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
