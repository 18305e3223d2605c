"""Where requests come from: whole requests, prompts, or rows with a template."""

from __future__ import annotations

from vconsole.requests.batch.source.opening import open_source
from vconsole.requests.batch.source.shaping import Shape

__all__ = ["Shape", "open_source"]
