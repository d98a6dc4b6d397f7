"""Steers a live Vapi call from outside its turns: say, message, end, transfer, mute.

Vapi names a control URL in what it sends about a call. It is remembered while the call lives, and
whatever is ordered goes there in the order it was given. What is to be said waits while the caller
speaks: Vapi would talk over them. Nothing here raises: a call goes on without its controls.

The URL comes out of a message, so only hosts of the platform are asked, and only over https.

Source: docs.vapi.ai/calls/call-features and the ClientInboundMessage types of vapi_server_sdk 1.9.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from handlers.vapi.hosts import ControlHosts
from handlers.wire.vapi import is_chat
from voice.types import CallId, Json

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

HOLD_S = 8.0  # the longest that words wait for the caller; Vapi drops speech-updates under load
POST_S = 3.0  # for one order; Vapi takes about 0.3
MAX_WAITING = 8  # orders of one call; one more is refused
MAX_LINES = 2_000  # calls whose URL is kept; the oldest goes first
MAX_ENDED = 2_000  # calls whose end is remembered: messages overtake each other by seconds
OVER = ("end-of-call-report", "call.deleted")
FINAL = 'transcript[transcriptType="final"]'

Body = dict[str, Json]
Whom = Literal["assistant", "customer"]


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to be done to a call, as Vapi's control URL takes it."""

    body: Body = field(repr=False)
    written: str = field(default="", repr=False)  # what is heard of it, where the body has it as it is said

    def read_by(self, read: Callable[[str], str]) -> Order:
        """The same with its words as they are said."""
        words = self.words
        return Order({**self.body, "content": read(words)}, words) if words else self

    @property
    def is_speech(self) -> bool:
        """Whether it is heard, and so waits for the caller to finish."""
        return self.body["type"] == "say"

    @property
    def words(self) -> str:
        """What the caller hears of it, as it was written; "": nothing."""
        found = self.written or self.body.get("content")
        return found if isinstance(found, str) else ""

    @property
    def text(self) -> str:
        """What an operator wrote, for the caller or for the model; "": nothing."""
        told = self.body.get("message")
        found = told.get("content") if isinstance(told, dict) else None
        return found if isinstance(found, str) else self.words

    @property
    def is_urgent(self) -> bool:
        """Whether it goes at once, past whatever waits: who is muted must not be heard any longer."""
        return self.body["type"] == "control"


def say(text: str, *, then_end: bool = False, interrupts: bool = False) -> Order:
    """Words for the caller, in the agent's voice. `interrupts` stops what the agent is saying."""
    body: Body = {"type": "say", "content": text, "endCallAfterSpoken": then_end}
    return Order({**body, "interruptAssistantEnabled": interrupts})


def message(text: str, *, role: str = "system", respond: bool = True) -> Order:
    """Something for the model to know; with `respond` it answers to it at once."""
    told: Body = {"role": role, "content": text}
    return Order({"type": "add-message", "message": told, "triggerResponseEnabled": respond})


def end_call() -> Order:
    return Order({"type": "end-call"})


def transfer(to: str, text: str = "") -> Order:
    """Connect the caller to a number (+1…) or a SIP address; `text` is said before."""
    is_sip = to.startswith(("sip:", "sips:"))
    to_whom: Body = {"type": "sip", "sipUri": to} if is_sip else {"type": "number", "number": to}
    if not is_sip and not to.startswith("+"):
        to_whom["numberE164CheckEnabled"] = False  # a listed short code: Vapi refuses it otherwise
    body: Body = {"type": "transfer", "destination": to_whom}
    return Order({**body, "content": text} if text else body)


def handoff(to: str, text: str = "", *, is_id: bool = False) -> Order:
    """Let another assistant of the platform's go on, by its name or its id; `text` is said before."""
    by_name: Body = {"type": "assistant", "assistant": {"name": to}}
    to_whom: Body = {"type": "assistant", "assistantId": to} if is_id else by_name
    body: Body = {"type": "handoff", "destination": to_whom}
    return Order({**body, "content": text} if text else body)


