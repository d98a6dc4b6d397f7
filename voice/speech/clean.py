"""Text that can be said aloud: what was written for the eye is taken out of one piece of a reply.

Markdown, HTML, emoji, links, tables and stage directions say nothing to a caller. Lines are made into
sentences (`lines`), then marks within them go. Numbers and signs stay as they are: `normalise` reads them.
Every pattern looks a bounded way, so that the work grows with the length of the text alone.
"""

from __future__ import annotations

import re

from voice.speech.asides import without_asides
from voice.speech.entities import unescaped
from voice.speech.lines import as_sentences
from voice.speech.patterns import Pattern
from voice.speech.stage import without_directions

# Nearly every sentence is of these signs alone, and none of its marks stands beside another one or behind a
# space: it is said as it stands. To tell that takes 0.5 µs, to look for a suspect 1.8 µs.
_PLAIN = Pattern(r"[A-Za-z0-9 !\"$',.?À-ÖØ-öø-ɏ‘’“”…–—-]*+")
_STRAYS = Pattern(r"[,.!?-](?:(?<= [,.!?])|(?<=,[,.!?])|(?<=-)(?:(?<![A-Za-z0-9]-)|(?![A-Za-z0-9])))")
# A character that may have to go; text with none of them is said as it stands. The first class lets most
# signs pass at a look.
_SUSPECT = Pattern(
    r"[^!\"$'),.+0-9;?-Z^a-zÀ-ɏ‘’“”…–—°€£½¼¾](?:(?<=[^ (:=%/])|(?<= )(?:[ (;:,!?]|\.(?!\w)|words?\))"
    r"|(?<=\()(?:[(;:a-zWC]|(?<=[a-z]\())|(?<=:)[-()DPa-z]|(?<==)[=a-z]|(?<=%)[sd]\b|(?<=/)(?:no_|think))"
)
_SUSPECT_END = Pattern(r"[\s,;:.!?](?:\s|$)|\s")  # at the beginning
_TURN = Pattern(r"turn\d")
# At the beginning of a line: a list's mark, a role.
_LINE_MARK = Pattern(r"[-–—+•>|(]|\w{1,24}+(?: \w{1,12}+)?+[.):]")

