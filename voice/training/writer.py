"""Asks an exported model, one chat at a time: for the check after an export and for evaluation.

Calls are answered by voice/engines; this is the plain, synchronous way.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voice.training.tokenizer import END, need

MAX_TOKENS = 120
CONTEXT = 1024


@dataclass(frozen=True, slots=True)
class Written:
    """A reply. `ended`: the model ended it itself, before MAX_TOKENS."""

    text: str
    ended: bool


def runtime() -> Any:
    """onnxruntime-genai, its reports to its makers off. Raises SetupError when it is missing."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, at the first import
    return need("onnxruntime_genai")


class Writer:
    """A model folder, loaded."""

    def __init__(self, folder: Path) -> None:
        self._og = runtime()
        self._model = self._og.Model(str(folder))
        self._tokenizer = self._og.Tokenizer(self._model)

    def reply(self, messages: list[dict[str, str]], *, temperature: float = 0.0, seed: int = 0) -> Written:
        """The reply to a chat; temperature 0 takes the likeliest word each time."""
        prompt = self._tokenizer.apply_chat_template(json.dumps(messages), add_generation_prompt=True)
        sampled = {"do_sample": True, "temperature": temperature, "top_p": 0.95, "random_seed": seed}
        generator = self._generator(**(sampled if temperature else {"do_sample": False}))
        generator.append_tokens(self._tokenizer.encode(prompt))
        stream, text, written = self._tokenizer.create_stream(), "", 0
        while not generator.is_done() and written < MAX_TOKENS:
            generator.generate_next_token()
            text += stream.decode(generator.get_next_tokens()[0])
            written += 1
        return Written(text.strip(), bool(generator.is_done()))

    def loss(self, messages: list[dict[str, str]], answer: str) -> tuple[float, int]:
        """How surprised the model is by an answer: the sum over its tokens in nats, and their number."""
        import numpy as np

        prompt = self._tokenizer.apply_chat_template(json.dumps(messages), add_generation_prompt=True)
        before = list(self._tokenizer.encode(prompt))
        expected = list(self._tokenizer.encode(answer + END))
        generator = self._generator(do_sample=False)
        generator.append_tokens([*before, *expected])
        scores = np.asarray(generator.get_output("logits"), dtype=np.float64)[0, len(before) - 1 : -1]
        likely = scores - np.log(np.exp(scores - scores.max(-1, keepdims=True)).sum(-1, keepdims=True))
        likely -= scores.max(-1, keepdims=True)
        return -float(likely[np.arange(len(expected)), expected].sum()), len(expected)

    def _generator(self, **search: float) -> Any:
        params = self._og.GeneratorParams(self._model)
        params.set_search_options(max_length=CONTEXT, **search)
        return self._og.Generator(self._model, params)
