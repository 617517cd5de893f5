#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the embedded study on 1, 2, 3, 4 and 7 ranks into five folders and compares tables, results and statistics byte
# by byte; then stops one run in the middle and goes on with another number of ranks.
set -euo pipefail
aocq=$1
root=$2
if ! command -v mpirun > /dev/null; then
  echo "no mpirun: install openmpi-bin"
  exit 77
fi
if [[ $(id -u) == 0 ]]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMP_NUM_THREADS=1 AOCQ_OVERSUBSCRIBE=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none

folder=$(mktemp -d)
study=$root/experiments/quickstart.toml
# A smaller share of the images keeps seven ranks on two cores short; every stage still runs.
options=(--set data.evaluation.images=200 --set data.calibration.images=40)

run() { # ranks folder
  mpirun -n "$1" "$aocq" run "$study" "${options[@]}" --results "$2" 2> "$2.log" || return $?
}
digest() { # everything but the plan's and log's places
  (cd "$1/quickstart" && find tables experiments cache -type f ! -path '*/chunk/*' | LC_ALL=C sort | xargs sha256sum)
}

for ranks in 1 2 3 4 7; do
  run "$ranks" "$folder/$ranks" || { cat "$folder/$ranks.log"; exit 1; }
  digest "$folder/$ranks" > "$folder/$ranks.sums"
  if ! cmp "$folder/1.sums" "$folder/$ranks.sums"; then
    echo "$ranks ranks differ from one:"
    diff "$folder/1.sums" "$folder/$ranks.sums" || true
    exit 1
  fi
  echo "$ranks ranks: $(wc -l < "$folder/$ranks.sums") files, the same bytes"
done
[[ -s $folder/1/quickstart/tables/methods.txt && $(wc -l < "$folder/1.sums") -ge 30 ]]

# Images that ranks synthesize together.
for ranks in 1 3; do
  mpirun -n "$ranks" "$aocq" run "$root/experiments/psaq_embedded.toml" "${options[@]}" \
    --set data.calibration.images=6 --set data.calibration.synthesis.iterations=2 \
    --results "$folder/synthetic$ranks" 2> "$folder/synthetic$ranks.log" ||
    { cat "$folder/synthetic$ranks.log"; exit 1; }
  (cd "$folder/synthetic$ranks/psaq_embedded" &&
    find tables experiments cache/synthetic -type f | LC_ALL=C sort | xargs sha256sum) > "$folder/synthetic$ranks.sums"
done
cmp "$folder/synthetic1.sums" "$folder/synthetic3.sums"
echo "synthetic images: the same bytes"

# SIGTERM to the launcher while the study runs, then the rest on three ranks.
mkdir -p "$folder/stopped"
mpirun -n 2 "$aocq" run "$study" "${options[@]}" --results "$folder/stopped" 2> "$folder/stopped.log" &
launcher=$!
for _ in $(seq 100); do
  sleep 0.1
  if compgen -G "$folder/stopped/quickstart/experiments/*.h5" > /dev/null; then break; fi
done
kill -TERM "$launcher" 2> /dev/null || true
status=0
wait "$launcher" || status=$?
echo "stopped run: exit $status"
run 3 "$folder/stopped" || { cat "$folder/stopped.log"; exit 1; }
digest "$folder/stopped" > "$folder/stopped.sums"
cmp "$folder/1.sums" "$folder/stopped.sums"
echo "stopped and continued: the same bytes"
rm -rf "$folder"