_UNSPEAKABLE = Pattern(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
# What a terminal obeys: colours, a title. Its last sign goes with it.
_ESCAPE = Pattern(
    "\x1b(?:\\[[0-?]{0,32}[ -/]{0,4}[@-~]|[\\]PX^_][^\x07\x1b]{0,200}(?:\x07|\x1b\\\\|$)|[ -/]{0,4}[0-~])?"
    "|\x9b[0-?]{0,32}[ -/]{0,4}[@-~]"
)
_FENCE = Pattern(r"```[\s\S]*?(?:```|\Z)|^~~~[\s\S]*?(?:^~~~[^\n]*|\Z)", re.MULTILINE)
_COMMENT = Pattern(r"<!--[\s\S]*?(?:-->|\Z)")
_UNSAID_TAG = Pattern(
    r"<(script|style|del|strike|s)\b[^<>]{0,200}>[\s\S]*?(?:</\1\s{0,9}>|\Z)", re.IGNORECASE
)
_LINE_TAG = Pattern(r"<(?:br|/?p|/?div|/?tr|/?ul|/?ol|/li|/?h[1-6])\b[^<>]{0,200}>", re.IGNORECASE)
_CELL_TAG = Pattern(r"</t[dh]\s{0,9}>", re.IGNORECASE)
_ITEM_TAG = Pattern(r"<li\b[^<>]{0,200}>", re.IGNORECASE)
_ADDRESS_TAG = Pattern(r"<((?:https?://|mailto:|[\w.+-]{1,64}@)[^<>\s]{1,500})>", re.IGNORECASE)
_TAG = Pattern(
    r"</?[A-Za-z!?][^<>]{0,200}>|<\s{0,3}/?\s{0,3}[A-Za-z]\w{0,30}\s{0,3}/?\s{0,3}>|</[A-Za-z]\w{0,30}"
)

_LABEL = r"\[((?:[^\[\]]|\[[^\[\]]{0,80}\]){0,300})\]"
_TARGET = r"\([^()\n]{0,1000}(?:\([^()\n]{0,200}\)[^()\n]{0,200})?\)"
_LINK = Pattern(rf"!?{_LABEL}(?:{_TARGET}|\[[^\[\]\n]{{0,80}}\])")
_LINK_TARGET = Pattern(r"^[ \t]{0,3}\[[^\[\]\n]{1,80}\]:[ \t][^\n]{0,1000}$", re.MULTILINE)
_FOOTNOTE = Pattern(
    r"\[\^[^\[\]\s]{1,40}\]|【[^【】\n]{0,80}】|(?<=[\w.,!?\]])\s?\[\d{1,3}\](?=\[\d|\s|[.,;:!?]|$)"
)
_STRUCK = Pattern(r"~~[^~\n]{1,300}~~")
_ESCAPED = Pattern(r"\\([!-/:-@\[-`{-~])")

_KEY_TAG = Pattern(
    r"<(Tab|Enter|Return|Esc|Escape|Shift|Ctrl|Control|Alt|Option|Command|Delete|Backspace|Space|Home|End|Menu)>"
)

_EYES = (":", ";", "=", "<3", "^_", "¯")
_FACE = Pattern(
    r"[:;=<^¯](?<!\S.)(?:(?<=[:;=])['’]?-?[)(DP]+|(?<=<)3|(?<=\^)_\^|(?<=¯)\\?_\(ツ\)_/¯)(?=\s|[.,!?]|$)"
)

_POWER = Pattern(r"(?<=\d)\*\*(?=\d)")
# Stars and dots that hide digits: "***-**-6789", "****1234", "•••• 1234".
_HIDDEN = Pattern(
    r"(?<![*•\w])(?:\(?\*{3}\)?[- ]\*{2,3}-|\*{3}-|(?:\*{4}[ -]?){1,4}|(?:•{2,16}+[ -]?){1,4}+)"
    r"(?=\d{4}(?![\d*]))"
)
# Stars that mark words; "3 * 4" and "2*(x+1)" are sums.
_STARS = Pattern(
    r"\*{2,}(?!\d)|(?<!\d)\*{2,}|(?<=\S)\*(?!\w)(?! ?[\d(])"
    r"|(?<![\w)])(?<!\d )\*(?=[^\s.,;:!?])(?!\d{1,8}#?(?![\w*])(?![^*\n]{0,60}\*))"  # "Press *9" is a key
    r"|(?<=[A-Za-z])\*(?=[A-Za-z]{2})"
)
_UNDERSCORES = Pattern(r"_(?:_+|(?<![^\W_]_)|(?![^\W_]))")  # "end_call" keeps its own
_BELOW = Pattern(r"(?<=[A-Z])~(\w{1,3})~")  # H~2~O
_TICKS = Pattern(r"`+|(?<!\S)~{2,}|~{2,}(?!\S)")
_KEYCAP = Pattern("(?<=[0-9#*])\ufe0f?\u20e3")
_EMOJI = Pattern(
    "[\U0001f000-\U0001faff\u2022\u2023\u2600-\u27bf\u2300-\u23ff\u25a0-\u25ff\u2b00-\u2bff\ufe00-\ufe0f\u20e3"
    "\ue000-\uf8ff\u3030\u303d]+"
)
_EMPTY = Pattern(r"\(\s{0,9}\)|\[\s{0,9}\]|\{\s{0,9}\}")
_SPACE_BEFORE_MARK = Pattern(r" (?=[.,!?;:]++(?:[\s\"'”’)]|$))")
# Marks that a dropped part leaves: at the beginning, before the end of a sentence, and behind it.
_MARKS_OF_WORDS = frozenset(",;:.!?")
_LEADING = Pattern(r"\A(?:[,;:](?=[\s,;:.!?])|[.!?](?=\s)|\s)+")
_STRAY = Pattern(
    r"[,;:](?=[,;:.!?\s])(?:(?=[,;:\s]{0,12}[.!?](?:\s|$))|(?<=,)(?=\s{0,3}[,;:]\s)|(?<=[.!?]\s.)(?=\s)|(?<=[.!?]\s\s.)(?=\s))"
)
_SPACED_MARKS = (" .", " ,", " !", " ?", " ;", " :")
_BRACKETS = Pattern(r"[\[\]{}]+")
_SPEAKABLE = Pattern(r"[^\W_]")
_MARKS = dict.fromkeys(map(ord, "()[]<>*_`~|\\#"), " ")
_MOST_MARKS = 8  # one in so many characters may be a mark; text with more of them is noise, not markup
_FEW_CHARS = 1000  # so long a text cannot cost much, whatever it holds


def clean(text: str, *, begins_line: bool = True) -> str:
    """What of a piece of a reply can be said: "**Rent** is due 🎉 [here](https://x.y)" → "Rent is due here".

    `begins_line`: the piece stands at the beginning of a line, where "1." numbers an item of a list.
    Returns "" for a piece without a letter or a digit. Clean text comes back as the same object. Whatever
    comes back is one line of characters that any XML document can hold.
    """
    text = text.strip(" ")
    first = text[:1]
    if (
        (first.isalpha() or (first.isalnum() and not begins_line))
        and _PLAIN.fullmatch(text)
        and not _STRAYS.search(text)
        and "  " not in text
        and "turn" not in text
    ):
        return text  # nearly always
    if not (_is_suspect(text) or (begins_line and _LINE_MARK.match(text))):
        return text if _SPEAKABLE.search(text) else ""
    if len(text) > _FEW_CHARS and _is_noise(text):
        text = text.translate(_MARKS)
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPE.sub("", text)
    text = without_asides(text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _UNSPEAKABLE.sub("", text)
    if "<" in text or "&" in text:
        text = _without_tags(text)
    if any(map(text.__contains__, _EYES)):
        text = _FACE.sub("", text)
    text = _without_blocks(without_directions(text))
    text = _without_marks(as_sentences(text, begins_line=begins_line))
    text = tidied(_without_strays(text))
    return text if _SPEAKABLE.search(text) else ""


def _is_suspect(text: str) -> bool:
    """Whether something in a text may have to go."""
    return (
        _SUSPECT.search(text) is not None
        or _SUSPECT_END.match(text) is not None
        or text[-1:].isspace()
        or ("turn" in text and _TURN.search(text) is not None)
    )


def tidied(text: str) -> str:
    """The text with one space between two words, and none before a mark that ends something."""
    text = " ".join(text.split())
    return _SPACE_BEFORE_MARK.sub("", text) if any(map(text.__contains__, _SPACED_MARKS)) else text


def _without_strays(text: str) -> str:
    """Without the marks that stood beside what was taken out: ", your rent is due.", "I can do that: ."."""
    text = _STRAY.sub("", text).lstrip()
    return _LEADING.sub("", text) if text[:1] in _MARKS_OF_WORDS else text


def _is_noise(text: str) -> bool:
    return sum(map(text.count, map(chr, _MARKS))) * _MOST_MARKS > len(text)


def _without_tags(text: str) -> str:
    """HTML as its text; what is struck out there is not said."""
    text = _UNSAID_TAG.sub("", _COMMENT.sub("", text))
    text = _ITEM_TAG.sub("\n- ", _CELL_TAG.sub(" | ", _LINE_TAG.sub("\n", text)))
    text = _KEY_TAG.sub(r"\1", text)
    text = _TAG.sub("", _ADDRESS_TAG.sub(r"\1", text))
    return unescaped(text)


def _without_blocks(text: str) -> str:
    """Without code, struck text, the targets of links, and what is not for the ear at all."""
    if "```" in text or "~~" in text:
        text = _STRUCK.sub("", _FENCE.sub("\n", text))
    if "[" in text or "【" in text:
        text = _FOOTNOTE.sub("", _LINK_TARGET.sub("", text))
        if "](" in text or "][" in text:
            text = _LINK.sub(r"\1", _LINK.sub(r"\1", text))  # a picture within a link needs two
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _without_marks(text: str) -> str:
    """Without emphasis, pictures and faces."""
    if "**" in text or "••" in text:
        text = _HIDDEN.sub("XXX-XXX-", text)
    if "*" in text:
        text = _STARS.sub("", _POWER.sub("^", text))
    if "_" in text:
        text = _UNDERSCORES.sub("", text)
    if "~" in text:
        text = _BELOW.sub(r"\1", text)
    if "~" in text or "`" in text:
        text = _TICKS.sub("", text)
    text = text.replace("=>", "→")
    if not text.isascii():
        text = _EMOJI.sub(" ", _KEYCAP.sub("", text))
    return _BRACKETS.sub("", _EMPTY.sub("", text)) if any(map(text.__contains__, "([{]}")) else text
