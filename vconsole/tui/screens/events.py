"""Events: what happened on this machine, as the supervisor kept it, filtered as one types."""

from __future__ import annotations

from dataclasses import replace

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from vconsole.supervisor.telling.event import Severity
from vconsole.tui.actions import bindings_for
from vconsole.tui.events.feed import EventFeed
from vconsole.tui.events.selection import EventSelection
from vconsole.tui.messages import EventsArrived
from vconsole.tui.screens.base import ConsoleScreen
from vconsole.tui.widgets.event_foot import EventFoot
from vconsole.tui.widgets.event_head import EventHead
from vconsole.tui.widgets.event_list import EventList
from vconsole.tui.widgets.field import Field
from vconsole.tui.widgets.key_bar import KeyBar
from vconsole.tui.widgets.marked_list import MarkedList

SEVERITIES = tuple(Severity)
TYPING = (("enter", "keep"), ("esc", "clear"))


class EventsScreen(ConsoleScreen):
    NAME = "events"
    AUTO_FOCUS = "EventList"
    CSS_PATH = "events.tcss"
    BINDINGS = bindings_for("events")

    def __init__(self) -> None:
        super().__init__()
        self._feed: EventFeed | None = None

    def contents(self) -> ComposeResult:
        yield EventHead(id="event-head")
        with Horizontal(id="event-filter-row"):
            yield Label("/", id="event-filter-label")
            yield Field(id="event-filter", placeholder="words, kind:crash, server:main")
        yield EventList(id="event-list")
        yield EventFoot(id="event-foot")

    @property
    def list(self) -> EventList:
        return self.query_one(EventList)

    @property
    def field(self) -> Input:
        return self.query_one("#event-filter", Input)

    def on_screen_resume(self) -> None:
        self.on_screen_suspend()
        self._feed = EventFeed(self, self.console_app.socket_path, self.list.last_id)
        self._feed.begin()

    def on_screen_suspend(self) -> None:
        if self._feed is not None:
            self._feed.end()
            self._feed = None

    def on_unmount(self) -> None:
        self.on_screen_suspend()

    def on_events_arrived(self, message: EventsArrived) -> None:
        self.list.add(message.events)

    @on(MarkedList.Moved)
    def _moved(self) -> None:
        self.query_one(EventHead).redraw()
        self.query_one(EventFoot).redraw()

    def do_events_filter(self) -> None:
        self.add_class("-filtering")
        self.field.focus()
        self._type(TYPING)

    @on(Input.Changed, "#event-filter")
    def _filter(self, event: Input.Changed) -> None:
        if self.list.selection.text != event.value:
            self.list.select(replace(self.list.selection, text=event.value))

    @on(Input.Submitted, "#event-filter")
    def _leave_field(self) -> None:
        self.remove_class("-filtering")
        self._type(())
        self.list.focus()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self.field.has_focus:
            self.field.value = ""
            self._leave_field()
            event.stop()

    def _type(self, keys: tuple[tuple[str, str], ...]) -> None:
        bar = self.query_one(KeyBar)
        bar.typing = keys
        bar.redraw()

    def do_events_severity(self) -> None:
        least = self.list.selection.least
        after = SEVERITIES[(SEVERITIES.index(least) + 1) % len(SEVERITIES)]
        self.list.select(replace(self.list.selection, least=after))

    def do_events_follow(self) -> None:
        self.list.follow()

    def do_events_copy(self) -> None:
        event = self.list.marked
        if event is not None:
            at = event.at.astimezone().isoformat(timespec="seconds")
            words = (at, event.severity, event.kind, event.server or "-", event.text)
            self.console_app.copy(" ".join(words), "event")

    def do_events_back(self) -> object:
        """Show all again first; a second time, leave."""
        if self.list.selection != EventSelection():
            self.list.select(EventSelection())
            self.field.value = ""
            return None
        return self.console_app.switch_mode("overview")
