"""The embedded model with the library's own engine for many requests, beside our own loop over its caches.

That engine batches: `dynamic`, where requests come and go, needs the paged attention that the library has for
GPUs alone; `static`, which is what our model gets, writes a batch to its end before the next one begins, and
keeps nothing that a call's next turn could build on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, when the library is loaded

import onnxruntime_genai as og
import orjson

from tests.voice.engines.measure.asking import SENTENCE
from tests.voice.engines.measure.table import row
from voice.engines.onnx import PACKAGED

AT_ONCE = (1, 8, 32)
PLACES = 8  # of our loop, as a worker has by default
TOKENS = 40
ROUNDS = 5
SLICE_TOKENS = 32


@dataclass(frozen=True)
class Round:
    tokens: int
    took_s: float
    first_s: Sequence[float]


class Library:
    """The model, loaded for batches of `at_once`."""

    def __init__(self, at_once: int, batching: str = "static_batching") -> None:
        config = og.Config(str(PACKAGED))
        options = {"model": {"decoder": {"session_options": {"intra_op_num_threads": 1}}}}
        engine = {"engine": {batching: {"max_batch_size": at_once}}}
        config.overlay(orjson.dumps(options | engine).decode())
        self.model = og.Model(config)
        self.tokenizer = og.Tokenizer(self.model)
        self.ends = set(map(int, self.tokenizer.eos_token_ids))

    def prompt(self, number: int, turns: int) -> list[int]:
        said = [
            {"role": "assistant" if place % 2 else "user", "content": SENTENCE} for place in range(turns - 1)
        ]
        asked = {
            "role": "user",
            "content": f"And what about unit {number}, where {number * 7} boxes are wet?",
        }
        persona = {"role": "system", "content": "You are Jamie, who answers for Maple Court."}
        told = orjson.dumps([persona, *said, asked]).decode()
        return [
            int(token)
            for token in self.tokenizer.encode(
                self.tokenizer.apply_chat_template(told, add_generation_prompt=True)
            )
        ]

    def batched(self, prompts: Sequence[Sequence[int]]) -> Round:
        """By the library's engine."""
        engine, began = og.Engine(self.model), time.perf_counter()
        events, requests, first, tokens = engine.create_event_buffer(64), [], {}, 0
        for prompt in prompts:
            request = engine.create_request()
            options = og.TurnOptions(request)
            options.set_max_generated_tokens(TOKENS)
            options.set_do_sample(False)
            request.begin_turn(prompt, options)
            requests.append(request)
        while engine.has_pending_requests():
            for event in engine.run(events):
                if event.flags & og.EngineEventFlags.TOKEN:
                    tokens += 1
                    first.setdefault(id(event.request), time.perf_counter() - began)
                if event.flags & og.EngineEventFlags.TURN_FINISHED:
                    event.request.close()
        return Round(tokens, time.perf_counter() - began, sorted(first.values()))

    def looped(self, prompts: Sequence[Sequence[int]], caches: list[og.Generator], kept: int) -> Round:
        """By turns over a cache for each, as our child does it; `kept` tokens are in the caches already."""
        began, first, tokens = time.perf_counter(), list[float](), 0
        waiting, at_work = list(enumerate(prompts)), list[tuple[og.Generator, list[int], list[int]]]()
        while waiting or at_work:
            while waiting and len(at_work) < PLACES:
                number, prompt = waiting.pop(0)
                cache = caches[number % len(caches)]
                cache.rewind_to(kept)
                at_work.append((cache, list(prompt[kept:]), []))
            one_reads = False
            for job in list(at_work):
                cache, unread, written = job
                if not written and one_reads:
                    continue
                one_reads = one_reads or not written
                cache.append_tokens(unread[:SLICE_TOKENS])
                del unread[:SLICE_TOKENS]
                if unread:
                    continue
                if not written:
                    first.append(time.perf_counter() - began)
                written.append(int(cache.get_logits().reshape(-1).argmax()))
                unread.append(written[-1])
                tokens += 1
                if written[-1] in self.ends or len(written) == TOKENS:
                    at_work.remove(job)
        return Round(tokens, time.perf_counter() - began, sorted(first))

    def cache(self) -> og.Generator:
        params = og.GeneratorParams(self.model)
        params.set_search_options(max_length=1024)
        return og.Generator(self.model, params)


def library() -> None:
    try:
        og.Engine(Library(8, "dynamic_batching").model)
    except RuntimeError as exc:
        row("the library's dynamic batching with our model", f"refused: {str(exc)[:60]}")
    for turns, kind in ((1, "a call's first words"), (7, "later turn")):
        for at_once in AT_ONCE:
            _compare(Library(at_once), at_once, turns, kind)


def _compare(model: Library, at_once: int, turns: int, kind: str) -> None:
    prompts = [model.prompt(number, turns) for number in range(at_once)]
    caches = [model.cache() for _ in range(min(at_once, PLACES))]
    # The call's own history was read in its last turn; all but what the caller says now is there already.
    shared = model.prompt(0, turns)[: -len(model.prompt(0, 1))] if turns > 1 else []
    for cache in caches:
        cache.append_tokens(shared or prompts[0])
    rounds = [(model.looped(prompts, caches, len(shared)), model.batched(prompts)) for _ in range(ROUNDS)]
    ours = min((one for one, _ in rounds), key=lambda one: one.took_s)
    theirs = min((one for _, one in rounds), key=lambda one: one.took_s)
    rate, their_rate = ours.tokens / ours.took_s, theirs.tokens / theirs.took_s
    row(
        f"the library's engine, {kind}, {at_once:>2} at once",
        f"{their_rate / rate:.2f} x of our {rate:.0f} tokens/s;"
        f" first token p50 {_middle(theirs):.0f} ms, ours {_middle(ours):.0f} ms",
    )


def _middle(one: Round) -> float:
    return one.first_s[len(one.first_s) // 2] * 1000
