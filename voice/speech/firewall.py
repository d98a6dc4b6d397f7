"""Keeps from the caller what is written between marks for machines.

Thoughts, calls of tools, JSON, code, struck text and template tokens are taken out of a reply while it is
written, wherever it is cut into pieces. Only what may still turn out to be such a mark is held back: at
most MAX_TAG_CHARS. What has no marks of its own (a traceback, a status) is `technical`.
"""

from __future__ import annotations

import re

from voice.speech.nesting import Nesting
from voice.speech.patterns import Pattern

MAX_TAG_CHARS = 200
FINAL = "assistantfinal"  # the channel of the answer, where its tokens were taken out
TAIL_CHARS = 40  # of what is hidden: the mark that ends it may be cut in two

_THOUGHT = (
    r"(?:(?:seed:)?think|thinking|thoughts?|reasoning(?:_content)?|reflection|scratchpad|analysis"
    r"|inner_(?:monologue|thoughts?|voice))"
)
_MUSING = r"(?:plan|internal|reason)"
_TOOL = r"(?:tool_?(?:calls?|use|code|resp\w{1,5}|results?)|function_?(?:calls?|results?)|invoke)"
# Words that also name what they mean: amid a sentence, their tags hide no more than a sentence.
_NAMED = r"(?:tools?|functions?|parameters?|system|instructions?|prompt|context|json|python)"
_BARE = rf"(?:{_NAMED}|script|style|del|strike|s|svg|math)"
_LT, _GT = r"(?:<|&lt;)\s{0,2}\|?", r"\|?(?:>|&gt;)"
_INNER = rf"(?:[\s=/][^<>]{{0,{MAX_TAG_CHARS}}})?"
_BRACE = r"[{%#\[\"'}]|[A-Za-z_]\w{0,40}\s{0,3}:"
_LISTED = r"\"[^\"\n]{0,80}\"|'[^'\n]{0,80}'"
_CALLED = r"[a-z_]\w{0,60}\(\s{0,3}(?:[)\"'{\[\d]|[a-z_]\w{0,40}\s?=)|[a-z]{1,40}_\w{1,40}\("
# What opens a part that is not heard; the name of the group tells what closes it.
_OPEN = Pattern(
    rf"<\|?(?:(?P<thought>{_THOUGHT})|(?P<call>{_TOOL}|{_BARE}(?==))|(?P<bare>{_BARE})"
    rf"|(?P<musing>{_MUSING})){_INNER}\|?>"
    rf"|{_LT}(?P<loose>{_THOUGHT}|{_TOOL})\s{{0,3}}{_GT}"
    r"|(?P<mind>\[THINK\]|◁think▷|<\|begin_of_thought\|>)"
    r"|(?P<code>```)"
    r"|(?P<channel><\|channel\|>\s{0,3}(?!final)\w{1,20}\s{0,3}(?:<\|message\|>)?)"
    r"|(?P<header><\|(?:im_start|start_header_id|start)\|>|<start_of_turn>)"
    r"|(?P<begin><\|channel\|>\s{0,3}final\s{0,3}<\|message\|>|<[|｜](?:begin[_▁]of[_▁](?:text|sentence)|bos|message|assistant|end_header_id)[|｜]>|<bos>)"
    rf"|(?P<stray></(?:{_TOOL}|{_NAMED}|{_MUSING})\s{{0,3}}>)"
    r"|(?P<rest><[|｜][\w▁ /-]{1,40}[|｜]>|</s>|<(?:end_of_turn|eos|pad|unk)>|<<\s?/?SYS\s?>>|\[/?INST\]"
    r"|\[/?(?:TOOL_CALLS?|AVAILABLE_TOOLS|TOOL_RESULTS?)\]|\[DONE\])"
    r"|(?P<field>\{\{?\s{0,3}[\w.-]{1,40}(?: [\w.-]{1,20}){0,2}\s{0,3}\}\}?)"
    rf"|(?P<braces>\{{\s{{0,20}}(?:{_BRACE}))"
    rf"|(?P<list>\[\s{{0,20}}(?:\{{|\[\s{{0,20}}[\"'{{\d]|(?:{_LISTED})\s{{0,3}}[,\]:]|{_CALLED}))",
    re.IGNORECASE,
)
_SENTENCE_TOKEN = Pattern(r"(?P<begin><s>)")  # before any word; behind one it strikes out
_NEVER = Pattern(r"(?!)")
_ENDS_MIND = r"\[/THINK\]|◁/think▷|<\|end_of_thought\|>"
_CLOSE_THOUGHT = Pattern(rf"{_LT}/\s{{0,2}}{_THOUGHT}\s{{0,3}}{_GT}|{_ENDS_MIND}", re.IGNORECASE)
_CLOSE_MUSING = Pattern(rf"{_LT}/\s{{0,2}}{_MUSING}\s{{0,3}}{_GT}", re.IGNORECASE)
_CLOSE_CALL = Pattern(rf"{_LT}/\s{{0,2}}(?:{_TOOL}|{_BARE})\s{{0,3}}{_GT}", re.IGNORECASE)
_CLOSE = {
    "thought": _CLOSE_THOUGHT,
    "mind": _CLOSE_THOUGHT,
    "musing": _CLOSE_MUSING,
    "loose": Pattern(rf"{_LT}/\s{{0,2}}(?:{_THOUGHT}|{_TOOL})\s{{0,3}}{_GT}", re.IGNORECASE),
    "call": _CLOSE_CALL,
    "bare": Pattern(rf"</(?:{_BARE}|{_MUSING})\s{{0,3}}>|[.!?](?=\s)|(?=\n)", re.IGNORECASE),
    "code": Pattern(r"```"),
    "channel": Pattern(r"<\|channel\|>\s{0,3}final\s{0,3}<\|message\|>"),
    "named": Pattern(FINAL),
    "header": Pattern(r"\n|<\|end_header_id\|>|<\|message\|>|(?=<\|channel\|>)"),
    # Behind the token that ends a reply, a model goes on as somebody else: nobody is to hear it.
    "rest": _NEVER,
}
SIGNS = frozenset("<{[◁`&")  # one of these stands in whatever is taken out
_MARK = Pattern(r"[<{\[◁`&](?:(?<!&)|(?=l|$))")
_DOUBTFUL_MARK = Pattern(r"[<{\[◁`\"&](?:(?<!&)|(?=l|$))")  # behind JSON that was given up
_SYNTAX = Pattern(r"\"\s{0,3}(?:[:}\]]|,\s{0,3}[\"}\]])")  # … and was JSON after all
_SYNTAX_BEGUN = Pattern(r"\"\s{0,3}(?:,\s{0,3})?$")
# Channels whose tokens were taken out before they came here: "analysisThe user …assistantfinalHello".
_CHANNELS = ("analysis", "commentary", "final", "assistantanalysis", "assistantcommentary", FINAL)
_CHANNELS_BEGIN = frozenset(name[0] for name in _CHANNELS)
_THINKS_ALOUD = Pattern(
    r"\s{0,20}(?:assistant)?(?:analysis|commentary)"
    r"(?:(?=[^\W\d_a-z]|[\n\"“‘*{])| (?=(?:The user|We |User |to=)))"
)
_FINAL_FIRST = Pattern(r"\s{0,20}(?:assistant)?final(?=[^\W\d_a-z]|[¿¡\"“])")
_MAY_THINK = Pattern(r"\s{0,20}(?:assistant)?(?:analysis|commentary)(?: \w{0,4}(?: \w{0,4})?)?$")
# The end of a text that may become a mark when more follows.
_BEGUN = Pattern(
    rf"<(?:[|｜/A-Za-z!<][^<>\n]{{0,{MAX_TAG_CHARS}}})?$|<\s{{1,2}}\|?(?:/\s{{0,2}})?\w{{0,20}}\s{{0,3}}(?:&g?t?)?$"
    r"|&(?:l(?:t(?:;\s{0,2}\|?/?\s{0,2}\w{0,20}\s{0,3}\|?(?:&g?t?)?)?)?)?$"
    r"|\[\s{0,20}(?:/?\w{0,61}|\[\s{0,20}|[a-z_]\w{0,60}\(\s{0,3}(?:[a-z_]\w{0,40}\s?)?"
    r"|\"[^\"\n]{0,80}\"?\s{0,3}|'[^'\n]{0,80}'?\s{0,3})$"
    r"|\{\{?\s{0,20}(?:\w[\w. -]{0,80})?\s{0,3}\}?$|◁/?\w{0,6}$|`{1,2}$",
    re.IGNORECASE,
)
_CUT_TAG = Pattern(r"<(?:[|｜/]\w{0,30}[|｜]?|[a-z]\w{1,30})$", re.IGNORECASE)  # at the end of a reply
_MARKS = dict.fromkeys(map(ord, "<>{}[]◁▷"), " ")
_ENDS, _CLOSING = ".!?…:", "\"'”’)*_"  # of a sentence
_MOST_MARKS = 8  # one in so many characters may be a mark: more of them are noise, and mean nothing
_FEW_CHARS = 1000
_MOST_SIGNS = 400  # in one reply: one with more is none, and nothing more of it is heard
_MOST_BLANKS = 20  # before the first word


