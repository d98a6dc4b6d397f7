"""The words of the small model: a byte-level BPE made from its own dialogues.

Digits never join: "4B" and "1225" are spelled out, so that the model copies a unit it has
never read, sign by sign. Deterministic: the same seed gives the same file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voice.errors import SetupError
from voice.training.dialogues import conversation, dialogue

END, SYSTEM, USER, ASSISTANT = "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL = (END, SYSTEM, USER, ASSISTANT)  # in the order of their ids, from 0
VOCABULARY = 4096
SAMPLE_DIALOGUES = 24_000
MINIMUM_COUNT = 12  # rarer pieces are mostly noise and chance pairs
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] | trim }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CONFIG = {
    "tokenizer_class": "GPT2Tokenizer",  # byte-level BPE with GPT-2's way of cutting words
    "add_prefix_space": False,
    "add_bos_token": False,
    "clean_up_tokenization_spaces": False,
    "bos_token": END,
    "eos_token": END,
    "pad_token": END,
    "unk_token": END,
    "model_max_length": 1024,
    "chat_template": CHAT_TEMPLATE,
}


def need(module: str) -> Any:
    """A module of the extra `train`. Raises SetupError with the command to install it."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise SetupError(
            f'training needs {module.partition(".")[0]}: .venv/bin/pip install -e ".[train]"'
        ) from exc


def make_tokenizer(out_dir: Path, *, seed: int, sample: int = SAMPLE_DIALOGUES) -> Path:
    """Write tokenizer.json and tokenizer_config.json, made from dialogues of this seed."""
    tokenizers = need("tokenizers")
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=MINIMUM_COUNT,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(_texts(seed, sample), trainer)
    out_dir.mkdir(parents=True, exist_ok=True)
    bpe.save(str(out_dir / "tokenizer.json"))
    (out_dir / "tokenizer_config.json").write_text(json.dumps(CONFIG, indent=2) + "\n", encoding="utf-8")
    return out_dir / "tokenizer.json"


def _texts(seed: int, sample: int) -> Iterator[str]:
    """What the BPE learns from: the dialogues without digits."""
    for row in range(sample):
        for message in conversation(dialogue(seed, row, 0)):
            yield re.sub(r"\d", " ", message["content"])
