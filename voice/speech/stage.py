"""Stage directions: what a model does between its words ("*sighs*") and what nobody says aloud."""

from __future__ import annotations

import re

from voice.speech.patterns import Pattern

# Sounds and gestures that are a direction wherever they stand …
_SOUND = (
    r"(?:sighs?|laughs?|chuckles?|giggles?|smiles?|grins?|nods?|pauses?|coughs?|gasps?|groans?|yawns?|winks?"
    r"|shrugs?|sniffs?|sobs?|snorts?|mumbles?|exhales?|inhales?|blinks?"
    r"|(?:sigh|laugh|chuckl|giggl|smil|grinn|nodd|paus|cough|gasp|groan|yawn|wink|shrugg|sniff|whisper)ing)"
)
# … and acts that are one only where a sentence might begin: "pay by *checks*" is no direction.
_ACT = (
    r"(?:(?:whisper|hum|breath|wave|frown|clap|beep|type|click|listen|think|wait|check|look|lean|clear|take|shake"
    r"|tilt|scratch|rustle|raise|roll)e?s|(?:hum|breath|wav|frown|clapp|beep|typ|click|listen|think|wait|check"
    r"|look|lean|clear|tak|shak|tilt|scratch|rustl|rais|roll)ing)"
)
_MOOD = (
    r"(?:laughter|silence|applause|inaudible|crosstalk|hold music|(?:background|static) noise|music plays)"
)
_HOW = r"(?:\w{1,12}ly ){0,2}"
_BEGINS = r"(?:(?<![\s\S]\*)|(?<=\n\*)|(?<=[.!?…] \*))"  # before the star

# The class before all of them lets other signs pass at a look.
_MARKED = Pattern(
    rf"[*_\[](?:(?<=\*)(?<![\w*]\*)(\*?)_?{_HOW}(?:{_SOUND}|{_MOOD})\b[^*\n]{{0,60}}\*\1(?![\w*])"
    rf"|(?<=\*){_BEGINS}{_HOW}{_ACT}\b[^*\n]{{0,60}}\*(?![\w*])"
    rf"|(?<=_)(?<!\w_){_HOW}(?:{_SOUND}|{_MOOD})\b[^_\n]{{0,60}}_(?!\w)"
    rf"|(?<=\[){_HOW}(?:{_SOUND}|{_ACT}|{_MOOD})\b[^\[\]\n]{{0,60}}\](?!\())",
    re.IGNORECASE,
)
# In round brackets only what nobody says there: "(laughs are free)" is for the caller.
_BRACKETED = Pattern(
    rf"\({_HOW}(?:{_SOUND}|{_MOOD}|(?:long|short|brief) pause|clears (?:\w{{2,5}} )?throat|music|typing)"
    r"(?: \w{1,12}ly| for \w{1,8}| to (?:him|her|my)self)?\.{0,3}\)",
    re.IGNORECASE,
)
# What a prompt of ours says in brackets in the caller's place (voice/turn/prompt.py).
_PROMPTED = Pattern(
    r"\((?:the caller (?:is|has|hears|says)|i spoke over you)\b[^()\n]{0,200}\)", re.IGNORECASE
)


def without_directions(text: str) -> str:
    """The text without stage directions."""
    if "*" in text or "_" in text or "[" in text:
        text = _MARKED.sub("", text)
    return _PROMPTED.sub("", _BRACKETED.sub("", text)) if "(" in text else text