class Firewall:
    """Takes the pieces of one reply and lets through what may be heard of it.

    `thinks`: the reply begins amid a thought, which its prompt has opened.
    """

    __slots__ = (
        "_assumed", "_at_s", "_closer", "_doubts", "_has_thought", "_has_words", "_held", "_is_amid",
        "_is_new", "_signs", "began_in_thought", "is_idle", "is_open", "takes_back",
    )  # fmt: skip

    def __init__(self, *, thinks: bool = False) -> None:
        # A thought has ended that no mark had begun: what was not said yet is part of it.
        self.takes_back = False
        # Nothing is hidden, held back or doubted: what has none of SIGNS passes through, once it is noted …
        self.is_open = False
        self.is_idle = False  # … and words without a mark of a sentence need not be noted, as some were
        # The same, where no thought had been opened in the reply: its prompt has done so.
        # None: nobody knows. False: it was taken for a thought, and had none.
        self.began_in_thought: bool | None = None
        self._held = ""
        self._closer: Pattern | Nesting | None = _CLOSE_THOUGHT if thinks else None
        self._assumed: list[str] | None = [] if thinks else None  # all of it, until a thought ends
        self._is_new = not thinks  # nothing has come but blanks
        self._has_thought = False
        self._doubts = False  # JSON was given up: more of it may come
        self._at_s = 0.0
        self._has_words = False
        self._is_amid = False  # a sentence, on its line, has begun and not ended
        self._signs = 0  # that opened something, or might have

    @property
    def is_hiding(self) -> bool:
        """Whether what comes now is not for the caller."""
        return self._closer is not None

    def feed(self, piece: str, at_s: float = 0.0) -> str:
        """What of the next piece may be heard, with what was held back before it.

        `at_s` is when it came, on any clock.
        """
        if self._closer is _NEVER:
            return ""
        self._at_s = at_s
        if self._assumed is not None:
            self._assumed.append(piece)
        if self._is_new:
            piece = self._opening(piece)
            if self._is_new:
                return ""
        if self._doubts:
            return self._let_through(self._held + piece, is_last=False)
        if self._closer is None and not self._held and _MARK.search(piece) is None:
            self.is_open = True
            self.note(piece)
            return piece
        return self._let_through(self._held + piece, is_last=False)

    def note(self, part: str) -> None:
        """Remember where what is heard stands; quotes and emphasis say nothing of it."""
        words = part.rstrip()
        if words:
            self._has_words = True
            if said := words.rstrip(_CLOSING):
                self._is_amid = said[-1] not in _ENDS
        if len(words) < len(part) and "\n" in part[len(words) :]:
            self._is_amid = False
        self.is_idle = self.is_open and self._is_amid

    def end(self, *, is_cut: bool = False) -> str:
        """What was held back and has turned out to be no mark.

        `is_cut`: the reply was not written to its end. Else one that was taken for a thought, and has
        ended without the thought's end, was none.
        """
        held, self._held = self._held, ""
        if self._assumed is not None and not is_cut:
            held, self._assumed, self._closer = "".join(self._assumed), None, None
            self.began_in_thought = False
        return self._let_through(held, is_last=True) if held else ""

    def _opening(self, piece: str) -> str:
        """The first words, without the name of a channel; "" while they may still become one."""
        text = self._held + piece
        self._held = ""
        begins = text.lstrip()[:1]
        if begins and begins not in _CHANNELS_BEGIN:
            self._is_new = False
            return text
        if found := _THINKS_ALOUD.match(text):
            self._closer, self._has_thought = _CLOSE["named"], True
            text = text[found.end() :]
        elif found := _FINAL_FIRST.match(text):
            text = text[found.end() :]
        elif _may_be_channel(text):
            self._held = text
            return ""
        self._is_new = False
        return text

    def _let_through(self, text: str, *, is_last: bool) -> str:
        self._held, at = "", 0
        heard: list[str] = []
        while at < len(text):
            if self._closer is not None:
                text, at = self._skip(text, at)
                continue
            mark = (_DOUBTFUL_MARK if self._doubts else _MARK).search(text, at)
            end = mark.start() if mark else len(text)
            if at < end:
                self._hear(text[at:end], heard)
            if mark is None:
                break
            if lone := _CLOSE_THOUGHT.match(text, end):
                self._take_back(heard)
                at = lone.end()
                continue
            if is_last and _CUT_TAG.match(text, end):
                break
            if not is_last and self._may_grow(text, end):
                self._held = text[end:]
                break
            at = self._open(text, end, heard)
        is_open = self._closer is None and not self._held and not self._doubts
        self.is_open = is_open and not self.takes_back
        self.is_idle = is_open and self._is_amid
        return "".join(heard)

    def _hear(self, part: str, heard: list[str]) -> None:
        heard.append(part)
        self.note(part)

    def _take_back(self, heard: list[str]) -> None:
        """What was heard so far was a thought."""
        self.takes_back = True
        if self._has_words and not self._has_thought:
            self.began_in_thought = True
        heard.clear()

    @staticmethod
    def _may_grow(text: str, at: int) -> bool:
        """Whether the mark at this place may become another one, or longer, when more follows."""
        if len(text) - at > MAX_TAG_CHARS:
            return False
        if text[at] == '"':
            return _SYNTAX_BEGUN.match(text, at) is not None
        return _BEGUN.match(text, at) is not None or (
            text.startswith("<|channel|>", at) and len(text) - at < 40
        )

    def _open(self, text: str, at: int, heard: list[str]) -> int:
        """Begin to hide what is opened here, or let the sign through. Where to go on."""
        if text[at] == '"':
            return self._quote(text, at, heard)
        self._signs += 1
        if self._signs > _MOST_SIGNS:
            self._closer = _NEVER
            return at
        found = _SENTENCE_TOKEN.match(text, at) if not self._has_words else None
        found = found or _OPEN.match(text, at)
        if found is None:
            self._hear(text[at], heard)
            return at + 1
        kind = str(found.lastgroup)
        if kind == "bare" and not self._is_amid:
            kind = "call"
        elif kind == "musing" and self._is_amid:
            kind = "bare"
        if kind in ("braces", "list"):
            self._closer = Nesting()
            return at
        self._has_thought = self._has_thought or kind in ("thought", "loose", "mind", "musing", "channel")
        if self._has_words and kind in ("header", "begin"):
            kind = "rest"
        if kind not in ("begin", "stray", "field"):
            self._closer = _CLOSE[kind]
        return found.end()

    def _quote(self, text: str, at: int, heard: list[str]) -> int:
        """A quote behind JSON that was given up: what stands before it may have been JSON after all."""
        if _SYNTAX.match(text, at) is None:
            self._hear(text[at], heard)
            return at + 1
        self.takes_back = True
        heard.clear()
        self._closer = Nesting(depth=1)
        return at + 1

    def _skip(self, text: str, at: int) -> tuple[str, int]:
        """Pass over what is hidden: the text, and where to go on in it.

        What may be the beginning of its end is kept.
        """
        assert self._closer is not None
        if isinstance(self._closer, Nesting):
            found = self._closer.end_in(text, at, self._at_s)
            if found is None:
                return text, len(text)
            self._closer, self._doubts = None, self._doubts or not found.is_sure
            return (found.prose + text[found.at :], 0) if found.prose else (text, found.at)
        close = self._closer.search(text, at)
        if close is None:
            self._held = text[max(at, len(text) - TAIL_CHARS) :]
            return text, len(text)
        self._closer, self._assumed, self._has_thought = None, None, True
        return text, close.end()


def _may_be_channel(text: str) -> bool:
    """Whether the first words of a reply may become the name of a channel when more follows."""
    word = text.lstrip()
    if len(text) - len(word) > _MOST_BLANKS:
        return False
    return any(one.startswith(word) for one in _CHANNELS) or _MAY_THINK.match(text) is not None


def heard_of(text: str) -> str:
    """What of a whole reply may be heard."""
    text = text[text.rindex(FINAL) + len(FINAL) :] if FINAL in text else text
    if _MARK.search(text) is None and _FINAL_FIRST.match(text) is None and _THINKS_ALOUD.match(text) is None:
        return text
    if len(text) > _FEW_CHARS and sum(map(text.count, "<{[◁")) * _MOST_MARKS > len(text):
        text = text.translate(_MARKS)
    firewall = Firewall()
    heard = firewall.feed(text)
    return heard + firewall.end()
