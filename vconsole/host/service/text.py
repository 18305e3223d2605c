"""The text of the unit (systemd.unit(5), systemd.service(5), systemd.exec(5)).

What the service starts has to outlive a restart of it, and CUDA has to work in it. So there is:
no PrivateTmp (a restart would take the sockets in /tmp from a living vLLM), no PrivateDevices, no
MemoryDenyWriteExecute (just-in-time compilers write and run), no PrivateUsers, no RemoveIPC.
"""

from __future__ import annotations

from collections.abc import Iterator

from vconsole.host.service.plan import (
    ACCOUNT,
    LEFT_SERVERS_RUNNING,
    NOT_TO_BE_RETRIED,
    SYSTEM_STATE,
    UnitPlan,
)
from vconsole.host.units import Scope

OWN_SECTION = "X-VConsole"
WATCHDOG_S = 30
FIRST_SIGN_S = 120
# Both scopes; a user's manager could do more only in a user namespace, which CUDA takes amiss.
COMMON_HARDENING = ("NoNewPrivileges=yes", "LockPersonality=yes", "RestrictRealtime=yes")
HARDENING = (
    "ProtectSystem=strict",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "RestrictSUIDSGID=yes",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "SystemCallArchitectures=native",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "KeyringMode=private",
)


def unit_text(plan: UnitPlan) -> str:
    """The whole file."""
    sections = {
        "Unit": _unit(plan),
        "Service": _service(plan),
        "Install": _install(plan),
        OWN_SECTION: _own(plan),
    }
    blocks = ("\n".join((f"[{name}]", *lines)) for name, lines in sections.items())
    return "# Written by `vconsole service install`.\n" + "\n\n".join(blocks) + "\n"


def own_values(text: str) -> dict[str, str]:
    """What our own section of an installed unit says; systemd leaves such sections alone."""
    _, _, own = text.partition(f"[{OWN_SECTION}]\n")
    pairs = (line.partition("=") for line in own.splitlines() if "=" in line)
    return {name: value for name, _, value in pairs}


def _unit(plan: UnitPlan) -> Iterator[str]:
    yield f"Description=vLLM under vconsole: {_literal(plan.profile)}"
    if plan.scope is Scope.SYSTEM:
        yield "Wants=network-online.target"
        yield "After=network-online.target"
    yield f"StartLimitIntervalSec={plan.limits.window_s:.0f}"
    yield f"StartLimitBurst={plan.limits.restarts}"


def _service(plan: UnitPlan) -> Iterator[str]:
    yield "Type=notify"
    yield "NotifyAccess=main"
    yield f"ExecStart={_command(*plan.command, 'supervisor', 'run', '--serve', plan.profile)}"
    yield f"ExecStopPost={_command(*plan.command, 'supervisor', 'reap')}"
    # The supervisor alone: what it left running is adopted by the next, or ended by the reaper.
    yield "KillMode=process"
    yield "Restart=on-failure"
    yield "RestartSec=2"
    yield f"RestartPreventExitStatus={NOT_TO_BE_RETRIED}"
    yield f"SuccessExitStatus={LEFT_SERVERS_RUNNING}"
    yield f"TimeoutStartSec={FIRST_SIGN_S}"
    yield f"TimeoutStopSec={plan.limits.stop_s:.0f}"
    yield f"WatchdogSec={WATCHDOG_S}"
    yield "LimitNOFILE=65536"
    yield "LimitCORE=0"
    yield "TasksMax=infinity"
    yield "OOMPolicy=continue"
    yield "UMask=0077"
    yield from (f"Environment={_word(f'{k}={v}')}" for k, v in sorted(plan.environment.items()))
    for name, path in sorted(plan.credentials.items()):
        yield f"LoadCredential={name}:{_literal(str(path))}"
    yield from COMMON_HARDENING
    if plan.scope is Scope.SYSTEM:
        yield from _system(plan)


def _system(plan: UnitPlan) -> Iterator[str]:
    yield f"User={ACCOUNT}"
    yield f"Group={ACCOUNT}"
    if plan.device_groups:
        yield f"SupplementaryGroups={' '.join(plan.device_groups)}"
    yield f"StateDirectory={ACCOUNT} {ACCOUNT}/tmp"
    yield "StateDirectoryMode=0700"
    yield f"CacheDirectory={ACCOUNT}"
    yield f"ConfigurationDirectory={ACCOUNT}"
    yield f"RuntimeDirectory={ACCOUNT}"
    yield "RuntimeDirectoryMode=0755"
    yield "RuntimeDirectoryPreserve=restart"
    yield f"WorkingDirectory={SYSTEM_STATE}"
    yield f"ProtectHome={'read-only' if plan.reads_homes else 'yes'}"
    yield from HARDENING


def _install(plan: UnitPlan) -> Iterator[str]:
    target = "multi-user.target" if plan.scope is Scope.SYSTEM else "default.target"
    yield f"WantedBy={target}"


def _own(plan: UnitPlan) -> Iterator[str]:
    """What an uninstall and a client have to know later."""
    yield f"Profile={plan.profile}"
    yield f"State={plan.state}"
    yield f"LingeredBefore={_yes(plan.lingered_before)}"
    yield f"MadeAccount={_yes(plan.made_account)}"
    yield from (f"Credential-{name}={path}" for name, path in sorted(plan.credentials.items()))


def _command(*words: str) -> str:
    """A command line; `$` would be a variable in it."""
    return " ".join(_word(word.replace("$", "$$")) for word in words)


def _word(word: str) -> str:
    """One word, quoted where it has to be."""
    escaped = _literal(word).replace("\\", "\\\\").replace('"', '\\"')
    plain = escaped == word and not any(letter in word for letter in " \t'")
    return word if plain and word else f'"{escaped}"'


def _literal(text: str) -> str:
    """`%` begins a specifier in a unit."""
    return " ".join(text.split("\n")).replace("%", "%%")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
