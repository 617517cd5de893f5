# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What experiments/quickstart.sh and tests/run.sh have in common: install what is missing, configure build/, build.
# To be sourced; the caller has set -euo pipefail. Nothing here asks a question, and nothing prints where there is
# nothing to do.
#
# Environment: CMAKE_PREFIX_PATH (a LibTorch below one of its folders is used), CXX, AOCQ_JOBS (parallel compilations).

aocq_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
aocq_build=$aocq_root/build
aocq_venv=$aocq_root/.venv
aocq_torch_version=2.13.0

# Packages whose program may as well come from elsewhere on the PATH.
declare -A aocq_programs=([g++]=g++ [cmake]=cmake [ninja-build]=ninja [ccache]=ccache)

# "a|b": either will do; the first is the one that gets installed.
aocq_packages=(
  libopenmpi-dev openmpi-bin
  libhdf5-dev libfmt-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev libssl-dev
  "libjpeg-dev|libjpeg62-turbo-dev|libjpeg-turbo8-dev" libpng-dev libzip-dev
  libgtest-dev libgmock-dev
)

setup_say() { printf '%s\n' "-- $*" >&2; }
setup_fail() {
  printf '%s\n' "error: $1" "${@:2}" >&2
  exit 2
}

# Runs a long command: its output is shown only if it fails.
setup_quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if ((status != 0)); then cat "$log" >&2; fi
  rm -f "$log"
  return "$status"
}

# --- system packages ------------------------------------------------------------------------------------------------

setup_is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

