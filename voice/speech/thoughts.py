"""Tells a model's thoughts without a tag from what an agent says to a caller.

Thoughts speak of the caller as of somebody else ("The user wants to know …"), of the prompt, or of the reply
itself ("in one sentence"). "Let me think about that" and "The caller has to press 1" do not: they are said.
Whoever says "you" speaks to the caller.
"""

from __future__ import annotations

import re

from voice.speech.patterns import Pattern

# All patterns but one are matched with text in small letters: to ignore case takes twice the time.
_DOES = (
    r"(?:wants?|asks|asked|said|says|seems?|sounds?|mentioned|didn't|doesn't|provided|gave|wrote"
    r"|is (?:asking|looking for|reporting|requesting|trying to|calling about|saying|upset|angry|frustrated"
    r"|probably|likely)|has (?:asked|said)|(?:might|may|would) (?:be (?:asking|referring)|want|like)"
    r"|needs? (?:to know|help)"
    r"|(?:just|also|now|probably|already) (?:wants|asks|asked|said|says|mentioned|gave))"
)
_MUST = r"(?:need to|have to|should|must|ought to|can just|will)"
_META = (
    r"(?:(?:the|this) (?:user|caller)|the persona|in character|(?:the|this|a|my) (?:system )?prompt|markdown"
    r"|in (?:one|two|three|\d|a few)(?: or (?:two|three))? (?:short )?sentences?)"
)
_ANSWERS = r"(?:respond|reply|answer)"
_THINKS = rf"(?:think|analy[sz]e|parse|consider|{_ANSWERS})"
_OPENERS = r"(?:(?:okay|ok|alright|hmm+|well|so|wait|right|now|first|also|but|and|then)[,. ]{1,3}){0,3}"
_TO_NOBODY = r"(?![^.!?\n]{0,200}\byour?\b)"
_SHAPES = (
    r"(?:be (?:short|brief|concise|warm|polite|friendly|under|at most|one|two|spoken|no more)|not|use|include"
    r"|contain|acknowledge|mention|avoid|stay|sound|ask)"
)
_THOUGHT = Pattern(
    rf"{_OPENERS}(?:(?:the|this) (?:user|caller)(?: {_DOES}\b|'s (?:asking|question|request|message)\b)"
    # The first look spares most plans the search for "you".
    rf"|(?:i|we) (?={_MUST} ){_TO_NOBODY}(?:{_MUST} (?:[^.!?\n]{{0,80}}\b{_META}\b"
    rf"|(?:call|use|invoke) the [\w ]{{0,30}}\b(?:tool|function)\b)|(?:should|must) {_ANSWERS}\b)"
    rf"|(?:let me|let's|i'll) {_THINKS}\b{_TO_NOBODY}[^.!?\n]{{0,60}}\b(?:{_META}|step by step)\b"
    r"|(?:looking at|according to|based on) (?:(?:the|my) (?:system )?prompt|my (?:system )?instructions"
    r"|my persona)\b"
    r"|(?:the|my) (?:system prompt|prompt|instructions|persona) (?:says?|tells?|states?|requires?)"
    r" (?:that )?(?:i|me|to)\b"
    rf"|(?:my|the) (?:response|reply|answer) should {_SHAPES}\b)"
)
_ABOUT_REPLY = Pattern(
    r"(?:sure[,!.] )?here(?: is|'s) (?:the|a|my) (?:short |brief |revised |spoken )?(?:response|reply|answer)"
    r"\b[^.!?\n]{0,60}:?$"
)
# Behind a thought, what would else be an honest plan goes on with it.
_GOES_ON = Pattern(
    rf"{_OPENERS}(?:i|we|let me|let's)(?:'ll| {_MUST})? {_TO_NOBODY}(?:{_ANSWERS}|acknowledge|apologi[sz]e"
    r"|ask (?:for|if|about|which|them|him|her|the)|keep|mention|be (?:short|brief|concise|empathetic))\b"
)
_OF_USER = Pattern(r"the user (?:wants|asks|asked|said|is asking)\b", re.IGNORECASE)  # amid a sentence, too
# The first words of all of these: a quick look.
_BEGINS = Pattern(
    r"(?:okay|ok|alright|right|hmm+|well|so|wait|now|first|also|but|and|then|the|this|i|i'll|we|let|let's"
    r"|looking|according|based|my|sure|here|here's)[ ,.!]"
)
_DOUBTFUL = Pattern(
    rf"[^\w\[(<]*{_OPENERS}(?:(?:the|this) (?:user|caller)|(?:i|we) (?:need to|have to|should|must)"
    rf"|(?:let me|let's|i'll|i will) (?:analy|{_THINKS})|looking at|according to|based on"
    r"|(?:the|my) (?:system|prompt|instructions|persona|response|reply|answer)|here(?: is|'s))\b"
)


def is_thought(part: str, *, behind_thought: bool) -> bool:
    """Whether a part that begins a sentence is a thought. `behind_thought`: a part before it was one."""
    part = part.lower()
    if _BEGINS.match(part) is None:
        return False
    if _THOUGHT.match(part) or (part[0] in "hs" and _ABOUT_REPLY.match(part)):
        return True
    return behind_thought and _GOES_ON.match(part) is not None


def goes_over_to_thought(part: str) -> bool:
    """Whether a part amid a sentence, behind words like "Of course", is a thought."""
    return _OF_USER.match(part) is not None


def may_be_thought(text: str) -> bool:
    """Whether text that goes on may turn out to be a thought: no word of it leaves before its clause ends."""
    return _DOUBTFUL.match(text.lower()) is not None
