"""The models that a profile may fall back to on this host: chosen, or judged as they were named."""

from __future__ import annotations

from dataclasses import dataclass

from vconsole import paths, settings
from vconsole.engine.find import find_engine
from vconsole.errors import VConsoleError
from vconsole.models.catalogue import load_catalogue
from vconsole.models.fit import make_plan, wishes_from
from vconsole.models.fit.plan import Card, Verdict
from vconsole.models.offers import Offer, fallbacks, lacking
from vconsole.models.on_disk import folder_of
from vconsole.models.profiles import Profile
from vconsole.models.subject import find_subject
from vconsole.supervisor.client import SupervisorClient, SupervisorUnreachableError
from vconsole.supervisor.models.cards import card_of_host, named_card


@dataclass(frozen=True, slots=True)
class Fallback:
    """One step: whether it fits the card, is there already, and needs the Hub's leave."""

    model: str
    verdict: Verdict
    is_on_disk: bool
    gated: bool | None = None
    weights_bytes: int | None = None
    why: str | None = None

    @property
    def pull_command(self) -> str | None:
        """What brings it here beforehand; None where it is here."""
        return None if self.is_on_disk else f"vconsole models pull {self.model}"


def offered(profile: Profile) -> tuple[Fallback, ...]:
    """A chain for this profile's model on this host's card; empty where nothing smaller fits."""
    size = None
    try:
        subject = find_subject(profile.model)
        size = subject.facts.checkpoint.stored_bytes if subject.facts.checkpoint else None
    except VConsoleError:
        # What is neither here nor in the catalogue has an unknown size; the card bounds it.
        pass
    return tuple(map(_of_offer, fallbacks(profile.model, size, _card(), _version())))


def judged(names: tuple[str, ...]) -> tuple[Fallback, ...]:
    """The named models as this host's card would take them, in their order."""
    card, version = _card(), _version()
    return tuple(_judged(name, card, version) for name in names)


def _of_offer(offer: Offer) -> Fallback:
    entry = offer.entry
    return Fallback(
        *(offer.name, offer.plan.verdict, offer.is_on_disk, entry.gated, entry.weights_bytes),
        offer.plan.why[0] if offer.plan.why else None,
    )


def _judged(name: str, card: Card, version: str | None) -> Fallback:
    entry = load_catalogue().find(name)
    try:
        subject = find_subject(name)
    except VConsoleError as error:
        return Fallback(name, Verdict.UNKNOWN, folder_of(name) is not None, why=error.message)
    if missing := lacking(card, entry):
        return Fallback(name, Verdict.UNKNOWN, subject.folder is not None, why=missing)
    plan = make_plan(subject.facts, card, wishes_from(subject.flags), engine_version=version)
    return Fallback(
        name,
        plan.verdict,
        subject.folder is not None,
        entry.gated if entry else None,
        plan.weights_bytes.value if plan.weights_bytes else None,
        plan.why[0] if plan.why else None,
    )


def _card() -> Card:
    """This host's card; what our own servers hold is free, since a fallback replaces them."""
    try:
        status = SupervisorClient(paths.socket_path()).status()
    except SupervisorUnreachableError:
        return named_card(None, None).card
    return card_of_host(status.gpus, status.host, without_ours=True).card


def _version() -> str | None:
    engine = find_engine(settings.load())
    return engine.version if engine else None
