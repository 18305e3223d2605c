"""Whether a model's folder has a chat template, without which chat requests are refused."""

from __future__ import annotations

from pathlib import Path

import msgspec

FILES = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
# Mistral's own tokenizers bring their template in code.
MISTRAL = ("tekken.json",)
# vLLM has a template of its own for many of these (chat_template_registry of its renderers).
CONFIGS_WITH_FALLBACK = ("vision_config", "audio_config")
OTHER_TASKS = ("BertModel", "ForSequenceClassification", "RewardModel", "EmbeddingModel")


def lacks_chat_template(folder: Path, options: frozenset[str]) -> bool:
    """True only where the files say so; a model that is not here, or is no chat model, lacks none.

    `options` are those given to vLLM.
    """
    if options & {"--chat-template", "--tokenizer", "--tokenizer-mode", "--runner"}:
        return False
    config, tokenizer = _read(folder / "config.json"), _read(folder / "tokenizer_config.json")
    if config is None or tokenizer is None or tokenizer.get("chat_template"):
        return False
    if any((folder / name).exists() for name in (*FILES, *MISTRAL)):
        return False
    named = str(config.get("architectures"))
    return not (
        any(key in config for key in CONFIGS_WITH_FALLBACK)
        or any(task in named for task in OTHER_TASKS)
    )


def _read(path: Path) -> dict[str, object] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
