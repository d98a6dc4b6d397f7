"""The transformers library's own continuous batching: the model, its tokenizer, and requests to them.

Imported late, by the engine that runs it: torch takes seconds and hundreds of megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, ContinuousBatchingConfig, GenerationConfig

from voice.engines.prompt_reader import PromptReader, Reading
from voice.engines.reply_text import DAMAGE, TOP_K, TOP_P, Reply
from voice.engines.tool_syntax import MARKS, ToolSyntax, schemas_of
from voice.job import message_object, tool_object
from voice.types import Json, Prompt

COOLEST = 1e-4  # a temperature as good as none: the library divides by it
CPU_BLOCKS = 64  # of the cache, each for PAGE_TOKENS: on a CPU the library would take all memory there is
PAGE_TOKENS = 256

Heard = Callable[[list[int] | None], None]
"""Takes all tokens of a reply so far; None: it failed, and no more will come."""


class ChatTokenizer:
    """The library's tokenizer, as PromptReader wants one."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)

    def encode(self, text: str) -> Sequence[int]:
        tokens: Sequence[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return tokens

    def apply_chat_template(
        self, messages: str, *, tools: str | None = None, add_generation_prompt: bool
    ) -> str:
        """Raises RuntimeError where the template refuses the messages, as the template sees fit."""
        given: list[Json] = orjson.loads(messages)
        shown: list[Json] | None = None if tools is None else orjson.loads(tools)
        try:
            text: str = self._tokenizer.apply_chat_template(
                given, tools=shown, tokenize=False, add_generation_prompt=add_generation_prompt
            )
        except Exception as exc:  # fence: whatever a model's author wrote into it
            raise RuntimeError("the chat template failed") from exc
        return text

    def decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    @property
    def marks(self) -> list[str]:
        """All that this tokenizer would take for more than words, in what a caller says."""
        added = self._tokenizer.added_tokens_decoder.values()
        own = {str(one.content) for one in added if one.special or one.content in MARKS}
        return sorted({*own, *self._tokenizer.all_special_tokens})

    @property
    def tool_marks(self) -> Mapping[int, str]:
        """The marks of tool calls that `decode` leaves out."""
        added = self._tokenizer.added_tokens_decoder.items()
        return {number: str(one.content) for number, one in added if one.special and one.content in MARKS}

    @property
    def knows_tools(self) -> bool:
        return "tool_calls" in str(self._tokenizer.chat_template)


class TokenText:
    """Turns a reply's tokens into text one by one; half a character waits for its other half."""

    def __init__(self, tokenizer: ChatTokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._given = ""

    def decode(self, token: int) -> str:
        # A reply is short, and some tokenizers write a token differently behind others: decode it all.
        self._tokens.append(token)
        whole = self._tokenizer.decode(self._tokens)
        if whole.endswith(DAMAGE):
            return ""
        text, self._given = whole[len(self._given) :], whole
        return text


class Batch:
    """A loaded model that writes many replies together. Loading blocks; so does `stop`.

    `adapter` None: the model as it is.
    """

    def __init__(self, folder: Path, at_once: int, adapter: Path | None = None) -> None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = "auto" if device == "cuda" else torch.float32
        model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=dtype)
        if adapter is not None:
            model = _merged(model, adapter)
        model = model.to(device).eval()
        self._tokenizer = ChatTokenizer(folder)
        self._context = int(model.config.max_position_embeddings)
        self._reader = PromptReader(
            self._tokenizer, self._tokenizer.marks, self._context, knows_tools=self._tokenizer.knows_tools
        )
        self._ends = _ends(model.generation_config.eos_token_id)
        sampling = GenerationConfig(
            do_sample=True, temperature=0.5, top_k=TOP_K, top_p=TOP_P, eos_token_id=list(self._ends) or -1
        )
        cpu: dict[str, int] = {"num_blocks": CPU_BLOCKS, "max_batch_tokens": 512} if device == "cpu" else {}
        batching = ContinuousBatchingConfig(
            page_size=PAGE_TOKENS, max_requests_per_batch=at_once, per_request_processors=True, **cpu
        )
        self._manager: Any = model.init_continuous_batching(sampling, batching)
        self._manager.start()

    def is_running(self) -> bool:
        return bool(self._manager.is_running())

    def read(self, prompt: Prompt) -> Reading:
        """The prompt's tokens, as many of its newest turns as fit. Raises BadJob."""
        messages = [message_object(message) for message in prompt.messages]
        tools = [tool_object(tool) for tool in prompt.tools]
        return self._reader.read(messages, prompt.max_tokens, prompt.so_far, tools)

    def reply(self, prompt: Prompt, read: int) -> Reply:
        """The reply that follows so many tokens of a prompt."""
        most = min(prompt.max_tokens, self._context - read)
        offered = schemas_of(tool_object(tool) for tool in prompt.tools)
        syntax = ToolSyntax(offered) if self._reader.shows_tools else None
        marks = self._tokenizer.tool_marks if syntax else {}
        return Reply(TokenText(self._tokenizer), self._ends, prompt.stop, most, syntax, marks)

    def ask(
        self, name: str, tokens: Sequence[int], max_tokens: int, temperature: float, heard: Heard
    ) -> None:
        """Begin the reply `name`. `heard` is called in the running loop."""

        def told(output: Any) -> None:
            heard(None if output.error else list(output.generated_tokens))

        self._manager.register_result_handler(name, told)
        self._manager.add_request(
            list(tokens),
            request_id=name,
            max_new_tokens=max_tokens,
            streaming=True,
            eos_token_id=list(self._ends) or None,
            temperature=max(COOLEST, temperature),
        )

    def cancel(self, name: str) -> None:
        """Stop the reply; one that has ended is not known there any longer, which is no error."""
        self._manager.cancel_request(name)
        router = self._manager.output_router  # it forgets only those who hear the end of their reply
        with router._lock:
            router.result_handlers.pop(name, None)

    def stop(self) -> None:
        self._manager.stop(block=True)


def _merged(model: Any, adapter: Path) -> Any:
    """The model with a LoRA adapter in its weights: the batch knows none beside them."""
    from peft import PeftModel  # late: only adapters need it

    return PeftModel.from_pretrained(model, adapter, local_files_only=True).merge_and_unload()


def _ends(given: int | Sequence[int] | None) -> frozenset[int]:
    """The tokens that end a reply."""
    if given is None:
        return frozenset()
    return frozenset([given] if isinstance(given, int) else given)
