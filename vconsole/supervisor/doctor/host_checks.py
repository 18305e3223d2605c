"""Checks of the machine: disks, memory, limits, clock, logout."""

from __future__ import annotations

from vconsole.host.condition import Disk
from vconsole.paths import shown
from vconsole.supervisor.doctor.check import Finding, Fix, State, not_applicable, ok, unknown
from vconsole.supervisor.doctor.scene import Scene

GIB = 2**30
# A small model's weights, and a week of a talkative server's logs.
MODELS_FREE_BYTES = 20 * GIB
LOGS_FREE_BYTES = 2 * GIB
FULL_BYTES = GIB // 2
# vLLM holds a socket for each client; PyTorch opens a file for each shared tensor.
OPEN_FILES = 4096
PROCESSES = 4096
# NCCL and vLLM's own queues between processes.
SHM_BYTES = GIB


def models_disk(scene: Scene) -> Finding:
    return _disk(scene.condition.models, MODELS_FREE_BYTES, "vconsole models rm frees some")


def logs_disk(scene: Scene) -> Finding:
    remedy = "free some, or point XDG_STATE_HOME at another disk"
    return _disk(scene.condition.logs, LOGS_FREE_BYTES, remedy)


def memory(scene: Scene) -> Finding:
    total, free = scene.condition.memory_total_bytes, scene.condition.memory_available_bytes
    if not total or free is None:
        return unknown("the memory of this machine cannot be read")
    words = f"{free / GIB:.1f} of {total / GIB:.1f} GiB available"
    if free < max(GIB, total // 20):
        remedy = "end what is not needed; the kernel ends vLLM when no memory is left"
        return Finding(State.BAD, words, remedy)
    return ok(words)


def swap(scene: Scene) -> Finding:
    total, used = scene.condition.swap_total_bytes, scene.condition.swap_used_bytes
    if not total:
        return ok("none: what does not fit ends at once instead of slowing everything")
    if used is None:
        return unknown("its use cannot be read")
    words = f"{used / GIB:.1f} of {total / GIB:.1f} GiB used"
    if used > total / 2:
        remedy = "find who grew (ps aux --sort=-rss); a swapped server stalls"
        return Finding(State.WARNING, words, remedy, "expected: no stalls at the next request")
    return ok(words)


def file_limit(scene: Scene) -> Finding:
    limit, hard = scene.condition.open_files, scene.condition.open_files_hard
    if limit is None:
        return ok("no limit")
    if limit >= OPEN_FILES:
        return ok(f"{limit:,} open files")
    if hard is None or hard >= OPEN_FILES:
        return ok(f"{limit:,} open files, which vLLM raises by itself up to {hard or 'any'}")
    remedy = f"LimitNOFILE={OPEN_FILES} in the unit, or nofile in /etc/security/limits.conf"
    return Finding(State.WARNING, f"{limit:,} open files, {hard:,} at most", remedy)


def process_limit(scene: Scene) -> Finding:
    limit = scene.condition.processes
    if limit is None or limit >= PROCESSES:
        return ok("no limit" if limit is None else f"{limit:,} processes and threads")
    remedy = "TasksMax= in the unit, or nproc in /etc/security/limits.conf"
    return Finding(State.WARNING, f"{limit:,} processes and threads", remedy)


def shared_memory(scene: Scene) -> Finding:
    found = scene.condition.shm
    if found.total_bytes is None:
        return unknown(f"{found.path} cannot be read")
    words = f"{found.total_bytes / GIB:.1f} GiB at {found.path}"
    if found.total_bytes >= SHM_BYTES:
        return ok(words)
    remedy = "in a container: --shm-size=4g, or --ipc=host; else mount -o remount,size=4G /dev/shm"
    several = scene.flag("--tensor-parallel-size") not in (None, "1")
    return Finding(State.BAD if several else State.WARNING, words, remedy)


def clock(scene: Scene) -> Finding:
    synchronised = scene.condition.clock_synchronised
    if synchronised is None:
        return unknown("the kernel does not tell whether the clock is kept right")
    if synchronised:
        return ok("kept right by a time service")
    fix = Fix("have systemd keep the clock", ("timedatectl", "set-ntp", "true"))
    can = scene.condition.is_root and scene.condition.systemd_booted
    remedy = "vconsole doctor --fix" if can else "sudo timedatectl set-ntp true (or install chrony)"
    detail = "nothing keeps it in sync: times in logs drift, and TLS fails in the end"
    return Finding(State.WARNING, detail, remedy, fix=fix if can else None)


def linger(scene: Scene) -> Finding:
    here = scene.condition
    if not here.systemd_booted:
        return not_applicable("no systemd here that would end anything at a logout")
    if here.lingers:
        return ok(f"{here.user} lingers: servers outlive the last logout")
    if here.lingers is None:
        return unknown("logind does not tell")
    if here.is_root:
        return ok("logind spares root's processes")
    command = ("loginctl", "enable-linger", here.user)
    fix = Fix(f"let servers of {here.user} outlive the last logout, and start at boot", command)
    detail = "servers may end at your last logout"
    return Finding(State.WARNING, detail, " ".join(command), fix=fix)


def hub(scene: Scene) -> Finding:
    """The Hub's word where it was asked, else only whether there is a token."""
    token = "a token is set" if scene.has_hub_token else "no token: gated models cannot be pulled"
    if scene.online is None:
        if scene.hub_is_offline:
            return ok(f"HF_HUB_OFFLINE is set, so it is never asked; {token}")
        return ok(f"{token}; vconsole doctor --online asks the Hub")
    if scene.online.token_refused:
        remedy = "make a new token at the Hub: hf auth login"
        return Finding(State.WARNING, f"{scene.online.hub_detail}, but refuses the token", remedy)
    if not scene.online.hub_reachable:
        state = State.OK if scene.hub_is_offline else State.WARNING
        remedy = "see network and proxy; HF_HUB_OFFLINE=1 if it is meant so"
        return Finding(state, scene.online.hub_detail, remedy)
    whose = f"as {scene.online.hub_user}" if scene.online.hub_user else token
    return ok(f"{scene.online.hub_detail}, {whose}")


def _disk(found: Disk, wanted_bytes: int, remedy: str) -> Finding:
    if found.free_bytes is None:
        return unknown(f"the disk of {shown(found.path)} cannot be read")
    words = f"{found.free_bytes / GIB:.0f} GiB free for {shown(found.path)}"
    if found.free_bytes < FULL_BYTES:
        return Finding(State.BAD, words, remedy)
    return Finding(State.WARNING, words, remedy) if found.free_bytes < wanted_bytes else ok(words)
