"""The line to a model server on loopback: what it serves, an adapter loaded into it, one reply written."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus

import aiohttp
import orjson

from voice.engines.openai_ask import LESS, Tools, fits_not, request_body, takes_no_tools
from voice.engines.openai_reply import Deltas
from voice.engines.tool_syntax import ToolSyntax, schemas_of
from voice.errors import BadJob, EngineDied, UnknownModel
from voice.job import tool_object
from voice.types import Finish, Hear, Json, Prompt

CONNECT_S = 2.0  # on loopback it takes a millisecond, or the server is not there
REFUSAL_BYTES = 1 << 16
JSON = {"Content-Type": "application/json"}

log = logging.getLogger(__name__)


class TooLong(Exception):
    """The prompt does not fit into the model's context."""


class _ToolsRefused(Exception):
    """The server was not set up for tools, or not for as much of them."""


class ServerLine:
    """Requests to the server at `url`, its /v1 base. Open it in the loop that uses it.

    `lost` is called when the server cannot be reached in the middle of a reply, or hangs up.
    """

    def __init__(self, url: str, key: str | None, lost: Callable[[], None]) -> None:
        self.url = url.rstrip("/")
        self._lost = lost
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._session: aiohttp.ClientSession | None = None
        self._tools: Tools = "parsed"

    def open(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout, connector=connector)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def served(self) -> dict[str, int | None] | None:
        """The names of what the server has, with the length of their context; None: it does not answer yet.

        Raises EngineDied when it refuses the key.
        """
        with suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with self._open_session().get(f"{self.url}/models") as answer:
                if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                    raise EngineDied(f"the model server at {self.url} refuses LLM_API_KEY")
                if answer.status == HTTPStatus.OK:
                    return _names(orjson.loads(await answer.read()))
        return None

    async def load_adapter(self, name: str, folder: str) -> None:
        """Load a LoRA adapter into the running server. Raises EngineDied when it cannot."""
        asked = orjson.dumps({"lora_name": name, "lora_path": folder})
        try:
            async with self._open_session().post(
                f"{self.url}/load_lora_adapter", data=asked, headers=JSON
            ) as answer:
                status: int = answer.status
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise EngineDied("the model server is gone") from exc
        if status != HTTPStatus.OK:
            log.error("engine.not_loaded", extra={"model": name, "status": status})
            raise EngineDied(
                f"the model server does not load the adapter {name!r} ({status}): vLLM does so with"
                " --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1; others must be started with it"
            )
        log.info("engine.adapter_loaded", extra={"adapter": name})

    async def write(self, prompt: Prompt, hear: Hear, model: str, context: int | None) -> Finish:
        """Have one reply written. Raises TooLong, BadJob, EngineDied. Cancelling it closes the connection.

        A server that was not set up for tools is asked for less, and asked so from then on.
        """
        while True:
            tools = self._tools
            try:
                finish = await self._write(prompt, hear, model, context, tools)
            except _ToolsRefused as exc:
                if (less := LESS.get(tools)) is None:
                    raise BadJob("the model server refuses tools.") from exc
                log.warning("engine.tools_refused", extra={"model": model, "tools": less})
                self._tools = less
            else:
                is_unseen = bool(prompt.tools) and tools == "unseen"
                return replace(finish, ignored=("tools",)) if is_unseen else finish

    async def _write(
        self, prompt: Prompt, hear: Hear, model: str, context: int | None, tools: Tools
    ) -> Finish:
        body = orjson.dumps(request_body(prompt, model, context, tools))
        offered = schemas_of(tool_object(tool) for tool in prompt.tools)
        deltas = Deltas(ToolSyntax(offered) if offered else None)
        try:
            async with self._open_session().post(
                f"{self.url}/chat/completions", data=body, headers=JSON
            ) as answer:
                if answer.status != HTTPStatus.OK:
                    await _refuse(answer, model, has_tools=bool(offered))
                async for some in answer.content.iter_any():
                    if text := "".join(deltas.feed(some)):  # once: whoever hears it may cancel us
                        hear(text)
        except (aiohttp.ClientError, TimeoutError) as exc:
            self._lost()
            raise EngineDied("the model server is gone") from exc
        if text := deltas.end():  # before the finish: many calls end with the reply only
            hear(text)
        return deltas.finish()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise EngineDied("the line to the model server is not open")
        return self._session


async def _refuse(answer: aiohttp.ClientResponse, model: str, *, has_tools: bool) -> None:
    """Raises what a status means. The server's own words may be the caller's, and stay here."""
    told = (await answer.content.read(REFUSAL_BYTES)).decode("utf-8", "replace")
    if answer.status == HTTPStatus.NOT_FOUND:
        raise UnknownModel(f"the model server does not have {model!r}.")
    if has_tools and takes_no_tools(told):
        raise _ToolsRefused
    if not 400 <= answer.status < 500:
        raise EngineDied(f"the model server failed ({answer.status})")
    if fits_not(told):
        raise TooLong
    raise BadJob(f"the model server refuses the request ({answer.status}).")


def _names(told: Json) -> dict[str, int | None]:
    """`/v1/models` as names with context lengths. Raises ValueError when it is something else."""
    listed = told.get("data") if isinstance(told, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no list of models")
    models = [one for one in listed if isinstance(one, dict)]
    lengths = {str(one.get("id")): one.get("max_model_len") for one in models}
    return {name: length if isinstance(length, int) else None for name, length in lengths.items()}
