"""TwilioLine: what an agent's file says of its Twilio calls, `[twilio]`.

How the caller is listened to and how the agent sounds. Only words that Twilio knows are taken: a wrong
one would end every call at its first document. docs/agents.md explains each key.

Source: Twilio's "Gather", "Say" and "ConversationRelay" pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args
from xml.sax.saxutils import escape

from voice.agents.table import Table
from voice.types import DETECTED

TwilioMode = Literal["auto", "relay", "gather"]
Preset = Literal["quick", "patient", "numbers"]
TtsProvider = Literal["ElevenLabs", "Google", "Amazon", "Deepgram"]
Transcriber = Literal["Deepgram", "Google"]
Interruptible = Literal["any", "none", "dtmf", "speech"]
Sensitivity = Literal["high", "medium", "low"]

LANGUAGE_KEYS = ("code", "voice", "tts_provider", "transcription_provider", "speech_model")
TWILIO_KEYS = (
    "mode", "preset", "voice", "tts_provider", "transcription_provider", "speech_model", "hints",
    "interruptible", "interrupt_sensitivity", "ignore_backchannel", "profanity_filter", "languages", "record",
    "partials", "digits", "hold", "eot_threshold", "eager_eot_threshold", "echo_prompt_filtering",
    "turn_detection", "smart_format", "partial_prompt_on_hangup", "debug",
)  # fmt: skip
FLUX = "flux"  # Deepgram's: the one speech model that tells how sure it is that an utterance has ended
EOT, EAGER_EOT = (0.5, 0.9), (0.3, 0.9)  # from and to
SOUND = re.compile(r"https?://[!-~]{1,1000}")
MAX_HINTS, MAX_HINT_CHARS = 500, 100  # more is refused by Twilio
MAX_HINTS_BYTES = 8000  # all together: a document has room for 64 kB, and words to be said need most of it
WORD = re.compile(r"[A-Za-z0-9_.-]{1,128}")  # the name of a voice or a model
MAX_DIGITS = 40  # longer than any number that is typed
CODE = re.compile(rf"[A-Za-z]{{2,3}}(?:-[A-Za-z0-9]{{2,8}})*|{DETECTED}")  # en-US, es-419


@dataclass(frozen=True, slots=True)
class LineLanguage:
    """A further language of a call and how it is heard and spoken. None: Twilio's default for it."""

    code: str
    voice: str | None = None
    tts_provider: TtsProvider | None = None
    transcription_provider: Transcriber | None = None
    speech_model: str | None = None


@dataclass(frozen=True, slots=True)
class TwilioLine:
    """How an agent's Twilio calls are heard and spoken. None: what OFFHOOK_TWILIO_MODE or Twilio says.

    `preset` is how long a caller may think in the middle of an utterance at Gather; `speech_model` is
    ConversationRelay's, since each preset has its own.
    """

    mode: TwilioMode | None = None
    preset: Preset = "quick"
    voice: str | None = None
    tts_provider: TtsProvider | None = None
    transcription_provider: Transcriber | None = None
    speech_model: str | None = None
    hints: tuple[str, ...] = ()
    interruptible: Interruptible = "any"
    interrupt_sensitivity: Sensitivity = "high"
    ignore_backchannel: bool = False
    profanity_filter: bool = True
    languages: tuple[LineLanguage, ...] = ()
    record: bool = False
    digits: int | None = None  # as many keys as the agent asks for: the last one ends them
    partials: bool = True  # whether a reply is begun while the caller still speaks, at Gather
    hold: str | None = None  # the URL of a sound that is played while an answer takes long
    eot_threshold: float | None = None  # how sure flux must be that an utterance has ended
    eager_eot_threshold: float | None = None  # … for a reply to be begun
    echo_prompt_filtering: bool = False
    turn_detection: bool = False
    smart_format: bool | None = None
    partial_prompt_on_hangup: bool = False
    debug: bool = False


