"""Agent: who answers. A persona with its lines, tools, budgets and way of writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from voice.agents.speech import SpeechTable
from voice.agents.twilio import TwilioLine
from voice.agents.vapi_line import VapiTable
from voice.clock import Budget
from voice.errors import UnknownAgent
from voice.types import Action, Effect, HandoffTarget, HttpTool, TransferTarget

SystemRule = Literal["both", "ours", "theirs"]
FillerKind = Literal["question", "detail", "request"]

SILENCE_S = 8.0  # people who look something up take that long; the line seems dead after more
MAX_CALL_S = 3600.0  # longer than a talk with an agent lasts: what runs on is a line that nobody hung up
NUDGES = (
    "Sorry, I didn't catch that. Could you say it again?",
    "Are you still there? Go ahead, I'm listening.",
)
NOBODY_ANSWERED = "Nobody is free to take the call just now. Is there anything I can do for you?"


@dataclass(frozen=True, slots=True)
class Agent:
    """Who is on the other end of the line, as read from a TOML file (docs/agents.md).

    `system` says what becomes of a system message that comes with a request (Vapi sends
    the assistant's): "both" lets it follow the persona, "ours" drops it, "theirs" drops the persona.
    `voicemail` is left at an answering machine (None: hang up); `consent` is announced before a call is
    recorded.
    """

    name: str
    persona: str
    greeting: str
    fallbacks: tuple[str, ...]
    goodbye: str = "Thank you for calling. Goodbye."
    busy: str = "All lines are busy right now. Please call again in a few minutes."
    unanswered: str = ""
    breaks_off: str = "… sorry, I lost my thread there. Could you say that once more?"
    fillers: tuple[str, ...] = ()
    fillers_for: Mapping[FillerKind, tuple[str, ...]] = field(default_factory=dict)
    nudges: tuple[str, ...] = ()
    silence_s: float = SILENCE_S
    max_call_s: float = MAX_CALL_S
    voicemail: str | None = None
    consent: str | None = None
    language: str = "en-US"
    lexicon: tuple[tuple[str, str], ...] = ()  # names as they are written, and as they are said
    system: SystemRule = "both"
    tools: tuple[str, ...] = ()
    waits_for_goodbye: bool = True  # whether end_call is refused until the caller takes their leave
    transfer: tuple[TransferTarget, ...] = ()
    handoff: tuple[HandoffTarget, ...] = ()
    http_tools: tuple[HttpTool, ...] = ()
    budget: Budget = field(default_factory=Budget)
    max_tokens: int = 120
    temperature: float = 0.3
    twilio: TwilioLine = field(default_factory=TwilioLine)
    vapi: VapiTable = field(default_factory=VapiTable)
    speech: SpeechTable = field(default_factory=SpeechTable)

    @property
    def nobody_answered(self) -> str:
        """What a caller hears who comes back because nobody took the call that we passed on."""
        in_place = NOBODY_ANSWERED if self.language.startswith("en") else self.fallbacks[0]
        return self.unanswered or in_place

    @property
    def silence_lines(self) -> tuple[str, ...]:
        """What is said at the first silence of the caller, at the second …; after the last, goodbye."""
        # Only the agent's file knows other languages; its fallbacks ask to say it again.
        in_place = NUDGES if self.language.startswith("en") else (self.fallbacks * 2)[:2]
        return self.nudges or in_place

    @property
    def unclear(self) -> str:
        """What is said to a caller who has spoken and was badly understood."""
        # Lines of the file's own for a silence may ask whether somebody is there: here somebody is.
        return self.fallbacks[0] if self.nudges else self.silence_lines[0]

    def handoff_to(self, to: str | None) -> HandoffTarget | None:
        """The target of a handoff that leads there, as the agent's file has it; None: it has none."""
        return next((one for one in self.handoff if one.to == to), None)


class Agents:
    """All agents by name; one of them is the default."""

    def __init__(self, agents: Sequence[Agent], default: str) -> None:
        self._by_name: Mapping[str, Agent] = {agent.name: agent for agent in agents}
        self._default = default

    @property
    def default(self) -> Agent:
        return self._by_name[self._default]

    @property
    def names(self) -> list[str]:
        return sorted(self._by_name)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, name: str | None) -> Agent:
        """The agent of this name; the default one for None. Raises UnknownAgent, naming the known ones."""
        if name is None:
            return self.default
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownAgent(f"no agent is called {name!r}; there are: {', '.join(self.names)}") from None

    def handoffs(self, agent: Agent) -> tuple[HandoffTarget, ...]:
        """To whom an agent may hand a call; one of ours greets the caller where nothing else is said."""
        return tuple(
            replace(one, say=one.say or self.get(one.to).greeting) if one.is_ours else one
            for one in agent.handoff
        )

    def next_one(self, by: Agent, effect: Effect | None) -> Agent | None:
        """Who of this house an agent's tool hands the call to; None: nobody, or one of the platform's."""
        if effect is None or effect.action is not Action.HANDOFF or effect.to is None:
            return None
        target = by.handoff_to(effect.to)
        return self._by_name.get(effect.to) if target is None or target.is_ours else None
