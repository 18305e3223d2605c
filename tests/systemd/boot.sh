#!/usr/bin/env bash
# Become process 1 of a throw-away system whose root is this machine's own, written to memory only.
# Runs inside fresh namespaces (machine.py makes them): boot.sh SCRATCH CGROUP [FOLDER...]
# With VCONSOLE_TEST_DISK (a folder in a tmpfs) its changes are kept there for the next boot.
# FOLDERs are shown inside at their own paths, and every user may enter them there.
set -euo pipefail
scratch=$1 cgroup=$2
shift 2

# Into a cgroup of our own, and only then into a namespace that takes it for the top.
if [ -z "${VCONSOLE_TEST_CGROUP_ENTERED:-}" ]; then
  echo 0 >"$cgroup/cgroup.procs"
  exec env VCONSOLE_TEST_CGROUP_ENTERED=1 unshare --cgroup -- "$0" "$scratch" "$cgroup" "$@"
fi

layered() { # layered FOLDER NAME TARGET: FOLDER at TARGET, its changes kept in memory
  mkdir -p "$scratch/$2/changes" "$scratch/$2/work" "$3"
  mount -t overlay "test-$2" -o "lowerdir=$1,upperdir=$scratch/$2/changes,workdir=$scratch/$2/work" "$3"
}

mount --make-rprivate /
if [ -n "${VCONSOLE_TEST_DISK:-}" ]; then
  mount --bind "$VCONSOLE_TEST_DISK" "$scratch"
else
  mount -t tmpfs -o mode=755 scratch "$scratch"
fi
root=$scratch/root
layered / system "$root"

number=0
for folder in "$@"; do
  if [ "$(stat -c %d "$folder")" != "$(stat -c %d /)" ]; then
    number=$((number + 1))
    layered "$folder" "folder$number" "$root$folder"
  fi
  while [ "$folder" != / ]; do
    chmod o+rx "$root$folder"
    folder=$(dirname "$folder")
  done
done

mount -t proc proc "$root/proc"
cat /proc/sys/kernel/random/uuid >"$scratch/boot_id"
mount --bind "$scratch/boot_id" "$root/proc/sys/kernel/random/boot_id"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755,nosuid,nodev run "$root/run"
mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

# The buses, logins, and nothing else of what this machine would start.
units=$root/etc/systemd/system
cat >"$units/test.target" <<'UNIT'
[Unit]
Requires=basic.target dbus.socket
Wants=dbus.service systemd-logind.service systemd-user-sessions.service
After=basic.target
AllowIsolate=yes
UNIT
for unit in systemd-{tmpfiles-setup,tmpfiles-setup-dev,tmpfiles-clean,sysusers,sysctl,modules-load} \
  systemd-{random-seed,timesyncd,update-utmp,journald,journal-flush,binfmt,hwdb-update} \
  systemd-{udevd,udev-trigger,remount-fs,pstore,machine-id-commit,firstboot} apparmor networking; do
  ln -sf /dev/null "$units/$unit.service"
done
ln -sf /dev/null "$units/tmp.mount"
mkdir -p "$root/etc/systemd/logind.conf.d"
cat >"$root/etc/systemd/logind.conf.d/test.conf" <<"CONF"
[Login]
KillUserProcesses=yes
KillExcludeUsers=root spared
UserStopDelaySec=0
CONF
# A user of the tests logs in and out more often than five times in ten seconds, and each time the
# last session's end stops the manager: past that limit systemd would no longer start it.
mkdir -p "$root/etc/systemd/system.conf.d"
printf '[Manager]\nDefaultStartLimitIntervalSec=0\n' >"$root/etc/systemd/system.conf.d/test.conf"
echo vconsole-test >"$root/etc/hostname"
: >"$root/etc/machine-id"
ip link set lo up

mkdir -p "$root/old"
cd "$root"
pivot_root . old
umount -l /old
mount --make-rshared /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=vconsole-test \
  /lib/systemd/systemd --system --unit=test.target --log-target=null --show-status=no
