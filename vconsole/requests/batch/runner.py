"""One run of a batch: what is not done yet is sent, and every answer written as it arrives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from vconsole.errors import VConsoleError
from vconsole.requests.batch import identity
from vconsole.requests.batch.answers import Failure, answer_line, bad_line, failure_line
from vconsole.requests.batch.cached_sending import CachedSender
from vconsole.requests.batch.ids import IdTable
from vconsole.requests.batch.join import write_join
from vconsole.requests.batch.journal import Journal, LineFile, failure_key
from vconsole.requests.batch.model import (
    ENDED,
    BadLine,
    BatchSpec,
    Counts,
    Directive,
    Endpoint,
    Item,
    Phase,
    Progress,
)
from vconsole.requests.batch.peer import Peer
from vconsole.requests.batch.remaining import Remaining
from vconsole.requests.batch.sending import PutBackError, Sender
from vconsole.requests.batch.source import Shape, open_source
from vconsole.requests.batch.tuning import Tuner
from vconsole.requests.batch.writing import Writing

TICK_S, TELL_S, SYNC_S, DISK_RETRY_S = 0.1, 0.5, 0.8, 1.0
# Requests in flight get so long at a pause or a cancellation; then they are aborted, to run again.
PAUSE_PATIENCE_S = 30.0
log = logging.getLogger(__name__)


class Run:
    """`look` says what is wanted from outside, `tell` hears how far it is."""

    def __init__(
        self, spec: BatchSpec, look: Callable[[], Directive], tell: Callable[[Progress], None]
    ) -> None:
        self._spec, self._look, self._tell = spec, look, tell
        self._directive = look()
        self._counts = Counts()
        self._source = open_source(spec)
        self._journal = Journal(spec.output_path, spec.errors_path)
        self._writing = Writing(self._journal)
        self._peer = Peer(self._directive.url, self._directive.api_key)
        self._sender = Sender(self._peer, self._counts, spec.timeout_s, lambda: self._halted)
        self._answers = CachedSender(self._sender, self._counts)
        self._tuner = Tuner(spec.concurrency, self._peer, self._sender, self._counts)
        self._remaining = Remaining(iter(()), IdTable(), 0, self._note_bad)
        self._workers: set[asyncio.Task[None]] = set()
        self._identifying: asyncio.Task[None] | None = None
        self._begun_s = time.monotonic()
        self._first_request_s: float | None = None
        self._total, self._phase = 0, Phase.CHECKING
        self._tokens_before = 0
        self._error: VConsoleError | None = None

    @property
    def _halted(self) -> bool:
        return self._directive.paused or self._directive.cancelled or self._error is not None

    async def run(self) -> Progress:
        """Carry it out to its end; what remains after a death is done by the next run."""
        keeping = [
            asyncio.create_task(work)
            for work in (self._keep_in_touch(), self._keep_synced(), self._tuner.keep())
        ]
        try:
            await self._prepare()
            await self._send_all()
            self._phase = await self._finish()
        except VConsoleError as error:
            self._error, self._phase = error, Phase.FAILED
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.wait(keeping)
            await self._close()
        progress = self.progress()
        self._tell(progress)
        return progress

    # --- before the first request ----------------------------------------------------------------

    async def _prepare(self) -> None:
        self._total = await asyncio.to_thread(self._source.count)
        await asyncio.to_thread(self._journal.recover, self._total, self._counts)
        self._tokens_before = self._counts.generation_tokens
        self._phase = Phase.WAITING
        while not await self._peer.until_there(TICK_S):
            if self._directive.cancelled:
                return
        model = self._model()
        self._peer.need(model)
        endpoint = self._spec.endpoint
        if endpoint is Endpoint.AUTO:
            endpoint = await self._peer.endpoint(model)
        shape = Shape.of(self._spec, model, self._peer.models, endpoint)
        entries = self._source.read(shape)
        self._remaining = Remaining(entries, self._journal.known, self._total, self._note_bad)
        if self._spec.cache:
            await self._answers.open(model, self._peer)
        self._identifying = asyncio.create_task(asyncio.to_thread(self._identify, model))
        self._phase = Phase.RUNNING

    def _model(self) -> str:
        """The model of requests that name none: the one that was served when it was begun."""
        if self._spec.model:
            return self._spec.model
        before = identity.read(self._spec.output_path)
        if self._counts.done and before and before.served_model:
            return before.served_model
        return self._peer.cards[0].id

    def _identify(self, model: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            identity.write(self._spec.output_path, identity.take(self._spec, model))

    # --- sending ---------------------------------------------------------------------------------

    async def _send_all(self) -> None:
        """Keep as many workers as the concurrency says until nothing is left to send."""
        while not self._directive.cancelled and self._error is None:
            if self._directive.paused:
                await self._pause()
                continue
            self._hire()
            if not self._workers:
                return
            await asyncio.wait(self._workers, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
        await self._let_finish()

    def _hire(self) -> None:
        if self._phase is not Phase.RUNNING:
            return
        limit = self._tuner.limit
        while len(self._workers) < limit and self._remaining.any_left:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._let_go)
        self._tuner.in_flight = len(self._workers)

    def _let_go(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._tuner.in_flight = len(self._workers)
        if worker.cancelled() or (error := worker.exception()) is None:
            return
        if not isinstance(error, VConsoleError):
            log.error("a worker broke off", exc_info=error)
            error = VConsoleError(f"{type(error).__name__}: {error}", kind="broke_off")
        self._error = self._error or error

    async def _work(self) -> None:
        """Send one request after another, as long as this worker is wanted."""
        while not self._halted and len(self._workers) <= self._tuner.limit:
            await self._tuner.turn()
            item = await self._remaining.next()
            if item is None:
                return
            begun_s = time.monotonic()
            try:
                await self._carry_out(item)
                self._tuner.pace.took(time.monotonic() - begun_s)
            except PutBackError:
                self._remaining.put_back(item)
            except BaseException:
                self._remaining.put_back(item)
                raise

    async def _note_bad(self, bad: BadLine) -> None:
        if self._journal.known.get(failure_key(bad.custom_id, bad.number, bad.code)):
            return
        await self._write(self._journal.errors, bad_line(bad))
        self._counts.count_failure(bad.code)

    async def _carry_out(self, item: Item) -> None:
        if self._first_request_s is None:
            self._first_request_s = time.monotonic() - self._begun_s
        outcome = await self._answers.send(item)
        if isinstance(outcome, Failure):
            await self._write(self._journal.errors, failure_line(item, outcome))
            self._counts.count_failure(outcome.code)
            return
        line = answer_line(item, outcome.judged, outcome.body)
        await self._write(self._journal.output, line)
        outcome.judged.count(self._counts)

    async def _write(self, file: LineFile, line: bytes) -> None:
        """Have the kernel take the line; a full disk is waited for, unless the batch is ended."""
        while not self._writing.takes(file, line):
            if self._directive.cancelled:
                raise PutBackError
            await asyncio.sleep(DISK_RETRY_S)

    # --- pausing and ending ----------------------------------------------------------------------

    async def _pause(self) -> None:
        await self._let_finish()
        await self._journal.sync()
        self._tuner.rate.forget()
        await asyncio.sleep(TICK_S)

    async def _let_finish(self) -> None:
        """Give what is in flight time to end, then have it put back."""
        if not self._workers:
            return
        await asyncio.wait(set(self._workers), timeout=PAUSE_PATIENCE_S)
        for worker in list(self._workers):
            worker.cancel()
        if self._workers:
            await asyncio.wait(set(self._workers))

    async def _finish(self) -> Phase:
        await self._journal.sync()
        if error := self._error or self._writing.fault():
            raise error
        if self._directive.cancelled:
            return Phase.CANCELLED
        self._total = self._counts.done
        if self._spec.join:
            self._phase = Phase.JOINING
            await asyncio.to_thread(write_join, self._source, self._spec, self._total)
        return Phase.DONE

    async def _close(self) -> None:
        await self._let_finish()
        await self._peer.close()
        await self._answers.close()
        if self._identifying:
            await asyncio.wait({self._identifying})
        await self._journal.sync()
        self._error = await asyncio.to_thread(self._writing.rescued, self._error)
        self._journal.close()

    # --- by the clock ----------------------------------------------------------------------------

    async def _keep_in_touch(self) -> None:
        """Hear what is wanted, tell how far it is."""
        told_s = 0.0
        while True:
            self._directive = self._look()
            self._tuner.share = self._directive.share
            self._tuner.fix(self._directive.concurrency)
            self._sender.priority = self._directive.priority
            self._peer.move(self._directive.url, self._directive.api_key)
            if time.monotonic() - told_s >= TELL_S:
                told_s = time.monotonic()
                self._tell(self.progress())
            await asyncio.sleep(TICK_S)

    async def _keep_synced(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            with contextlib.suppress(OSError):
                await self._journal.sync()
            self._error = self._error or self._writing.fault()
            await self._answers.flush()

    def progress(self) -> Progress:
        counts = self._counts
        per_s, tokens_per_s, window_s = self._rates() or (None, None, None)
        phase, note = self._shown()
        return Progress(
            phase=phase,
            total=max(self._total, counts.done),
            **counts.fields(),
            in_flight=len(self._workers),
            concurrency=self._tuner.limit,
            requests_per_s=per_s,
            generation_tokens_per_s=tokens_per_s,
            rate_window_s=window_s,
            eta_s=max(0, self._total - counts.done) / per_s if per_s else None,
            seconds=time.monotonic() - self._begun_s,
            first_request_s=self._first_request_s,
            note=note,
            remedy=self._error.remedy if self._error else None,
        )

    def _rates(self) -> tuple[float, float, float] | None:
        """Those of the last half minute; of an ended run those of all of it."""
        if self._phase not in ENDED:
            return self._tuner.rate.over_window()
        seconds = time.monotonic() - self._begun_s
        tokens = self._counts.generation_tokens - self._tokens_before
        return (self._counts.done - self._counts.reused) / seconds, tokens / seconds, seconds

    def _shown(self) -> tuple[Phase, str | None]:
        """What it is doing as its user sees it, with what it waits for."""
        if self._error:
            return self._phase, self._error.message
        if self._phase in {Phase.RUNNING, Phase.WAITING}:
            if self._directive.paused and not self._workers:
                return Phase.PAUSED, None
            if self._writing.full:
                return Phase.WAITING, self._writing.full
            if not self._peer.is_there:
                return Phase.WAITING, f"waiting for the server: {self._peer.note}"
        return self._phase, None
