"""What real starts reported: the rows of the ledger, which correct the planner's next answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class MeasuredStart:
    """One start that became ready, as vLLM's log told it; sizes in bytes, of one card.

    `flags` are vLLM's, without secrets; `phases_s` gives the seconds of each phase in order.
    What a version does not print is None. `predicted_*` is what the planner had said. `identity`
    is the same for one model by name and by path; rows of older versions lack it.
    """

    model: str
    flags: tuple[str, ...]
    engine_version: str | None
    card: str
    card_total_bytes: int | None
    at: str
    weights_bytes: int | None = None
    consumed_bytes: int | None = None
    peak_activation_bytes: int | None = None
    cuda_graph_bytes: int | None = None
    kv_cache_bytes: int | None = None
    kv_cache_tokens: int | None = None
    max_model_len: int | None = None
    max_concurrency: float | None = None
    utilization: float | None = None
    phases_s: tuple[tuple[str, float], ...] = ()
    predicted_weights_bytes: int | None = None
    predicted_kv_cache_bytes: int | None = None
    predicted_kv_cache_tokens: int | None = None
    identity: str | None = None

    @property
    def name(self) -> str:
        """The name without its path; a revision in the cache is called by its repository."""
        repository, at, _ = (self.identity or "").partition("@")
        return PurePath(repository if at and self.is_path else self.model).name

    @property
    def is_path(self) -> bool:
        return self.model.startswith(("/", "~", "."))

    def is_of(self, model: str, folder: str | None, identity: str | None) -> bool:
        """Whether it started the model of that identity; older rows are told by name or folder."""
        if self.identity and identity:
            return self.identity == identity
        return self.model in (model, folder)
