"""English words whose neighbours decide what they are short for, and the keys of a keyboard."""

from __future__ import annotations

from voice.speech.locales.base import Sense
from voice.speech.patterns import Pattern
from voice.speech.tables import table, word_set

_NUMBER = Pattern(r"\.?\s#?\d")
_NUMBER_BEHIND_DOT = Pattern(r"\.\s?\d")
_YEAR = Pattern(
    r"\.\s?(?:(?:1[0-9]|20)\d\d\b|\d{1,4}\s?(?:BCE?|AD|CE|B\.C|A\.D)\b|\d{3}(?=\s?[-–]\s?\d|[)])|(?:AD|A\.D\.)\s\d)"
)
_DAY = Pattern(
    r"\.\s(?:\d{1,2}\s[A-Z][a-z]{2,8}\.?,?|[A-Z][a-z]{2,8}\.?\s\d{1,2}(?:st|nd|rd|th)?,)\s(?:1\d|20)\d\d\b"
)  # "b. 2 Aug. 1754"
_YEARS = Pattern(r"\.\s?\d{3,4}\s?[-–]\s?\d{2,4}")
_EXHIBIT = Pattern(r"\.?\s(?:[A-Z]|\d{1,3})(?![\w'’])")

_CONTROLLED = Pattern(
    r"\.?(?:\s(?:control|rang|sens|setting|reading|check|gauge|probe|drop|outside|inside|below|above|"
    r"(?:is|was)\s-?\d)"
    r"|\s?(?:[:=]|-?\d))"
)
_PATIENT = Pattern(r"\.?\s(?:is|was|has|had|reports|states|denies|needs|wants|will|to|in|on)\b")

SENSES = {
    "temp": (
        Sense(
            "temperature",
            _CONTROLLED,
            word_set("avg avg. average body water room high low outside inside air oven ambient current set"),
        ),
    ),
    "temps": (Sense("temperatures", Pattern("")),),
    "etc": (Sense("et cetera", Pattern(r"(?![/.\w])")),),
    "sec": (
        Sense("section", Pattern(r"(?<! a sec)(?<!one sec)\.?\s#?(?:\d|[IVX]+\b)")),
    ),  # "a sec. 5 minutes"
    "secs": (Sense("sections", _NUMBER),),
    "exh": (Sense("exhibit", _EXHIBIT),),
    "btw": (Sense("between", Pattern(r"\.?\s\d")),),
    "ver": (Sense("version", _NUMBER),),
    "v": (Sense("version", _NUMBER_BEHIND_DOT),),
    "pg": (Sense("page", _NUMBER),),
    "pgs": (Sense("pages", _NUMBER),),
    "eq": (Sense("equation", Pattern(r"\.?\s\(?\d")),),
    "tbl": (Sense("table", _NUMBER),),
    "para": (Sense("paragraph", _NUMBER),),
    "vit": (Sense("vitamin", Pattern(r"\.?\s[A-K]\d{0,2}\b")),),
    "inv": (Sense("invoice", Pattern(r"\.?\s(?:#|no\b|No\b|\d)")),),
    "res": (Sense("reservation", Pattern(r"\.?\s(?:#|no\b|\d{4})")),),
    "no": (Sense("number", Pattern(r"\.\s(?:of\b|(?:is|was)\s#?[A-Z]*-?\d|#?[A-Z]{1,4}-?\d)|\.:")),),
    "pt": (Sense("part", _NUMBER), Sense("patient", _PATIENT)),
    "dep": (Sense("departs", Pattern(r"\.\s\d{1,2}:")),),
    "arr": (Sense("arrives", Pattern(r"\.?\s\d{1,2}:")),),
    "b": (Sense("born", _YEAR), Sense("born", _DAY)),
    "d": (Sense("died", _YEAR), Sense("died", _DAY)),
    "c": (Sense("circa", _YEAR), Sense("century", Pattern(r"\.\s(?:BCE?|AD|CE)\b(?!\s?\d)"))),
    "r": (Sense("reigned", _YEARS),),
    "fl": (Sense("flourished", _YEAR),),
    "ed": (Sense("edited", Pattern(r"\.\sby\b")),),
    "mk": (Sense("mark", Pattern(r"\.?\s(?:\d|[IVX]{1,4}\b)")),),
    "op": (Sense("opus", Pattern(r"\.\s\d")),),
    "det": (Sense("detached", Pattern(r"\.?\s(?:gar|home|house|unit)")),),
    "rt": (Sense("right", Pattern(r"\.?\s(?:Hon|Rev)\b")),),
    "cor": (Sense("corner", Pattern(r"\.\sof\b"), word_set("nw ne sw se")),),
}

# Said with the keys that "+" or "-" joins to them: "Ctrl+Alt+Del".
KEYS = table("""
    Ctrl = Control
    CTRL = Control
    Control = Control
    Cmd = Command
    CMD = Command
    Command = Command
    Alt = Alt
    ALT = Alt
    Opt = Option
    Option = Option
    Shift = Shift
    Windows = Windows
    Fn = Function
    Del = Delete
    DEL = Delete
    Delete = Delete
    Esc = Escape
    ESC = Escape
    Ins = Insert
    Tab = Tab
    TAB = Tab
    Enter = Enter
    PgUp = Page Up
    PgDn = Page Down
    PrtSc = Print Screen
    Bksp = Backspace
""")
