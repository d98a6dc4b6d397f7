"""Carries out what a stream asks for, as Vapi does: hangs up, transfers, runs functions at the webhook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from voice.errors import BadRequest
from voice.simulate.vapi.posts import Posts
from voice.simulate.vapi.stream import Asked, Stream, Voice
from voice.simulate.vapi.talk import Talk
from voice.simulate.vapi.tools import (
    ENDED,
    FORWARDED,
    KEYS_PRESSED,
    VapiTool,
    addresses,
    arguments_of,
    results_of,
    tool_calls_message,
    tools_of,
)

NOWHERE = "call.forwarding.operator-busy"


class Work:
    """The tools of one call. `ends_with`: why the line is over once everything is spoken; None: it goes on.

    `told` hears in words what is done to the call. Without `uses_tools` none is declared.
    """

    def __init__(self, posts: Posts, talk: Talk, told: Callable[[str], None], *, uses_tools: bool) -> None:
        self.ends_with: str | None = None
        self._uses_tools = uses_tools
        self._posts, self._talk, self._told = posts, talk, told
        self._tools: dict[str, VapiTool] = {}

    def equip(self, assistant: Mapping[str, Any]) -> None:
        """Declare the tools of an assistant in Vapi's shape."""
        if self._uses_tools:
            self._tools |= {tool.name: tool for tool in tools_of(assistant)}

    def assigned(self, answer: Mapping[str, Any]) -> str:
        """Take the webhook's answer to assistant-request; the first message, "" where it names none."""
        if isinstance(answer.get("error"), str):  # spoken, and that is all
            self.ends_with = "assistant-request-returned-error"
            return str(answer["error"])
        if isinstance(place := answer.get("destination"), dict):
            self.forward(place)
            return VapiTool("transferCall", "", "", {}).words_before(place)
        parts = [
            part for key in ("assistant", "assistantOverrides") if isinstance(part := answer.get(key), dict)
        ]
        for part in parts:
            self.equip(part)
        said = (part.get("firstMessage") for part in reversed(parts))  # an override wins
        return next((text for text in said if isinstance(text, str)), "")

    def declared(self) -> list[dict[str, Any]]:
        """The tools as each request names them."""
        return [tool.declared() for tool in self._tools.values()]

    async def carry_out(self, asked: Sequence[Asked], stream: Stream, voice: Voice) -> bool:
        """Do what is asked for. Whether the model must be asked again, with what the tools answered."""
        results: dict[str, str] = {}
        functions: list[Asked] = []
        for one in asked:
            tool = self._tools.get(one.name)
            if tool is None:
                raise BadRequest(
                    f"the stream asks for {one.name!r}, a tool that the request does not declare"
                )
            if tool.kind == "endCall":
                self.ends_with = ENDED
                self._told("Vapi hangs up")
            elif tool.kind == "transferCall":
                await self._transfer(one, tool, stream, voice)
            elif tool.kind == "handoff":
                await self._hand_off(one, tool)
            elif tool.kind == "dtmf":
                self._told(f"Vapi presses {arguments_of(one).get('dtmf', '')}")
                results[one.id] = KEYS_PRESSED
            else:
                functions.append(one)
        if functions:
            results |= await self._run(functions, stream, voice)
        if not results or self.ends_with is not None:
            return False
        self._talk.add_tools([one for one in asked if one.id in results], results)
        return True

    def forward(self, destination: Mapping[str, Any]) -> None:
        """The caller is connected to somebody else."""
        self._told(f"Vapi transfers the call to {next(iter(addresses(destination)), 'nobody')}")
        self.ends_with = FORWARDED

    @property
    def has_acted(self) -> bool:
        """Whether the line was ended or passed on, and not lost."""
        return self.ends_with in (ENDED, FORWARDED)

    def obey(self, order: Mapping[str, Any]) -> bool:
        """Do what came through the control URL; whether the model is to answer to it. Mutes are only told."""
        kind, words = order["type"], order.get("content")
        if isinstance(words, str) and words:
            self._told(f"the agent says, as it was ordered: {words}")
            self._talk.add("assistant", words)
        if kind == "end-call" or (kind == "say" and order.get("endCallAfterSpoken")):
            self._told("Vapi hangs up, as it was ordered")
            self.ends_with = ENDED
        elif kind == "transfer":
            self.forward(order.get("destination") or {})
        elif kind == "add-message":
            message = order.get("message") or {}
            self._talk.add(str(message.get("role", "system")), str(message.get("content", "")))
            return order.get("triggerResponseEnabled") is not False
        elif kind == "control":
            self._told(f"Vapi does {order.get('control')}, as it was ordered")
        return False

    async def _transfer(self, asked: Asked, tool: VapiTool, stream: Stream, voice: Voice) -> None:
        if stream.has_words:  # what others found on live calls: the text is spoken, the tool skipped
            self._told("Vapi skips the transfer: words stand beside it")
            return
        to = tool.destination(arguments_of(asked).get("destination"))
        request = "transfer-destination-request"
        found: Mapping[str, Any] = {"destination": to} if to else await self._posts.tell(request)
        if isinstance(place := found.get("destination"), Mapping):
            self._speak(tool.words_before(place, found.get("message")), stream, voice)
            self.forward(place)
        else:  # a transfer that fails ends the call
            self._told(f"Vapi ends the call: nowhere to transfer it to ({found.get('error', 'no answer')})")
            self.ends_with = NOWHERE

    async def _hand_off(self, asked: Asked, tool: VapiTool) -> None:
        """Another assistant goes on; here the line is over then."""
        to = tool.destination(arguments_of(asked).get("destination"))
        if not to or "dynamic" in addresses(to) or to.get("type") == "dynamic":
            found = await self._posts.tell("handoff-destination-request", parameters=arguments_of(asked))
            to = place if isinstance(place := found.get("destination"), Mapping) else {}
        if to:
            self._told(f"Vapi hands the call to {next(iter(addresses(to)), 'another assistant')}")
            self.ends_with = FORWARDED
        else:
            self._told("Vapi ends the call: nobody to hand it to")
            self.ends_with = NOWHERE

    def _speak(self, words: str, stream: Stream, voice: Voice) -> None:
        """Words that are not the stream's own."""
        if words:
            stream.hear(f" {words}")
            voice.add(f" {words}")
            voice.end()

    async def _run(self, asked: Sequence[Asked], stream: Stream, voice: Voice) -> Mapping[str, str]:
        """Have the webhook run functions; the text of each result."""
        message = tool_calls_message(asked, list(self._tools.values()))
        found = results_of(await self._posts.tell("tool-calls", **message), asked)
        self._told(f"Vapi has run {', '.join(one.name for one in asked)}")
        self._speak(found.say, stream, voice)
        if found.ends:
            self.ends_with = ENDED
        return found.texts


def model_named(answer: Mapping[str, Any]) -> str | None:
    """The model of the assistant that answered an assistant-request; None: it is kept at Vapi."""
    assistant = answer.get("assistant")
    model = assistant.get("model") if isinstance(assistant, Mapping) else None
    name = model.get("model") if isinstance(model, Mapping) else None
    return name if isinstance(name, str) and name else None


def cuts_in(order: Mapping[str, Any]) -> bool:
    """Whether an order stops what the agent is saying."""
    return order["type"] == "end-call" or order.get("interruptAssistantEnabled") is True
