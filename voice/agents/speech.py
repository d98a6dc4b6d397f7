"""SpeechTable: how the voices that speak for an agent are told to spell, `[speech]`.

A code or a telephone number is said sign by sign. Plain words do that with every voice; a voice that takes
tags does it at its own pace. Which tags a voice takes depends on who speaks at a door, so each door may be
named; a door whose voice cannot take them stays with plain words.

Source: Twilio's "Say" page (SSML with Amazon's and Google's voices) and its "ConversationRelay WebSocket
messages" page (of SSML ElevenLabs takes <phoneme> alone); Vapi's formatter lets <spell> through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from voice.agents.table import Table
from voice.agents.twilio import TtsProvider, TwilioLine
from voice.types import Door

Spells = Literal["plain", "ssml", "spell"]
SPEECH_KEYS = ("markup", "vapi", "gather", "relay")
TAKES_SSML: tuple[TtsProvider, ...] = ("Amazon", "Google")
NEEDS_PROVIDER = 'tts_provider = "Amazon" or "Google" in [twilio]'


@dataclass(frozen=True, slots=True)
class SpeechTable:
    """How voices spell: at every door `markup`, at one of them what stands there. None: as `markup` says."""

    markup: Spells = "plain"
    vapi: Spells | None = None
    gather: Spells | None = None
    relay: Spells | None = None

    def at(self, door: Door, line: TwilioLine, language: str) -> Spells:
        """What the voice of a call is given in a language; plain where it could not take anything else."""
        match door:
            case Door.VAPI:
                return self.vapi or self.markup
            case Door.GATHER:
                takes = line.tts_provider in TAKES_SSML and line.voice is not None
                return "ssml" if takes and (self.gather or self.markup) == "ssml" else "plain"
            case Door.RELAY:
                other = next((one for one in line.languages if one.code == language), None)
                provider = other.tts_provider if other is not None else line.tts_provider
                takes = provider in TAKES_SSML
                return "ssml" if takes and (self.relay or self.markup) == "ssml" else "plain"
            case _:
                return "plain"


def speech_table(table: Table, line: TwilioLine) -> SpeechTable:
    """The `[speech]` table of an agent's file, whose `[twilio]` is `line`. Raises AgentFileError."""
    found = SpeechTable(
        table.choice("markup", get_args(Spells), "plain"),
        table.choice("vapi", get_args(Spells)),
        table.choice("gather", ("plain", "ssml")),
        table.choice("relay", ("plain", "ssml")),
    )
    if found.gather == "ssml" and (line.tts_provider not in TAKES_SSML or line.voice is None):
        raise table.wrong("gather", "needs a voice that takes SSML", f"{NEEDS_PROVIDER}, and its voice")
    if found.relay == "ssml" and line.tts_provider not in TAKES_SSML:
        raise table.wrong("relay", "needs a voice that takes SSML", NEEDS_PROVIDER)
    return found
