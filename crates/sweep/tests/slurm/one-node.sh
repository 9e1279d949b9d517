#!/usr/bin/env bash
# A real Slurm cluster of one node, all of it under one folder,
# without systemd, cgroups, an accounting database, or (unless you have it) root.
#
#   one-node.sh start DIR   start what is not running (also: restart what was killed)
#   one-node.sh stop  DIR   cancel all jobs, end the daemons; the state stays in DIR
#   one-node.sh env   DIR   shell lines for the clients: eval "$(one-node.sh env DIR)"
#
# Needs Debian's packages slurmctld slurmd slurm-client munge.
# Optional, at a start with no daemon running: ONE_NODE_SLURM_SET="KillWait=30 SlurmdTimeout=20"
# (words KEY=VALUE for slurm.conf), ONE_NODE_SLURM_MEM_MB (64000), ONE_NODE_SLURM_WAIT (120 s).
# As root, munged and slurmctld run as the users munge and slurm if DIR can be reached by them;
# ONE_NODE_SLURM_AS_ROOT=1 keeps them root. As any other user, all run as that user.
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/usr/bin:/sbin:/bin"
umask 022
# what an outer job or a user's taste in squeue and sinfo would change
unset ${!SLURM_@} ${!SQUEUE_@} ${!SINFO_@} ${!SCANCEL_@}

say() { printf 'one-node: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

case ${1-} in start | stop | env) ;; *) sed -n '2,/^set /{/^#/p}' "$0" >&2; exit 2 ;; esac
[ $# = 2 ] && [ -n "$2" ] || die "usage: $0 start|stop|env DIR"
verb=$1
[ "$verb" = start ] && mkdir -p -- "$2"
[ -d "$2" ] || die "no such folder: $2"
dir=$(realpath -- "$2")
case $dir in *[!A-Za-z0-9/._+-]*) die "slurm.conf cannot hold this path: $dir" ;; esac
conf=$dir/slurm.conf sock=$dir/munge/socket
wait_s=${ONE_NODE_SLURM_WAIT:-120}

# The pid of our daemon $1 if it is alive: its pid file, checked against its command line
# (a zombie has none, and a reused pid another one).
pid_of() {
  local pid
  pid=$(cat "$dir/run/$1.pid" 2>/dev/null) && [ -n "$pid" ] || return 1
  { tr '\0' '\n' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qxF -e "$conf" -e "--socket=$sock" || return 1
  echo "$pid"
}

# launch NAME USER COMMAND...: in the background, in a session of its own, holding none of our
# files, with a clean environment; the pid is that of the daemon itself (-D, -F: it does not fork).
launch() {
  local name=$1 user=$2 as=() fd
  shift 2
  [ "$user" = "$me" ] || as=(setpriv --reuid="$user" --regid="$user" --clear-groups)
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      [ "$fd" -le 2 ] || eval "exec $fd>&-" 2>/dev/null || :
    done
    cd /
    exec setsid env -i PATH="$PATH" LC_ALL=C HOME=/ ${TZ:+TZ="$TZ"} "${as[@]}" "$@"
  ) </dev/null >"$dir/run/$name.out" 2>&1 &
  echo $! >"$dir/run/$name.pid"
  disown $!
  launched="$name ${launched:-}"
}
# Is the process of NAME's pid file there at all? (Just after launch it has not exec'd the daemon yet.)
there() { kill -0 "$(cat "$dir/run/$1.pid")" 2>/dev/null; }

# A port where nothing listens, below the range from which the kernel takes ports for clients.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    port_free "$port" && [ "$port" != "${1-}" ] && break
  done
  echo "$port"
}
port_free() {
  ! cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v p="$(printf ':%04X' "$1")" 'substr($2, length($2) - 4) == p && $4 == "0A" { f = 1 } END { exit !f }'
}

# Can user $1 reach and write folder $2 once it owns it?
give() {
  [ "$me" = root ] && [ "${ONE_NODE_SLURM_AS_ROOT:-}" != 1 ] && getent passwd "$1" >/dev/null &&
    chown -R "$1" "$2" 2>/dev/null &&
    setpriv --reuid="$1" --regid="$1" --clear-groups test -w "$2" 2>/dev/null
}

