"""How long earlier starts took, whole and by phase."""

from __future__ import annotations

import sqlite3
import statistics

import msgspec

from vconsole.supervisor.servers.record import Launch, Run

SCHEMA = """
CREATE TABLE IF NOT EXISTS starts (
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    model TEXT NOT NULL,
    engine TEXT NOT NULL,
    flags TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ready_s REAL NOT NULL,
    phases TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS starts_by_model ON starts (model, engine, id);
"""
KEPT = 1000
LEARNED_FROM = 9


def add(connection: sqlite3.Connection, server: str, plan: Launch, run: Run) -> None:
    phases = {phase.name: phase.seconds for phase in run.phases}
    connection.execute(
        "INSERT INTO starts (server, model, engine, flags, started_at, ready_s, phases)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(server, plan.model, plan.engine, " ".join(plan.flags)),
            *(run.started_at.isoformat(), run.ready_s, msgspec.json.encode(phases).decode()),
        ),
    )
    connection.execute("DELETE FROM starts WHERE id <= (SELECT max(id) FROM starts) - ?", (KEPT,))


def learned_phases(
    connection: sqlite3.Connection, model: str, engine: str
) -> tuple[dict[str, float], int]:
    """Median seconds of each phase over the latest starts of `model`, and how many those are.

    A phase that a start did not have counts as 0 there.
    """
    rows = connection.execute(
        "SELECT phases FROM starts WHERE model = ? AND engine = ? ORDER BY id DESC LIMIT ?",
        (model, engine, LEARNED_FROM),
    ).fetchall()
    starts = [msgspec.json.decode(text, type=dict[str, float]) for (text,) in rows]
    names = {name for phases in starts for name in phases}
    medians = {
        name: statistics.median(phases.get(name, 0.0) for phases in starts) for name in names
    }
    return medians, len(starts)


def median_ready_s(connection: sqlite3.Connection, model: str, engine: str) -> tuple[float, int]:
    """Median seconds until ready over the latest starts of `model`, and how many those are."""
    rows = connection.execute(
        "SELECT ready_s FROM starts WHERE model = ? AND engine = ? ORDER BY id DESC LIMIT ?",
        (model, engine, LEARNED_FROM),
    ).fetchall()
    return (statistics.median(seconds for (seconds,) in rows) if rows else 0.0), len(rows)
