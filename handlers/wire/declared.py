"""The tools that a chat request declares, and which of them does what to the call.

A platform can do only what its request declares, and only under that name. People name these tools
as they like (`endCall`, `end_call_tool`, `hang_up`), so a name is read for what it means. What means
nothing to us is the platform's own: the model may ask for it, the platform runs it.

Source: Vapi's endCall, transferCall, dtmf, voicemail and handoff tools as they arrive at a custom LLM,
recorded by third parties in 2026; OpenAI's `tools`, and the older `functions`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

import orjson

from voice.tools.transfer import is_same_number
from voice.types import Action, Effect, Json, ToolSpec

MAX_TOOLS = 128  # OpenAI's own limit
MAX_KNOWN_BYTES = 16_000  # of the tools of one request that are remembered as read; six of Vapi's have 1.3 kB
MAX_DESCRIPTION_CHARS = 2000  # all of them are read by the model on every turn

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Of a name without case, blanks and the words "tool" and "the".
MEANINGS = {
    Action.END_CALL: re.compile(r"(end|finish|terminate|disconnect|close)(phone)?call|hangup(call)?"),
    Action.TRANSFER: re.compile(r"((blind|warm|cold)?transfer|forward|redirect)((phone)?call(to\w+)?)?"),
    Action.DTMF: re.compile(
        r"(send|press|play|dial)?(dtmf|keypad)(tones?|digits?|keys?)?|(press|send)(keys|digits)"
    ),
    Action.VOICEMAIL: re.compile(r"(leave|drop|send)?a?voicemail(message)?"),
    Action.HANDOFF: re.compile(r"handoff(call)?(to\w+)?"),
}
ADDRESS = re.compile(r"[+(]?[0-9][0-9\s().-]+$|(sips?|tel):", re.IGNORECASE)  # of a telephone
ANY = "dynamic"  # a handoff tool's destination that Vapi asks the server for
SHORT_FOR_NOTHING = {"forward", "redirect"}  # too short a name to be sure
# Names of arguments, without case and underscores, best first.
TO = (
    "destination",
    "to",
    "number",
    "phonenumber",
    "sipuri",
    "target",
    "transferto",
    "assistantname",
    "agent",
)
DIGITS = ("dtmf", "digits", "keys", "tones", "sequence", "digit", "key")
WORDS = ("message", "content", "text")
# Beside those above, what a tool that only hangs up or connects may want to be told.
BESIDE = (
    *("reason", "summary", "context", "notes", "goodbye", "farewell", "callid", "callsid", "type", "name"),
    *("department", "team", "person", "extension", "language", "sentiment", "outcome", "endreason"),
)
# The caller leaves us by one of these, so it goes without words where it can. Behind words Vapi skips a
# transfer, by people who have measured it. Of handoffs nobody tells that: they follow words.
LEAVES = frozenset({Action.TRANSFER, Action.HANDOFF})
# What the model may ask the platform for when the agent has no tool of its own for it. Ending and
# transferring are left to the agent's tools: they look whether the caller has said goodbye.
FREE = frozenset({Action.DTMF, Action.VOICEMAIL, Action.HANDOFF})
NO_ACTIONS: frozenset[Action] = frozenset()


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """One tool of a request. `action` None: what it does is the platform's business.

    `is_skipped`: behind words Vapi does not do it. So is a transfer to one of the platform's assistants,
    which for us is a handoff.
    """

    spec: ToolSpec
    action: Action | None
    is_skipped: bool = False

    def argument(self, names: tuple[str, ...]) -> str | None:
        """The argument that one of these names means."""
        ours = {_bare(name): name for name in self._properties()}
        return next((ours[name] for name in names if name in ours), None)

    def choices(self, argument: str) -> list[str]:
        """The values that an argument may have; empty: any."""
        found = self._properties().get(argument)
        listed = found.get("enum") if isinstance(found, dict) else None
        return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []

    def required(self) -> list[str]:
        listed = self.spec.parameters.get("required")
        return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []

    def _properties(self) -> Mapping[str, Json]:
        found = self.spec.parameters.get("properties")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Declared:
    """All tools of a request, in its order."""

    tools: tuple[DeclaredTool, ...] = ()

    @property
    def actions(self) -> frozenset[Action]:
        """What its platform can do to the call."""
        if not self.tools:
            return NO_ACTIONS
        return frozenset(tool.action for tool in self.tools if tool.action is not None)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self.tools)

    def platforms(self, own: Set[Action | None]) -> tuple[ToolSpec, ...]:
        """The tools that the platform runs. `own` are the actions that the agent has tools for."""
        free = FREE - own
        return tuple(tool.spec for tool in self.tools if tool.action is None or tool.action in free)

    def named(self, name: str) -> DeclaredTool | None:
        return next((tool for tool in self.tools if tool.spec.name == name), None)

    def use_for(self, effect: Effect) -> tuple[str, dict[str, Json]] | None:
        """The name and the arguments that carry out an effect; None: none of the tools can."""
        tools = (tool for tool in self.tools if tool.action is effect.action)
        uses = ((tool.spec.name, found) for tool in tools if (found := _arguments(tool, effect)) is not None)
        return next(uses, None)


NOTHING = Declared()


def declared_in(tools: object, functions: object = None) -> Declared:
    """The tools of a request, `functions` being the older form. What cannot be understood is left out."""
    listed = tools if isinstance(tools, list) else functions if isinstance(functions, list) else []
    if not listed:
        return NOTHING
    try:
        raw = orjson.dumps(listed[:MAX_TOOLS])
    except TypeError:  # nested deeper than orjson writes
        raw = b""
    return _known(raw) if 0 < len(raw) <= MAX_KNOWN_BYTES else _read(listed[:MAX_TOOLS])


@lru_cache(maxsize=64)  # to read one takes 15 µs, and an assistant declares the same ones on every turn
def _known(raw: bytes) -> Declared:
    return _read(orjson.loads(raw))


def _read(listed: list[object]) -> Declared:
    found = [tool for one in listed if (tool := _tool(one))]
    return Declared(tuple({tool.spec.name: tool for tool in found}.values()))


def _tool(found: object) -> DeclaredTool | None:
    if not isinstance(found, dict):
        return None
    function = found["function"] if isinstance(found.get("function"), dict) else found
    name, kind = function.get("name"), found.get("type")
    name = kind if name is None and kind != "function" else name
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return None
    told, schema = function.get("description"), function.get("parameters")
    description = told[:MAX_DESCRIPTION_CHARS] if isinstance(told, str) else ""
    parameters: dict[str, Json] = schema if isinstance(schema, dict) else {"type": "object", "properties": {}}
    spec = ToolSpec(name, description, parameters)
    action = _action_of(spec)
    if action is not Action.TRANSFER:
        return DeclaredTool(spec, action)
    return DeclaredTool(spec, Action.HANDOFF if _leads_to_names(spec) else action, is_skipped=True)


def _leads_to_names(spec: ToolSpec) -> bool:
    """Whether a transfer chooses among assistants: those of a squad have names, and no number."""
    tool = DeclaredTool(spec, Action.TRANSFER)
    place = tool.argument(TO)
    choices = tool.choices(place) if place is not None else []
    return bool(choices) and not any(ADDRESS.match(one.strip()) for one in choices)


def _action_of(spec: ToolSpec) -> Action | None:
    name = re.sub("tool$|^tool", "", _bare(spec.name)).replace("the", "")
    found = (action for action, meaning in MEANINGS.items() if meaning.fullmatch(name))
    action = None if name in SHORT_FOR_NOTHING else next(found, None)
    if action in {Action.END_CALL, Action.TRANSFER} and not _is_about_a_call(spec, name):
        return None
    if action is None and name.startswith("transferto") and _only_says_where(spec):
        return Action.TRANSFER  # not every transfer is one of calls: money has an amount beside it
    return action


def _is_about_a_call(spec: ToolSpec, name: str) -> bool:
    """Whether what a tool needs to know is about a call: tickets are closed, and money is transferred."""
    tool = DeclaredTool(spec, None)
    properties = spec.parameters.get("properties")
    if name.startswith("transfer") and "call" in name and tool.argument(TO):
        return True
    needed = tool.required() or (list(properties) if isinstance(properties, dict) else [])
    return all(_bare(one) in {*TO, *WORDS, *BESIDE} for one in needed)


def _only_says_where(spec: ToolSpec) -> bool:
    properties = spec.parameters.get("properties")
    return isinstance(properties, dict) and all(_bare(name) in TO for name in properties)


def _arguments(tool: DeclaredTool, effect: Effect) -> dict[str, Json] | None:
    """What a tool is to be asked with; None: it cannot do this."""
    found: dict[str, Json] = {}
    match effect.action:
        case Action.TRANSFER | Action.HANDOFF:
            place = tool.argument(TO)
            if place is None and not _leads_to(tool, effect):
                return None
            if place is not None:
                to = choice(tool.choices(place), effect)
                if to is None:
                    return None
                found[place] = to
        case Action.DTMF:
            found[tool.argument(DIGITS) or "dtmf"] = effect.digits
        case Action.VOICEMAIL if (text := tool.argument(WORDS)) and effect.say:
            found[text] = effect.say
        case _:
            pass
    missing = [name for name in tool.required() if name not in found]
    return found | {name: next(iter(tool.choices(name)), effect.say) for name in missing}


def choice(choices: Sequence[str], effect: Effect) -> str | None:
    """Where to, as the tool wants it written; None: it does not lead there."""
    if not choices:
        return effect.to
    if choices == [ANY] and effect.action is Action.HANDOFF:
        return ANY
    if effect.to is None:
        return choices[0] if len(choices) == 1 else None
    to = effect.to
    return next((one for one in choices if is_same_number(one, to) or _bare(one) == _bare(to)), None)


def _leads_to(tool: DeclaredTool, effect: Effect) -> bool:
    """Whether a tool that takes no destination goes where it should: its name may say where that is."""
    _, _, to = _bare(tool.spec.name).removesuffix("tool").partition("to")
    return effect.action is Action.TRANSFER or effect.to is None or not to or to == _bare(effect.to)


def _bare(name: str) -> str:
    """A name without case, underscores and blanks: "phone_number" and "phoneNumber" are the same."""
    return "".join(one for one in name if one.isalnum()).lower()
