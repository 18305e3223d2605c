"""The host screen."""

from __future__ import annotations

from functools import partial

from vconsole.tui.actions.action import Action
from vconsole.tui.actions.availability import always, live

_host = partial(Action, group="Host", screen="host")

ACTIONS = (
    _host("host.look", ("space",), "look", "Look over everything again", unavailable=live, bar=5),
    _host(
        "host.fix",
        ("f",),
        "fix",
        "Mend what the marked check found; says what first, and asks",
        unavailable=live,
        mutates=True,
        bar=1,
    ),
    _host(
        "host.copy",
        ("y",),
        "copy",
        "Copy the command that an administrator has to run, or the remedy",
        unavailable=always,
        bar=4,
    ),
    _host(
        "host.unload",
        ("u",),
        "unload",
        "Have Ollama unload its models; it keeps running",
        unavailable=live,
        mutates=True,
        bar=2,
    ),
    _host(
        "host.restore",
        ("g",),
        "give back",
        "Give Ollama back all that was taken",
        unavailable=live,
        mutates=True,
        bar=3,
    ),
    _host(
        "host.ollama-stop",
        ("O",),
        "stop Ollama",
        "Stop Ollama's unit until the next boot",
        unavailable=live,
        danger=True,
        mutates=True,
    ),
    _host(
        "host.disable",
        ("D",),
        "disable Ollama",
        "Stop Ollama and take it out of the boot",
        unavailable=live,
        danger=True,
        mutates=True,
    ),
    _host(
        "host.block",
        ("B",),
        "block Ollama",
        "Keep Ollama from starting, whatever an installer does",
        unavailable=live,
        danger=True,
        mutates=True,
    ),
    _host(
        "host.end",
        ("E",),
        "end Ollama",
        "End an Ollama that no unit holds, by its pid",
        unavailable=live,
        danger=True,
        mutates=True,
    ),
    _host(
        "host.upgrade",
        ("N",),
        "newer engine",
        "Install the newest vLLM beside this one, try it, and only then make it current",
        unavailable=always,
        danger=True,
        mutates=True,
    ),
    _host(
        "host.rollback",
        ("V",),
        "roll back",
        "Make the engine before this one current again",
        unavailable=live,
        danger=True,
        mutates=True,
    ),
    _host(
        "host.service",
        ("i",),
        "service",
        "The unit of systemd: see, install, compare, read, remove",
        unavailable=always,
        bar=6,
    ),
    _host(
        "host.equivalents",
        ("e",),
        "Ollama's models",
        "What vLLM would serve in the place of each, with its plan",
        unavailable=always,
        bar=7,
    ),
)