def twilio_line(table: Table) -> TwilioLine:
    """The line that a `[twilio]` table describes. Raises AgentFileError."""
    return TwilioLine(
        **_turn_ends(table),
        hold=_sound(table),
        echo_prompt_filtering=table.switch("echo_prompt_filtering", default=False),
        turn_detection=table.switch("turn_detection", default=False),
        smart_format=table.switch("smart_format", default=True) if "smart_format" in table else None,
        partial_prompt_on_hangup=table.switch("partial_prompt_on_hangup", default=False),
        debug=table.switch("debug", default=False),
        mode=table.choice("mode", get_args(TwilioMode)),
        preset=table.choice("preset", get_args(Preset), "quick"),
        voice=_word(table, "voice"),
        tts_provider=table.choice("tts_provider", get_args(TtsProvider)),
        transcription_provider=table.choice("transcription_provider", get_args(Transcriber)),
        speech_model=_word(table, "speech_model"),
        hints=_hints(table),
        interruptible=table.choice("interruptible", get_args(Interruptible), "any"),
        interrupt_sensitivity=table.choice("interrupt_sensitivity", get_args(Sensitivity), "high"),
        ignore_backchannel=table.switch("ignore_backchannel", default=False),
        profanity_filter=table.switch("profanity_filter", default=True),
        languages=tuple(_language(one) for one in table.tables("languages", LANGUAGE_KEYS)),
        record=table.switch("record", default=False),
        digits=round(table.number("digits", 0, 1, MAX_DIGITS, whole=True)) if "digits" in table else None,
        partials=table.switch("partials", default=True),
    )


def _turn_ends(table: Table) -> dict[str, float]:
    """How sure flux must be; other models do not tell, and Twilio refuses the pair."""
    found = {}
    for key, (low, high) in (("eot_threshold", EOT), ("eager_eot_threshold", EAGER_EOT)):
        if key not in table:
            continue
        if table.get("speech_model") != FLUX or table.get("transcription_provider", "Deepgram") != "Deepgram":
            raise table.wrong(key, "belongs to Deepgram's flux", f'speech_model = "{FLUX}" beside it')
        found[key] = table.number(key, low, low, high, whole=False)
    if found.get("eager_eot_threshold", 0.0) > found.get("eot_threshold", 1.0):
        raise table.wrong("eager_eot_threshold", "is above eot_threshold", "a smaller one: it comes first")
    return found


def _sound(table: Table) -> str | None:
    value = table.text_or_none("hold")
    if value is not None and not SOUND.fullmatch(value):
        raise table.wrong("hold", f"{value!r} is no URL of a sound", 'hold = "https://…/hold.wav"')
    return value


def _language(table: Table) -> LineLanguage:
    code = table.text("code")
    if not CODE.fullmatch(code):
        raise table.wrong("code", f"{code!r} is no language", 'code = "es-MX", or "multi"')
    return LineLanguage(
        code,
        _word(table, "voice"),
        table.choice("tts_provider", get_args(TtsProvider)),
        table.choice("transcription_provider", get_args(Transcriber)),
        _word(table, "speech_model"),
    )


def _word(table: Table, key: str) -> str | None:
    value = table.text_or_none(key)
    if value is not None and not WORD.fullmatch(value):
        raise table.wrong(key, f"{value!r} is no name", f'{key} = "…" of letters, digits, ".", "_" and "-"')
    return value


def _hints(table: Table) -> tuple[str, ...]:
    hints = table.lines("hints")
    if len(hints) > MAX_HINTS:
        raise table.wrong("hints", f"{len(hints)} are too many", f"{MAX_HINTS} at most")
    for place, hint in enumerate(hints):
        if "," in hint or len(hint) > MAX_HINT_CHARS or not hint.isprintable():
            write = f"each as an entry of its own, of {MAX_HINT_CHARS} characters at most"
            raise table.wrong(f"hints[{place}]", f"{hint!r} is no single hint", write)
    if len(escape(",".join(hints)).encode()) > MAX_HINTS_BYTES:
        raise table.wrong("hints", "are too long", f"{MAX_HINTS_BYTES} bytes of them at most")
    return hints
