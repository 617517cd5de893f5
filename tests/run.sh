#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds everything, runs the tests through CTest and lists what was skipped and why.
# Arguments go to ctest (-R Resize, -L slow); without any, tests labelled slow are left out.
# The last line is "N passed, N failed, N skipped".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=experiments/setup.sh
source "$here/../experiments/setup.sh"

main() {
  setup_everything
  setup_test_packages
  setup_test_slurm
  setup_configure
  setup_build

  local python=$aocq_venv/bin/python
  if [[ ! -x $python ]]; then python=python3; fi
  export AOCQ_PYTHON=$python

  local selection=("$@")
  if (($# == 0)); then selection=(-LE '^slow$'); fi
  local report=$aocq_build/Testing/results.xml status=0
  rm -f "$report"
  # The default cuts a passing test's output at 1 KiB, and with it the reason of a skip.
  "$aocq_ctest" --test-dir "$aocq_build" --output-on-failure -j2 --no-tests=error --output-junit "$report" \
    --test-output-size-passed 65536 "${selection[@]}" </dev/null || status=$?
  "$python" "$here/support/summarize.py" "$report" || status=$((status ? status : $?))
  exit "$status"
}

main "$@"