setup_missing_packages() {
  local entry name
  for name in g++ cmake ninja-build ccache; do
    if ! command -v "${aocq_programs[$name]}" >/dev/null; then printf '%s\n' "$name"; fi
  done
  for entry in "${aocq_packages[@]}"; do
    for name in ${entry//|/ }; do
      if setup_is_installed "$name"; then continue 2; fi
    done
    printf '%s\n' "${entry%%|*}"
  done
  # venv needs what Debian splits off into a package of its own; another Python on the PATH may bring it.
  if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then printf '%s\n' python3-venv; fi
}

# A fresh cloud machine updates itself at first and holds the lock for minutes.
setup_apt() {
  "${setup_as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@"
}

setup_install() {  # setup_install PACKAGE...
  setup_as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      setup_fail "these packages are missing: $*" \
        "Installing them needs root. Run this, or ask your administrator, and call this script again:" \
        "    sudo apt-get update && sudo apt-get install --yes --no-install-recommends $*"
    fi
    setup_as_root=(sudo -n)
  fi
  setup_say "installing $*"
  # One unreachable source must not stop what the others can deliver; what is really lacking shows below.
  setup_quietly setup_apt update || setup_say "apt-get update reported an error; going on"
  local name unknown=()
  for name in "$@"; do
    if ! apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then unknown+=("$name"); fi
  done
  if ((${#unknown[@]})); then
    setup_fail "this system's package sources do not have: ${unknown[*]}" \
      "Debian 12 and Ubuntu 24.04 have them (on Ubuntu enable 'universe'); an older system needs them by hand."
  fi
  setup_quietly setup_apt install --yes --no-install-recommends "$@" ||
    setup_fail "apt-get could not install: $*" "Its messages are above."
}

setup_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    setup_say "no dpkg here: system packages are not checked; CMake will name what it cannot find (list: README.md)"
    return
  fi
  local missing
  mapfile -t missing < <(setup_missing_packages)
  if ((${#missing[@]} == 0)); then return; fi
  setup_install "${missing[@]}"
  mapfile -t missing < <(setup_missing_packages)
  if ((${#missing[@]})); then setup_fail "still missing after the installation: ${missing[*]}"; fi
}

# The default g++ of Ubuntu 22.04 is 11; the project needs 12.
setup_compiler() {
  if [[ -n ${CXX:-} ]]; then return; fi
  if command -v g++ >/dev/null && (($(g++ -dumpversion | cut -d. -f1) >= 12)); then return; fi
  if ! command -v g++-12 >/dev/null; then
    if ! command -v apt-get >/dev/null; then setup_fail "g++ 12 or later is needed" "Set CXX and CC to one."; fi
    setup_install g++-12
  fi
  export CXX=g++-12 CC=gcc-12
}

# --- Python environment: CMake where the system's is too old, LibTorch, what some tests use -------------------------

setup_venv() {
  # A copied or moved environment has a broken interpreter: make it anew.
  if "$aocq_venv/bin/python" -c 'import pip' >/dev/null 2>&1; then return; fi
  setup_say "making $aocq_venv"
  setup_quietly python3 -m venv --clear "$aocq_venv" || setup_fail "cannot make a Python environment in $aocq_venv"
}

setup_pip() { setup_quietly "$aocq_venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@"; }

setup_is_new_enough() {  # setup_is_new_enough FOUND NEEDED
  [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

setup_cmake() {
  aocq_cmake=cmake
  aocq_ctest=ctest
  local found=""
  if command -v cmake >/dev/null; then found=$(cmake --version | awk 'NR == 1 {print $3}'); fi
  if [[ -n $found ]] && setup_is_new_enough "$found" 3.25; then return; fi
  setup_venv
  aocq_cmake=$aocq_venv/bin/cmake
  aocq_ctest=$aocq_venv/bin/ctest
  if "$aocq_cmake" --version >/dev/null 2>&1; then return; fi
  setup_say "the system's CMake is ${found:-absent}, 3.25 is needed: installing one into .venv"
  setup_pip 'cmake>=3.25,<4' || setup_fail "cannot install CMake with pip"
}

# Is there a TorchConfig.cmake where find_package would look below CMAKE_PREFIX_PATH?
setup_torch_given() {
  local prefixes prefix folder
  IFS=':;' read -r -a prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}"; do
    for folder in "" /Torch /share/cmake/Torch /lib/cmake/Torch /cmake/Torch; do
      if [[ -n $prefix && -f $prefix$folder/TorchConfig.cmake ]]; then return 0; fi
    done
  done
  return 1
}

# Prints the folder that find_package(Torch) needs, or fails.
setup_torch_of_venv() {
  "$aocq_venv/bin/python" -W ignore - "$aocq_torch_version" 2>/dev/null <<'PYTHON'
import sys, torch
if torch.__version__.split("+")[0] != sys.argv[1]:
    sys.exit(1)
print(torch.utils.cmake_prefix_path)
PYTHON
}

# A wheel built for CUDA cannot be linked where there is no CUDA toolkit.
setup_wheel_wants_cuda() {
  grep -qsE "^cuda: .*= *'[0-9]" "$aocq_venv"/lib/python3*/site-packages/torch/version.py &&
    ! command -v nvcc >/dev/null && [[ ! -x ${CUDA_HOME:-/usr/local/cuda}/bin/nvcc ]]
}

setup_torch() {
  if setup_torch_given; then return; fi
  setup_venv
  local found
  if ! found=$(setup_torch_of_venv) || setup_wheel_wants_cuda; then
    setup_say "installing the torch $aocq_torch_version wheel into .venv (a large download)"
    # Without its dependencies first: those of the CUDA build are gigabytes that are of no use without a toolkit.
    setup_pip --no-deps "torch==$aocq_torch_version" || setup_fail "cannot install torch $aocq_torch_version with pip" \
      "Or unpack a LibTorch archive and set CMAKE_PREFIX_PATH to its folder."
    if setup_wheel_wants_cuda; then
      setup_say "the wheel is built for CUDA and there is no CUDA toolkit: taking the CPU build"
      setup_pip --no-deps --force-reinstall --index-url https://download.pytorch.org/whl/cpu \
        "torch==$aocq_torch_version" || setup_fail "cannot install the CPU build of torch $aocq_torch_version" \
        "Install the CUDA toolkit (nvcc), or unpack a LibTorch archive and set CMAKE_PREFIX_PATH to its folder."
    fi
    # numpy only keeps torch from warning that it is absent.
    setup_pip "torch==$aocq_torch_version" numpy || setup_fail "cannot install what torch depends on"
    found=$(setup_torch_of_venv) || setup_fail "torch $aocq_torch_version was installed into .venv but does not load" \
      "Try: $aocq_venv/bin/python -c 'import torch'"
  fi
  export CMAKE_PREFIX_PATH=$found${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}
}

# Some tests compare with Pillow or open a file with h5py. They are skipped, visibly, where these cannot be had.
setup_test_packages() {
  if "$aocq_venv/bin/python" -c 'import h5py, numpy, PIL' >/dev/null 2>&1; then return; fi
  if (setup_venv) && setup_say "installing numpy, pillow and h5py into .venv" && setup_pip numpy pillow h5py; then return; fi
  setup_say "numpy, pillow or h5py cannot be installed: the tests that need them will be skipped"
}

# The tests labelled slurm run a scheduler of their own (slurm/pseudo-cluster.sh), which only root can; they are skipped,
# visibly, without it. Where any Slurm is installed, it stays as it is.
setup_test_slurm() {
  if ((EUID != 0)) || command -v sbatch >/dev/null || ! command -v apt-get >/dev/null; then return; fi
  (setup_install slurmctld slurmd slurm-client munge) ||
    setup_say "Slurm cannot be installed: the tests that need it will be skipped"
}

# --- configure and build --------------------------------------------------------------------------------------------

# Compilations at a time: one per core, but a file that includes Torch takes up to 2.5 GiB.
setup_jobs() {
  if [[ -n ${AOCQ_JOBS:-} ]]; then
    printf '%s\n' "$AOCQ_JOBS"
    return
  fi
  local cores available limit fit
  cores=$(nproc)
  available=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || true)  # of a container; "max" or nothing where unlimited
  if [[ $limit =~ ^[0-9]+$ ]] && ((limit / 1048576 < available)); then available=$((limit / 1048576)); fi
  fit=$((available / 2560))
  if ((fit < 1)); then fit=1; fi
  printf '%s\n' "$((fit < cores ? fit : cores))"
}

# Both commands use the same options: changing one between them would compile everything twice. Warnings are errors
# with the compiler the project is developed with; later ones invent warnings that nobody has seen yet.
setup_configure() {
  local strict=OFF
  if [[ $("${CXX:-g++}" -dumpversion | cut -d. -f1) == 12 ]]; then strict=ON; fi
  strict=${AOCQ_WARNINGS_AS_ERRORS:-$strict}
  setup_quietly "$aocq_cmake" -S "$aocq_root" -B "$aocq_build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DAOCQ_TORCH=ON -DAOCQ_TESTS=ON -DAOCQ_WARNINGS_AS_ERRORS="$strict" ||
    setup_fail "CMake could not configure $aocq_build" "Its messages are above. A build folder of another checkout or" \
      "another LibTorch is the usual reason: remove it and try again."
}

setup_build() {  # setup_build [TARGET...]
  "$aocq_cmake" --build "$aocq_build" --parallel "$(setup_jobs)" ${1:+--target "$@"} >&2 ||
    setup_fail "the build failed" "The compiler's messages are above."
}

# --- MPI ------------------------------------------------------------------------------------------------------------

# Settings for a handful of ranks on one machine, as environment variables because other MPIs' launchers know other
# options and ignore these. A value that the user has set stays.
setup_mpi() {
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}  # ranks are the parallelism; more threads would fight for the cores
  if ((EUID == 0)); then                        # containers; Open MPI refuses root otherwise
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  # More ranks than cores is fine: a waiting rank sleeps. (Open MPI 4, then 5.)
  export AOCQ_OVERSUBSCRIBE=${AOCQ_OVERSUBSCRIBE:-1}
  export OMPI_MCA_rmaps_base_oversubscribe=${OMPI_MCA_rmaps_base_oversubscribe:-1}
  export PRTE_MCA_rmaps_default_mapping_policy=${PRTE_MCA_rmaps_default_mapping_policy:-:oversubscribe}
  # A rank has a worker, a talker and decoding threads: bound to one core they would share it, while others idle.
  export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy:-none}
  export PRTE_MCA_hwloc_default_binding_policy=${PRTE_MCA_hwloc_default_binding_policy:-none}
  # Containers often forbid one process to read another's memory; Open MPI then complains about every message.
  export OMPI_MCA_btl_vader_single_copy_mechanism=${OMPI_MCA_btl_vader_single_copy_mechanism:-none}
}

# Everything that has to be there before configuring.
setup_everything() {
  setup_packages
  setup_compiler
  setup_cmake
  setup_torch
  setup_mpi
}
