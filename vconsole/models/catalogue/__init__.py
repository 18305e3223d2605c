"""The models that vconsole knows of: those that ship, the user's own, what the Hub added."""

from __future__ import annotations

from vconsole.models.catalogue.entry import Entry, Quality
from vconsole.models.catalogue.reading import Catalogue, load_catalogue

__all__ = ["Catalogue", "Entry", "Quality", "load_catalogue"]
