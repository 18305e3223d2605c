"""A batch before it is queued: its input checked, its first requests asked, off the loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from textual.message import Message
from textual.message_pump import MessagePump

from vconsole.errors import VConsoleError
from vconsole.requests.batch.preview import Checked, Preview, preview
from vconsole.supervisor.client import SupervisorClient
from vconsole.supervisor.jobs.model import JobRequest
from vconsole.supervisor.jobs.reach import address_and_key
from vconsole.tui.background.calls import deliver, in_background


@dataclass
class InputChecked(Message):
    checked: Checked


@dataclass
class PreviewArrived(Message):
    preview: Preview


@dataclass
class PreviewFailed(Message):
    error: VConsoleError


class Previewing:
    """`pump` hears how far it is; `stop` gives it up, and the server aborts what it runs."""

    def __init__(self, pump: MessagePump, client: SupervisorClient, request: JobRequest) -> None:
        self._pump, self._client, self._request = pump, client, request
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Preview] | None = None
        self._stopped = False

    def begin(self) -> None:
        in_background("batch-preview", self._run)

    def stop(self) -> None:
        self._stopped = True
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _run(self) -> None:
        try:
            found = asyncio.run(self._preview())
        except asyncio.CancelledError:
            return
        except VConsoleError as error:
            deliver(self._pump, PreviewFailed(error))
        except OSError as error:
            deliver(self._pump, PreviewFailed(VConsoleError(str(error), "check the files")))
        else:
            deliver(self._pump, PreviewArrived(found))

    async def _preview(self) -> Preview:
        server = await asyncio.to_thread(self._client.server, self._request.server)
        url, key = address_and_key(server)
        self._loop = asyncio.get_running_loop()
        work = preview(self._request.spec, url, key, self._checked)
        self._task = asyncio.ensure_future(work)
        if self._stopped:
            self._task.cancel()
        return await self._task

    def _checked(self, checked: Checked) -> None:
        deliver(self._pump, InputChecked(checked))
