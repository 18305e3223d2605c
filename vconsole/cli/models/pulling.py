"""A pull as a command: what it would bring is judged first, then its progress is followed."""

from __future__ import annotations

import os
import shutil
import sys
import time

from vconsole.cli.output import duration, gib, say
from vconsole.cli.reaching import reach_supervisor
from vconsole.errors import ExitCode, VConsoleError
from vconsole.models.catalogue import load_catalogue
from vconsole.models.fit import ModelFacts, facts_from_config, make_plan
from vconsole.models.fit.plan import Plan, Verdict
from vconsole.models.hub.cache import cache_folder
from vconsole.models.hub.fetch import require_room
from vconsole.models.hub.remote import (
    RemoteModel,
    already_here_bytes,
    ask,
    ask_config,
    require_access,
)
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.model import Operation, OperationState, PullRequest
from vconsole.supervisor.models.cards import named_card
from vconsole.supervisor.models.pull_record import hub_environment

POLL_S = 0.3
SAY_EVERY_S = 10.0
BAR_CELLS = 30


def pull_model(repository: str, wait: bool, anyway: bool) -> dict[str, object]:
    """Judge, begin and follow a pull; returns what `--json` prints."""
    model = ask(repository)
    require_access(repository)
    plan = _plan(model)
    missing = model.total_bytes - already_here_bytes(model)
    say(f"{repository}: {model.total_bytes / 1e9:.1f} GB, of which {missing / 1e9:.1f} GB to bring")
    _say_verdict(plan)
    if plan.verdict is Verdict.TOO_BIG and not anyway:
        raise VConsoleError(
            f"{repository} is too big for this machine",
            "`--anyway` pulls it nevertheless; `vconsole models list --fitting` shows what fits",
            ExitCode.REFUSED,
            "too_big",
        )
    require_room(model)
    client = reach_supervisor()
    environment = hub_environment(dict(os.environ)) | {
        "HF_HUB_CACHE": str(cache_folder().absolute())
    }
    operation = client.pull(PullRequest(repository, environment))
    if wait:
        operation = _follow(client, operation)
    else:
        say(f"it goes on by itself: vconsole models pulls (id {operation.id})")
    return {
        "id": operation.id,
        "repository": repository,
        "state": operation.state,
        "verdict": plan.verdict,
        "bytes": model.total_bytes,
        "seconds": operation.seconds,
    }


def pull_line(operation: Operation) -> str:
    """How far a pull is, in one line."""
    done, total = operation.done_bytes, operation.total_bytes
    if operation.error:
        return operation.error.message
    if done is None or not total:
        return "asking the Hub"
    rate = operation.bytes_per_s
    left = duration((total - done) / rate) if rate else "—"
    speed = f"{rate / 1e6:.0f} MB/s, {left} left" if rate else ""
    return (
        f"{done / total * 100:3.0f} %  {done / 1e9:.2f} of {total / 1e9:.2f} GB  {speed}".rstrip()
    )


def _plan(model: RemoteModel) -> Plan:
    entry = load_catalogue().find(model.name)
    facts = entry.facts if entry and entry.config else _facts(model)
    return make_plan(facts, named_card(None, None).card)


def _facts(model: RemoteModel) -> ModelFacts:
    config = ask_config(model.name, model.commit)
    return facts_from_config(config, model.weights_bytes) if config else ModelFacts()


def _say_verdict(plan: Plan) -> None:
    say(f"on this machine: {plan.verdict}")
    for sentence in plan.why:
        say(f"  {sentence}")
    if plan.kv_cache_bytes:
        tokens = plan.kv_cache_tokens.value if plan.kv_cache_tokens else None
        say(
            f"  KV cache {gib(plan.kv_cache_bytes.value)}"
            + (f", {tokens:,} tokens" if tokens else "")
        )


def _follow(client: SupervisorClient, operation: Operation) -> Operation:
    """Show the progress until the end; a failed pull raises its error."""
    printer = _Printer()
    try:
        while True:
            found = next((one for one in client.pulls() if one.id == operation.id), None)
            if found is None:
                raise VConsoleError("the pull is no longer known", "`vconsole models list --local`")
            printer.show(found)
            if found.state is not OperationState.RUNNING:
                break
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        printer.close()
        say(f"it goes on by itself; `vconsole models cancel {operation.id}` ends it")
        raise
    printer.close()
    if found.error:
        error = found.error
        raise VConsoleError(error.message, error.remedy, ExitCode(error.exit_code), error.kind)
    return found


class _Printer:
    """A bar that is drawn over at a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._said_s = -SAY_EVERY_S
        self._last = ""

    def show(self, operation: Operation) -> None:
        line = pull_line(operation)
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[K{f'{_bar(operation)} {line}'[:width]}")
            sys.stderr.flush()
        elif line != self._last and self._due(operation):
            self._last, self._said_s = line, time.monotonic()
            say(line)

    def close(self) -> None:
        if self._terminal:
            sys.stderr.write("\n")

    def _due(self, operation: Operation) -> bool:
        ended = operation.state is not OperationState.RUNNING
        return ended or time.monotonic() - self._said_s >= SAY_EVERY_S


def _bar(operation: Operation) -> str:
    done, total = operation.done_bytes or 0, operation.total_bytes or 0
    cells = int(done / total * BAR_CELLS) if total else 0
    return "█" * cells + "─" * (BAR_CELLS - cells)