write_conf() {
  local ports
  if [ -z "${new_ports:-}" ] && ports=$(cat "$dir/run/ports" 2>/dev/null); then
    read -r ctld_port slurmd_port <<<"$ports"
  else
    ctld_port=$(free_port)
    slurmd_port=$(free_port "$ctld_port")
    echo "$ctld_port $slurmd_port" >"$dir/run/ports"
  fi
  [ -s "$dir/run/cluster" ] || echo "one$$x$RANDOM" >"$dir/run/cluster"
  cat >"$conf" <<CONF
ClusterName=$(cat "$dir/run/cluster")
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$ctld_port
SlurmdPort=$slurmd_port
SlurmUser=$ctld_user
SlurmdUser=$me
# cred_expire: a requeued job waits this long before it may start again (default 120)
AuthType=auth/munge
AuthInfo=socket=$sock,cred_expire=10
CredType=cred/munge
StateSaveLocation=$dir/ctld/state
SlurmctldLogFile=$dir/ctld/slurmctld.log
SlurmctldPidFile=$dir/ctld/slurmctld.pid
SlurmdSpoolDir=$dir/slurmd/spool
SlurmdLogFile=$dir/slurmd/slurmd.log
SlurmdPidFile=$dir/slurmd/slurmd.pid
# what finished, how and when, one line each, for there is no database
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/ctld/jobcomp.log
# nothing that needs root, cgroups or mail
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
PropagateResourceLimits=NONE
MailProg=/bin/true
# 2 CPUs and this memory whatever the machine has: config_overrides keeps the node from being drained
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=0
MaxArraySize=10001
MaxJobCount=20000
# finished jobs stay in squeue -t all for an hour
MinJobAge=3600
RequeueExit=75
KillWait=5
# patience, for a busy machine
ReturnToService=2
MessageTimeout=30
BatchStartTimeout=20
SlurmdTimeout=60
NodeName=$node NodeHostname=$node NodeAddr=127.0.0.1 CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=${ONE_NODE_SLURM_MEM_MB:-64000} State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=$node MaxTime=00:01:00 MaxCPUsPerNode=1 State=UP
CONF
  local kv
  for kv in ${ONE_NODE_SLURM_SET:-}; do
    sed -i "/^${kv%%=*}=/Id" "$conf"
    sed -i "1i $kv" "$conf"
  done
  chmod 644 "$conf"
}

# What sinfo says of the node once slurmd has registered since $t0; empty before.
node_state() {
  local at
  at=$(scontrol show node "$node" 2>/dev/null | sed -n 's/.*SlurmdStartTime=\([0-9T:-]*\).*/\1/p') || return 0
  at=$(date -d "${at:-x}" +%s 2>/dev/null) || return 0
  [ "$at" -ge "$t0" ] || return 0
  sinfo -h -p main -o %T 2>/dev/null || :
}

start() {
  local try deadline state f
  for f in munged slurmctld slurmd slurmstepd sinfo scontrol setpriv setsid; do
    command -v "$f" >/dev/null || die "$f is missing: apt-get install slurmctld slurmd slurm-client munge"
  done
  me=$(id -un)
  node=$(hostname -s 2>/dev/null) || node=
  case $node in '' | *[!A-Za-z0-9-]*) node=localhost ;; esac
  # unix sockets: DIR/slurmd/spool/NODE_JOB.STEP
  f="$dir/slurmd/spool/${node}_1234567.4294967291"
  [ ${#f} -le 106 ] || die "the path is too long for unix sockets by $((${#f} - 106)) characters: $dir"

  mkdir -p "$dir"/{run,munge,ctld/state,slurmd/spool}
  ctld_user=$me munge_user=$me
  if ! pid_of munged >/dev/null && ! pid_of slurmctld >/dev/null; then
    if give munge "$dir/munge"; then munge_user=munge; else chown -R "$me" "$dir/munge"; fi
    if give slurm "$dir/ctld"; then ctld_user=slurm; else chown -R "$me" "$dir/ctld"; fi
    echo "$munge_user $ctld_user" >"$dir/run/users"
  fi
  read -r munge_user ctld_user <"$dir/run/users"
  if [ ! -s "$dir/munge/key" ]; then
    (umask 077 && head -c 1024 /dev/urandom >"$dir/munge/key")
    chown "$munge_user" "$dir/munge/key"
  fi
  chmod 755 "$dir/munge" "$dir/run"

  t0=0 new_ports=
  for try in 1 2 3 4 5; do
    # keep the ports that the running daemons and jobs know; take new ones if others have them now
    if ! pid_of slurmctld >/dev/null && ! pid_of slurmd >/dev/null; then
      if [ -s "$dir/run/ports" ]; then
        read -r ctld_port slurmd_port <"$dir/run/ports"
        port_free "$ctld_port" && port_free "$slurmd_port" || new_ports=1
      fi
      write_conf
      new_ports=
    fi
    read -r ctld_port slurmd_port <"$dir/run/ports"
    export SLURM_CONF=$conf
    deadline=$((SECONDS + wait_s))
    if ! pid_of munged >/dev/null; then
      # --force: make no fuss about who owns the folders above DIR
      launch munged "$munge_user" munged -F --force --socket="$sock" --key-file="$dir/munge/key" \
        --log-file="$dir/munge/munged.log" --pid-file="$dir/munge/munged.pid" --seed-file="$dir/munge/seed"
      until munge -S "$sock" -n 2>/dev/null | unmunge -S "$sock" >/dev/null 2>&1; do
        there munged && [ $SECONDS -lt $deadline ] || fail munged "$dir/run/munged.out"
        sleep 0.05
      done
      end slurmd # without munged it lost touch; a new one registers at once, and running tasks go on
    fi
    pid_of slurmctld >/dev/null || launch slurmctld "$me" slurmctld -D -f "$conf"
    # clients and slurmd would wait long seconds for a port that does not listen yet
    while port_free "$ctld_port"; do
      there slurmctld || { in_use slurmctld && continue 2; fail slurmctld "$dir/run/slurmctld.out"; }
      [ $SECONDS -lt $deadline ] || fail slurmctld "$dir/run/slurmctld.out"
      sleep 0.05
    done
    if ! pid_of slurmd >/dev/null; then
      t0=$(date +%s)
      launch slurmd "$me" slurmd -D -f "$conf" -N "$node"
    fi
    while :; do
      state=$(node_state)
      case $state in
        idle | planned | mixed | allocated | completing) say "up: node $node is $state"; return 0 ;;
        drain* | *maint*) say "up, but node $node is $state, as it was before (scontrol update nodename=$node state=resume)"; return 0 ;;
      esac
      for f in slurmctld slurmd; do
        there $f || { in_use $f && continue 3; fail $f "$dir/run/$f.out"; }
      done
      [ $SECONDS -lt $deadline ] || fail "the node (${state:-not registered})" "$dir/run/slurmctld.out" "$dir/run/slurmd.out"
      sleep 0.1
    done
  done
  die "found no free ports"
}
# Did NAME die because another process took its port since we looked? Then all with new ones.
in_use() {
  grep -qi 'address already in use' "$dir/run/$1.out" || return 1
  say "a port was taken just before us: once more with others"
  end slurmd
  end slurmctld
  new_ports=1
}
fail() {
  local name
  say "$1 did not come up; see the logs under $dir"
  shift
  tail -n 15 "$@" >&2 || :
  for name in ${launched:-}; do end "$name"; done
  exit 1
}