def mute(whom: Whom, *, on: bool) -> Order:
    """Silence one side, or let it be heard again."""
    return Order({"type": "control", "control": f"{'mute' if on else 'unmute'}-{whom}"})


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an order. `says` is for whoever gave it."""

    ok: bool
    says: str


NO_LINE = Sent(False, "This call has no control URL, or is over.")
FULL = Sent(False, f"{MAX_WAITING} orders of this call wait already.")


@dataclass(slots=True)
class _Line:
    """One call's way to its platform."""

    url: str
    quiet: asyncio.Event = field(default_factory=asyncio.Event)  # set: the caller does not speak
    over: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: deque[tuple[Order, asyncio.Future[Sent]]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.quiet.set()


class Controls:
    """The control URLs of all live calls. Used as a context; what still waits at its end is dropped."""

    def __init__(
        self,
        hosts: Sequence[str],
        *,
        key: str | None = None,
        http: httpx.AsyncClient | None = None,
        said: Callable[[CallId, str], None] = lambda call_id, words: None,
    ) -> None:
        self._hosts, self._key = ControlHosts(hosts), key
        self._said = said  # told what the platform has taken to be spoken
        self._http = http
        self._lines: dict[CallId, _Line] = {}
        self._ended: dict[CallId, None] = {}  # oldest first

    async def __aenter__(self) -> Controls:
        return self

    async def __aexit__(self, *_: object) -> None:
        for call_id in list(self._lines):
            self.forget(call_id)
        if self._http is not None:
            await self._http.aclose()

    def notice(self, call_id: CallId | None, found: Mapping[str, Any], around: object = None) -> None:
        """Learn from any message: where a call is steered, whether its caller speaks, that it is over.

        `found` is a server message, unwrapped, or a custom-LLM request; `around` is a `call` beside it.
        Never raises.
        """
        if call_id is None:
            return
        kind, status = found.get("type"), found.get("status")
        if kind in OVER or (kind == "status-update" and status == "ended"):
            self.forget(call_id)
            self._ended[call_id] = None
            if len(self._ended) > MAX_ENDED:
                del self._ended[next(iter(self._ended))]
            return
        if call_id in self._ended:
            return
        line = self._lines.get(call_id)
        known = line.url if line is not None else None
        for call in (found.get("call"), around):
            if url := self._hosts.url_in(call_id, call, known):
                line = self._remember(call_id, url)
                break
        if line is not None and (is_heard := _is_heard(found)) is not None:
            line.quiet.clear() if is_heard else line.quiet.set()

    def knows(self, call_id: CallId) -> bool:
        return call_id in self._lines

    def refused(self, call_id: CallId) -> str | None:
        """Why the control URL that was named for a call is not asked; None: none was refused."""
        return self._hosts.refused(call_id)

    def has_ended(self, call_id: CallId) -> bool:
        """Whether its end was told here, not long ago."""
        return call_id in self._ended

    def forget(self, call_id: CallId) -> None:
        """The call is over: whatever waits is refused."""
        if line := self._lines.pop(call_id, None):
            line.over.set()
            if line.task is not None:
                line.task.cancel()
            for _, done in line.waiting:
                _tell(done, NO_LINE)
            line.waiting.clear()

    async def outlasts(self, call_id: CallId, wait_s: float) -> bool:
        """Whether the call can still be steered after so long. Its end is known at once."""
        line = self._lines.get(call_id)
        if line is None:
            return False
        try:
            async with asyncio.timeout(wait_s):
                await line.over.wait()
        except TimeoutError:
            return True
        return False

    async def send(self, call_id: CallId, order: Order) -> Sent:
        """Have it done, behind whatever was ordered before. Waits until the platform has taken it."""
        line = self._lines.get(call_id)
        if line is None:
            return NO_LINE
        if order.is_urgent:
            return await self._post(line.url, order)
        if len(line.waiting) >= MAX_WAITING:
            return FULL
        done: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        line.waiting.append((order, done))
        if line.task is None or line.task.done():
            line.task = asyncio.create_task(self._work(call_id, line))
        return await done

    async def _work(self, call_id: CallId, line: _Line) -> None:
        """Send what waits, one by one. The one that is being sent stands in the queue until it is done."""
        while line.waiting:
            order, done = line.waiting[0]
            if order.is_speech:
                await _until_quiet(line)
            told = NO_LINE if done.cancelled() else await self._post(line.url, order)
            if line.waiting:
                line.waiting.popleft()
            if told.ok and order.words:
                self._said(call_id, order.words)
            _tell(done, told)

    async def _post(self, url: str, order: Order) -> Sent:
        import httpx  # late: the web app is imported without it, and most calls are never steered

        kind = order.body["type"]
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=POST_S, trust_env=False)
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            async with asyncio.timeout(POST_S):
                answer = await self._http.post(url, json=order.body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as exc:
            log.warning("vapi.control_failed", extra={"order": kind, "error": type(exc).__name__})
            return Sent(False, f"Vapi's control URL was not reached ({type(exc).__name__}).")
        except Exception as exc:  # fence: one job
            log.exception("vapi.control_failed", extra={"order": kind, "error": type(exc).__name__})
            return Sent(False, "The order could not be sent.")
        if answer.is_success:
            return Sent(True, "Vapi has taken it.")
        log.warning("vapi.control_refused", extra={"order": kind, "status": answer.status_code})
        hint = " The call has moved on or is over." if 400 <= answer.status_code < 500 else ""
        return Sent(False, f"Vapi's control URL answered {answer.status_code}.{hint}")

    def _remember(self, call_id: CallId, url: str) -> _Line:
        if line := self._lines.get(call_id):
            line.url = url
            return line
        line = self._lines[call_id] = _Line(url)
        if len(self._lines) > MAX_LINES:
            self.forget(next(iter(self._lines)))
        return line


def _is_heard(found: Mapping[str, Any]) -> bool | None:
    """Whether the caller speaks, by what a message says; None: it says nothing of that.

    Vapi drops speech-updates. That the caller has finished is seen by what follows, too: the final
    transcript, and the request for an answer.
    """
    kind = found.get("type")
    if is_chat(found):
        return False
    if found.get("role") != "user":
        return None
    if kind == "speech-update":
        return found.get("status") == "started"
    is_final = kind == FINAL or (kind == "transcript" and found.get("transcriptType") == "final")
    return False if is_final else None


async def _until_quiet(line: _Line) -> None:
    try:
        async with asyncio.timeout(HOLD_S):
            await line.quiet.wait()
    except TimeoutError:
        line.quiet.set()  # what comes next does not wait as long again
        log.info("vapi.control_not_quiet", extra={"waited_s": HOLD_S})


def _tell(done: asyncio.Future[Sent], told: Sent) -> None:
    if not done.done():
        done.set_result(told)
