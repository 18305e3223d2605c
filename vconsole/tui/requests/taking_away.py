"""A request as text to copy, with its files read."""

from __future__ import annotations

from dataclasses import replace

from vconsole.requests.attachments import image_urls
from vconsole.requests.export import Form, exported
from vconsole.supervisor.model import AskRequest

WORDS = {Form.CURL: "curl command", Form.PYTHON: "Python script", Form.BATCH: "batch line"}


def taken_away(form: Form, request: AskRequest, url: str, model: str | None) -> tuple[str, str]:
    """The text, and what it is in words; raises `VConsoleError` where a file cannot be read."""
    whole = replace(request, images=image_urls(request.images))
    return exported(form, whole, url, model), WORDS[form]