# end NAME: SIGTERM, 30 s of patience, then SIGKILL
end() {
  local pid i
  pid=$(pid_of "$1") || return 0
  kill "$pid" 2>/dev/null || :
  for ((i = 0; i < 300; i++)); do
    pid_of "$1" >/dev/null || { rm -f "$dir/run/$1.pid"; return 0; }
    sleep 0.1
  done
  say "$1 ($pid) does not stop on SIGTERM: SIGKILL"
  kill -9 "$pid" 2>/dev/null || :
  rm -f "$dir/run/$1.pid"
}

# What is left of this cluster's jobs: every process with its name and a job id in the environment,
# and every slurmstepd that has our slurm.conf there or is the parent of such a process. Not ourselves.
job_pids() {
  local p cluster
  cluster=$(cat "$dir/run/cluster" 2>/dev/null) || return 0
  for p in /proc/[0-9]*; do
    [ "${p#/proc/}" != $$ ] || continue
    { tr '\0' '\n' <"$p/environ" | awk -v c="SLURM_CLUSTER_NAME=$cluster" -v f="SLURM_CONF=$conf" -v comm="$(cat "$p/comm")" '
        $0 == c { a = 1 } /^SLURM_JOB_ID=/ { j = 1 } $0 == f && comm == "slurmstepd" { d = 1 }
        END { exit !(a && j || d) }'; } 2>/dev/null || continue
    echo "${p#/proc/}"
    p=$(awk '/^PPid:/ { print $2 }' "$p/status" 2>/dev/null) || continue
    [ "$(cat "/proc/$p/comm" 2>/dev/null)" != slurmstepd ] || echo "$p"
  done | sort -un
}

stop() {
  local i jobs pids
  export SLURM_CONF=$conf
  if pid_of munged >/dev/null && pid_of slurmctld >/dev/null; then
    for ((i = 0; i < 120; i++)); do
      jobs=$(squeue -h -a -o %F 2>/dev/null | sort -u) && [ -n "$jobs" ] || break
      [ $((i % 10)) != 0 ] || scancel $jobs 2>/dev/null || :
      pid_of slurmd >/dev/null || break
      sleep 0.5
    done
  fi
  end slurmd
  end slurmctld
  for i in 1 2 3; do
    pids=$(job_pids)
    [ -n "$pids" ] || break
    say "killing what jobs left behind:" $pids
    kill -9 $pids 2>/dev/null || :
    sleep 0.2
  done
  end munged
}

[ "$verb" = env ] || { mkdir -p "$dir/run"; exec 9>"$dir/run/lock"; flock 9; }
case $verb in
  start) start ;;
  stop) stop; say "stopped" ;;
  env) printf 'export SLURM_CONF=%q\n' "$conf" ;;
esac
