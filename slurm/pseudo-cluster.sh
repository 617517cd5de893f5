#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Slurm cluster of one node on this machine, to try batch scripts with the real scheduler. Guide: slurm/README.md.
#
#     slurm/pseudo-cluster.sh start FOLDER     munge, slurmctld and slurmd, with all their files below FOLDER
#     export SLURM_CONF=FOLDER/slurm.conf      so that sbatch, srun, squeue ... mean this cluster
#     slurm/pseudo-cluster.sh status FOLDER
#     slurm/pseudo-cluster.sh stop FOLDER      ends the daemons; FOLDER stays, for its logs
#
# Environment: AOCQ_SLURM_CPUS (CPUs of the node, default all of this machine).
# Exit codes: 0 done, 1 a daemon does not start, 2 it cannot be done here (the message says why), 3 (status) it does not
# run.
#
# Needs root and Debian's slurmctld, slurmd, slurm-client and munge. It reads no file of /etc/slurm or /etc/munge, and
# refuses where somebody else's Slurm runs.
set -euo pipefail

say() { printf '%s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$@" >&2
  exit 2
}
broken() {  # broken MESSAGE LOG...: shows the ends of the logs first
  tail -n 20 "${@:2}" >&2 2>/dev/null || true
  printf 'error: %s\n' "$1" >&2
  exit 1
}

daemons=(slurmd slurmctld munged)  # in the order in which they end

# Debian keeps daemons in /usr/sbin, which is not on every user's PATH.
PATH=$PATH:/usr/sbin:/sbin

usage() { fail "usage: slurm/pseudo-cluster.sh start|stop|status FOLDER"; }

need_programs() {
  local program missing=()
  for program in munged mungekey slurmctld slurmd sbatch srun scontrol sinfo; do
    if ! command -v "$program" >/dev/null; then missing+=("$program"); fi
  done
  if ((${#missing[@]})); then
    fail "not installed: ${missing[*]} (Debian: apt-get install slurmctld slurmd slurm-client munge)"
  fi
  if ((EUID != 0)); then fail "slurmd starts jobs as their users and therefore has to be started by root"; fi
}

# The process of a daemon of ours, if it lives. A number in a pid file may by now belong to another program.
process_of() {
  local pid
  pid=$(cat "$folder/run/$1.pid" 2>/dev/null) || return 1
  [[ -n $pid && $(cat "/proc/$pid/comm" 2>/dev/null) == "$1"* ]] || return 1
  printf '%s\n' "$pid"
}

refuse_others() {
  local program pid
  for program in slurmctld slurmd; do
    for pid in $(pgrep "^$program" || true); do
      if [[ $pid != "$(process_of "$program" || true)" ]]; then
        fail "$program already runs here (process $pid) and is not of $folder: this machine belongs to a cluster"
      fi
    done
  done
}

# Ports that nothing listens on, besides the two that real clusters use.
free_port() {
  local port
  for ((port = $1; port < $1 + 200; ++port)); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s\n' "$port"
      return
    fi
  done
  fail "no free port between $1 and $port"
}

write_configuration() {
  local cpus memory host
  cpus=${AOCQ_SLURM_CPUS:-$(nproc)}
  memory=$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo)
  host=$(hostname -s)
  # Memory is stated and not handed out: what a job asks for is checked, two jobs never wait for each other's.
  # MinJobAge keeps ended jobs visible to scontrol: there is no accounting. A requeued job starts again at once
  # only if nothing makes it wait for the scheduler's next round, hence the short intervals.
  cat >"$folder/slurm.conf" <<CONF
ClusterName=aocq-pseudo
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port 16817)
SlurmdPort=$(free_port 17018)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=pmix
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=2
JobRequeue=1
KillWait=30
MinJobAge=3600
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory State=UNKNOWN
PartitionName=local Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
}

# Starts a daemon and shows the end of its log if it does not stay.
start_daemon() {  # start_daemon NAME COMMAND...
  local name=$1
  shift
  if process_of "$name" >/dev/null; then return; fi
  if ! "$@" >>"$folder/log/$name.start.log" 2>&1; then
    broken "$name does not start; its log is above" "$folder/log/$name.start.log" "$folder/log/$name.log"
  fi
}

wait_until_idle() {
  local i state=""
  for ((i = 0; i < 150; ++i)); do
    state=$(sinfo --noheader --format=%T 2>/dev/null || true)
    case $state in
      idle | mixed | allocated) return ;;
    esac
    sleep 0.2
  done
  broken "the node did not come up in 30 s (state: ${state:-unknown}); the logs are above" \
    "$folder"/log/{slurmctld,slurmd}.log
}

start() {
  need_programs
  if ((${#folder} > 80)); then fail "the path of $folder is too long for a socket in it: choose a shorter one"; fi
  refuse_others
  mkdir -p "$folder"/{run,log,state,spool}
  # A socket that everybody may reach, in a folder that perhaps nobody else may enter: munged insists on --force.
  if [[ ! -f $folder/munge.key ]]; then mungekey --create --keyfile="$folder/munge.key"; fi
  start_daemon munged munged --force --key-file="$folder/munge.key" --socket="$folder/run/munge.socket" \
    --pid-file="$folder/run/munged.pid" --log-file="$folder/log/munged.log" --seed-file="$folder/run/munged.seed"
  if ! process_of slurmctld >/dev/null; then write_configuration; fi
  export SLURM_CONF=$folder/slurm.conf
  start_daemon slurmctld slurmctld
  start_daemon slurmd slurmd
  wait_until_idle
  say "a cluster of one node runs; to use it: export SLURM_CONF=$SLURM_CONF"
}

stop() {
  local name pid i
  for name in "${daemons[@]}"; do
    pid=$(process_of "$name") || continue
    if [[ $name == slurmd ]]; then
      # What still runs would outlive its slurmd.
      SLURM_CONF=$folder/slurm.conf timeout 10 scancel --partition=local 2>/dev/null || true
    fi
    kill "$pid"
    # A daemon removes its pid file before it has ended.
    for ((i = 0; i < 100; ++i)); do
      if [[ $(cat "/proc/$pid/comm" 2>/dev/null) != "$name"* ]]; then continue 2; fi
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
}

status() {
  local name pid code=0
  for name in munged slurmctld slurmd; do
    if pid=$(process_of "$name"); then
      say "$name: process $pid"
    else
      say "$name: does not run"
      code=3
    fi
  done
  if ((code == 0)); then SLURM_CONF=$folder/slurm.conf sinfo; fi
  return "$code"
}

if (($# != 2)); then usage; fi
folder=$(realpath -m -- "$2")
case $1 in
  start) start ;;
  stop) stop ;;
  status) status ;;
  *) usage ;;
esac
