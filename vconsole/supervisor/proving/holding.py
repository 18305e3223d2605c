"""What either side holds of the memory while it serves: of the cards where it runs on one."""

from __future__ import annotations

from urllib.parse import urlsplit

import psutil

from vconsole.host import listening, procfs
from vconsole.host.gpu import GpuReader
from vconsole.host.ollama import api
from vconsole.host.readings import GpuReading
from vconsole.supervisor.proving.model import Side
from vconsole.supervisor.proving.rival import Rival
from vconsole.supervisor.servers import record
from vconsole.supervisor.servers.record import Launch
from vconsole.supervisor.servers.waiting.sleep_checks import holding

CARDS, RAM = "the cards' memory", "RAM of its processes"
OURS = "vLLM"


def our_side(name: str, launch: Launch) -> Side:
    """Our server as it serves now."""
    run = record.load(name).run
    on_cards = launch.engine_device == "cuda"
    pids = frozenset(one.pid for one in run.tree) | {run.leader.pid} if run else frozenset()
    found = holding(pids, _reading(), on_cards)
    held_bytes = found.card_bytes if on_cards else found.host_bytes
    version = launch.engine_version
    model = launch.served_name if launch.model.startswith("/") else launch.model
    return Side(OURS, model, version, held_bytes or None, CARDS if on_cards else RAM)


def their_side(rival: Rival, on_cards: bool) -> Side:
    """The other as it serves now; unknown where it is on another host, or hidden from us."""
    side = Side(rival.name, rival.model or "", rival.version)
    if rival.is_ollama:
        return _told_by_ollama(side, rival, on_cards)
    pids = _pids_at(rival.url)
    if not pids:
        return side
    found = holding(pids, _reading(), on_cards=False)
    held_bytes, held = found.host_bytes, RAM
    if on_cards:
        cards = [p.memory_bytes for g in _reading().gpus for p in g.processes if p.pid in pids]
        known = [one for one in cards if one is not None]
        held_bytes, held = sum(known), CARDS
    return Side(side.name, side.model, side.version, held_bytes or None, held)


def _told_by_ollama(side: Side, rival: Rival, on_cards: bool) -> Side:
    """By `/api/ps`: what of the model is on the card, or all of it where there is none."""
    loaded = next((m for m in api.loaded_models(rival.url) or () if m.name == rival.model), None)
    if loaded is None:
        return side
    held_bytes = loaded.size_vram if on_cards else loaded.size
    held = "the card's memory by its own word" if on_cards else "its model by its own word"
    return Side(side.name, side.model, side.version, held_bytes or None, held)


def _pids_at(url: str) -> frozenset[int]:
    """The process that listens there on this host, and all below it."""
    split = urlsplit(url)
    if not api.is_on_this_host(url) or split.port is None:
        return frozenset()
    inodes = {one.inode for one in listening.listeners() if one.port == split.port}
    heads = [pid for pid in procfs.pids() if inodes & (procfs.socket_inodes(pid) or frozenset())]
    found = set(heads)
    for pid in heads:
        try:
            found |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
        except psutil.Error:
            continue
    return frozenset(found)


def _reading() -> GpuReading:
    with GpuReader() as reader:
        return reader.read()
