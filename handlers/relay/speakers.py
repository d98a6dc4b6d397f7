"""Who speaks on a relay call now, as far as anybody tells.

Twilio's speaker events say it; where they do not come, or one is lost, the words played and the usual
pace of a voice do. Nobody is taken to speak for ever: a call must not wait for an event that is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from handlers.relay.talk import Talk
from handlers.wire.relay import Info
from voice.clock import now

LATE_S = 3.0  # of words that are told to be played: a slow voice, before the estimate stands
LOST_S = 10.0  # after words must have been spoken, for the event that says so
UTTERANCE_S = 60.0  # of a caller who is told to speak: nobody's utterance is longer


@dataclass(slots=True)
class Speakers:
    """What was told of the two. None: never told."""

    _agent: bool | None = None
    _agent_at: float = 0.0
    _caller: bool | None = None
    _caller_at: float = 0.0

    def told(self, info: Info) -> None:
        """Take a speaker event; others change nothing."""
        if info.is_on is None:
            return
        if info.name == "agentSpeaking":
            self._agent, self._agent_at = info.is_on, now()
        elif info.name == "clientSpeaking":
            self._caller, self._caller_at = info.is_on, now()

    def hushed(self) -> None:
        """The caller's voice has silenced the agent, whether or not an event says so."""
        if self._agent is not None:
            self._agent, self._agent_at = False, now()

    def has_finished(self, talk: Talk) -> bool:
        """Whether it is told that all which was sent has been spoken."""
        return talk.is_played or (self._agent is False and self._is_of_these(talk))

    def agent_quiet_at(self, talk: Talk) -> float:
        """When the agent has finished, or will have, as it looks now."""
        if talk.is_played:
            return min(talk.played_at or 0.0, now())
        if self._agent is True:
            return max(talk.ends_at, self._agent_at) + LOST_S
        if self._agent is False:
            # An event that comes too soon is that of the words before: these have not begun yet.
            return self._agent_at if self._is_of_these(talk) else talk.ends_at
        return talk.ends_at + (LATE_S if talk.played_at is not None else 0.0)

    def _is_of_these(self, talk: Talk) -> bool:
        """Whether the event tells of the newest words."""
        return talk.left_at is None or self._agent_at >= talk.may_end_at

    @property
    def caller_quiet_at(self) -> float:
        """When the caller has finished, at the latest; 0.0 where nobody tells."""
        return self._caller_at + (UTTERANCE_S if self._caller else 0.0)
