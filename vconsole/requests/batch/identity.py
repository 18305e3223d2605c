"""What a batch was begun with, beside its output, so that a change is noticed when it goes on."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from vconsole.errors import ExitCode, VConsoleError
from vconsole.requests.batch.model import BatchSpec, beside

BLOCK_BYTES = 1 << 20
DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """The input as it was (size, time of change, digest) and what shaped its requests."""

    input: str
    size_bytes: int
    modified_ns: int
    digest: str
    parameters: dict[str, object] = field(default_factory=dict)
    served_model: str | None = None


def identity_path(output: Path) -> Path:
    return beside(output, ".batch.json")


def read(output: Path) -> Identity | None:
    """What stands beside the output; None where there is none that can be read."""
    try:
        return msgspec.json.decode(identity_path(output).read_bytes(), type=Identity)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write(output: Path, identity: Identity) -> None:
    """Put it beside the output, whole or not at all; blocks."""
    path = identity_path(output)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        temporary.write_bytes(msgspec.json.encode(identity) + b"\n")
        temporary.replace(path)
    except OSError:
        # Without it a change of the input goes unnoticed, and nothing else.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def take(spec: BatchSpec, served_model: str | None = None) -> Identity:
    """The identity of a batch as its files are now; reads all of the input."""
    path = spec.input_path
    found = path.stat()
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return Identity(
        *(str(path), found.st_size, found.st_mtime_ns, digest.hexdigest()),
        spec.parameters,
        served_model,
    )


def changes(spec: BatchSpec) -> tuple[str, ...]:
    """In what the batch differs from the one that the output was begun by, in words."""
    before = read(spec.output_path)
    if before is None or not _has_results(spec):
        return ()
    found = []
    now = spec.input_path.stat()
    same = (now.st_size, now.st_mtime_ns) == (before.size_bytes, before.modified_ns)
    if not same and take(spec).digest != before.digest:
        found.append("the input is another")
    for name, value in spec.parameters.items():
        if name in before.parameters and before.parameters[name] != value:
            found.append(f"{name} was {before.parameters[name]!r} and is {value!r}")
    return tuple(found)


def changed(output: Path, differences: tuple[str, ...]) -> VConsoleError:
    return VConsoleError(
        f"{output} was begun differently: {'; '.join(differences)}",
        "--restart begins anew, --continue keeps what is there and goes on with the rest",
        ExitCode.REFUSED,
        kind="changed",
    )


def _has_results(spec: BatchSpec) -> bool:
    return any(
        path.exists() and path.stat().st_size > 0 for path in (spec.output_path, spec.errors_path)
    )
