"""The byte-level BPE tokenizer of a demo model, its chat template, and the encoding of documents.

Numbers of up to two digits and punctuation are split off, so that small sums are table look-ups
and a grammar can close a quote at any place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from documents import ASSISTANT, BOS, END, PAD, SPECIAL_TOKENS, SYSTEM, USER, Document
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

PIECES = r" ?\p{L}+|\p{N}{1,2}|[^\s\p{L}\p{N}]| (?=[^\s\p{L}])|\s+(?!\S)|\s+"
MAX_LENGTH_TOKENS = 2048
CHAT_TEMPLATE = f"""\
{{%- macro text(content) -%}}
{{%- if content is string -%}}{{{{ content | trim }}}}
{{%- elif content -%}}
{{%- for part in content if part.type == 'text' -%}}{{{{ part.text | trim }}}}
{{%- if not loop.last %}} {{% endif -%}}{{%- endfor -%}}
{{%- endif -%}}
{{%- endmacro -%}}
{{{{- bos_token -}}}}
{{%- for message in messages -%}}
{{%- if message.role in ('system', 'developer') -%}}{SYSTEM}
{{%- elif message.role == 'assistant' -%}}{ASSISTANT}
{{%- else -%}}{USER}{{%- endif -%}}
{{{{- text(message.content) -}}}}
{END}
{{%- endfor -%}}
{{%- if add_generation_prompt -%}}{ASSISTANT}{{%- endif -%}}
"""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids, the loss weight of each id as a target, and its position."""

    ids: list[int]
    weights: list[float]
    gap_at: int


def build_tokenizer(documents: list[Document], vocabulary_size: int) -> Tokenizer:
    """A tokenizer trained on the documents' text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = (segment.text for document in documents for segment in document.segments)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return tokenizer


def encode(tokenizer: Tokenizer, document: Document) -> Encoded:
    """The document's tokens as the chat template, or the completions endpoint, would give them."""
    end = tokenizer.token_to_id(END)
    ids, weights, gap_at = [tokenizer.token_to_id(BOS)], [0.0], 1
    for index, segment in enumerate(document.segments):
        if index == document.gap_before:
            gap_at = len(ids)
        if segment.marker:
            ids.append(tokenizer.token_to_id(segment.marker))
            weights.append(0.0)
        body = [*tokenizer.encode(segment.text, add_special_tokens=False).ids, end]
        ids += body
        weights += [segment.weight] * len(body)
        if segment.skip_first:
            weights[-len(body)] = 0.0
    return Encoded(ids, weights, gap_at)


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """The three files that an engine reads: tokenizer, its settings, chat template."""
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=False), encoding="utf-8")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": END,
        "pad_token": PAD,
        "clean_up_tokenization_spaces": False,
        "model_max_length": MAX_LENGTH_TOKENS,
    }
    text = json.dumps(settings, indent=2) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
