#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The long run: every fuzz target under libFuzzer with address and undefined-behaviour sanitizers, one after another.
# Installs clang where it is missing and builds build-fuzz/. A finding stops its target; the input lies in
# build-fuzz/findings. What libFuzzer learns is kept in build-fuzz/corpus for the next run.
#
# Usage: tests/fuzz/run.sh [TARGET...]      all by default: bundle image json pickle pth safetensors tar toml
# Environment: AOCQ_FUZZ_RUNS  executions of each target (1000000)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=experiments/setup.sh
source "$here/../../experiments/setup.sh"
build=$aocq_root/build-fuzz
runs=${AOCQ_FUZZ_RUNS:-1000000}

fuzz_setup() {
  setup_packages
  setup_cmake
  if ! command -v clang++ >/dev/null; then setup_install clang; fi
  if [[ ! -e $(clang++ -print-file-name=libclang_rt.fuzzer-x86_64.a) ]] &&
    [[ ! -e $(clang++ -print-runtime-dir)/libclang_rt.fuzzer-x86_64.a ]]; then
    setup_install "libclang-rt-$(clang++ -dumpversion | cut -d. -f1)-dev"
  fi
  (cd "$aocq_root" && setup_quietly "$aocq_cmake" --preset fuzz) || setup_fail "CMake could not configure $build"
}

fuzz_run() {  # fuzz_run TARGET: prints one line, fails on a finding
  local name=$1 log=$build/$1.log seeds status=0
  mapfile -t seeds <"$build/tests/fuzz/$name.seeds"
  mkdir -p "$build/corpus/$name" "$build/findings"
  # Inputs are small; a reader that asks for a quarter of a gigabyte for one believes what it claims.
  "$build/fuzz_$name" -runs="$runs" -max_len=32768 -timeout=30 -rss_limit_mb=2048 -malloc_limit_mb=256 \
    -print_final_stats=1 -artifact_prefix="$build/findings/$name-" \
    "$build/corpus/$name" "${seeds[@]}" >"$log" 2>&1 || status=$?
  awk -v name="$name" -v status="$status" '
    /^stat::number_of_executed_units/ {executed = $2}
    /^stat::average_exec_per_sec/ {rate = $2}
    /^#[0-9]+.*cov:/ {for (i = 1; i < NF; ++i) if ($i == "cov:") coverage = $(i + 1)}
    /ERROR: |SUMMARY: |does not hold:|not the input.s fault/ {finding = finding "\n    " $0}
    END {
      printf "%-12s %9d executions  %6d/s  %5d edges  %s%s\n", name, executed, rate, coverage,
        status ? "FINDING" : "no finding", status ? finding : ""
    }' "$log"
  return "$status"
}

main() {
  fuzz_setup
  local targets=("$@") name failed=0
  if ((${#targets[@]} == 0)); then targets=(bundle image json pickle pth safetensors tar toml); fi
  "$aocq_cmake" --build "$build" --parallel "$(setup_jobs)" --target "${targets[@]/#/fuzz_}" >&2 ||
    setup_fail "the build failed" "The compiler's messages are above."
  for name in "${targets[@]}"; do fuzz_run "$name" || failed=1; done
  return "$failed"
}

main "$@"
