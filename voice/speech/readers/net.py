"""What is written for computers: e-mail, web addresses, file names, handles, words joined by slashes."""

from __future__ import annotations

import re
from functools import lru_cache

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.codes import letters
from voice.speech.readers.numbers import digits
from voice.speech.span import Span
from voice.speech.tables import word_set

MAX_CHARS = 300  # of one address; what is longer is read in pieces

_RUN = Pattern(rf"[^\s<>\"“”(){{}}\[\],;|*`]{{1,{MAX_CHARS}}}")
_EMAIL = Pattern(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?:/[\w./-]*)?")
_URL = Pattern(r"(?:(?i:https?|ftp)://|(?i:www)\.)\S+")
_DOMAIN = Pattern(r"[A-Za-z0-9][\w-]{0,62}(?:\.[\w-]{1,63}){0,5}\.([a-zA-Z]{2,12})(?::\d{1,5})?(?:[/?#]\S*)?")
_BARE_HOST = Pattern(r"(?i:(https?)://(?!www\.)([\w-]+(?:\.[\w-]+)+))/?")
_SCHEME = Pattern(r"(?i:https?)://(?=\w)")
_HANDLE = Pattern(r"@\w[\w.]{0,63}")
_HOST = Pattern(r"(?:localhost|[\w-]{1,63}):\d{2,5}(?:/\S*)?")
_USER = Pattern(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+")  # "jdoe_42"
_PIECES = Pattern(r"\d+|[^\W\d_]+|.", re.DOTALL)
_KNOWN_ENDS = word_set(
    "com org net edu gov mil int info biz io ai app dev co us uk ca de fr it es eu au nz in jp cn me tv "
    "ly gg sm xyz online site store tech cloud page apartments rent house homes realty properties "
    "property live rentals abc"
)
_FILE_ENDS = word_set(
    "pdf doc docx xls xlsx ppt pptx txt csv jpg jpeg png gif mp3 mp4 zip html json xml py js md svg wav "
    "mov exe log ini toml yaml yml sql rtf tar gz heic webp"
)
_WORDS = word_set("com org net co info biz edu gov home site online page apartments rent house store abc app")
_SLASHES = Pattern(r"[^\W_]+(?:['’][^\W\d_]+)?(?:/[^\W_]+(?:['’][^\W\d_]+)?){1,6}")


def run_at(text: str, at: int) -> str:
    """What stands from here to the next space or bracket, without the marks that end a sentence."""
    found = _RUN.match(text, at)
    return found[0].rstrip(".,!?:'’…") if found else ""


def address(text: str, at: int, locale: Locale) -> Span | None:
    """An e-mail or web address, a file name, a handle that begins at `at`."""
    run = run_at(text, at).removesuffix("'s").removesuffix("’s")
    if "@" in run and (found := _EMAIL.match(run)):
        return Span(at, at + found.end(), "email", spelled(found[0], locale))
    if _URL.match(run) or (":" in run and _HOST.fullmatch(run) and not run[0].isdecimal()):
        return Span(at, at + len(run), "url", spelled(run, locale))
    if "_" in run and _USER.fullmatch(run) and any(map(str.isdecimal, run)):
        return Span(at, at + len(run), "url", spelled(run, locale))
    if "." not in run:
        return None
    found = _DOMAIN.match(run)
    if found and found.end() == len(run) and _is_domain(run, found[1]):
        return Span(at, at + found.end(), "url", spelled(found[0], locale))
    return None


def _is_domain(run: str, end: str) -> bool:
    """Whether dots join a name: a known ending, or all in lower case as nobody writes two sentences."""
    if end.lower() in _FILE_ENDS or (
        end.lower() in _KNOWN_ENDS and (run.islower() or len(end) > 2 or end.islower())
    ):
        return not (end[0].isupper() and end[1:].islower())
    return run.islower() and len(end) <= 3 and "." not in run[: -len(end) - 1] and not run[0].isdecimal()


@lru_cache(512)  # an office has few addresses, and tells them often
def spelled(written: str, locale: Locale) -> str:
    """An address as it is told: "a_b@oak.com" → "a underscore b at oak dot com". Digits one by one."""
    signs = locale.signs
    names = {"@": signs.at, ".": signs.dot, "-": signs.dash, "_": signs.underscore, "/": signs.slash,
             ":": signs.colon, "#": signs.hash, **signs.in_addresses}  # fmt: skip
    if found := _BARE_HOST.fullmatch(written):  # told as people say it, who leave out "://"
        written = f"{found[1]} {found[2]}"
    elif "?" in written and (found := _SCHEME.match(written)):
        written = written[found.end() :]  # with a query it is long enough
    pieces = _PIECES.findall(written.lower() if written.isupper() else written)
    said = [
        digits(piece, locale) if piece[0].isdecimal() else names.get(piece) or _name(piece, before, locale)
        for before, piece in zip(["", *pieces], pieces, strict=False)
    ]
    if pieces[-1] in locale.dotted:
        said[-1] = " ".join(pieces[-1])  # or, with the dot of its sentence, it would be short for something
    return " ".join(filter(None, said))


def _name(piece: str, before: str, locale: Locale) -> str:
    """A part between signs. Endings behind a dot, of countries and of files, are spelled, names are said."""
    if not piece[0].isalnum():
        return ""
    if piece.lower() in ("www", "http", "https", "ftp"):
        return " ".join(piece.upper())
    if piece in locale.words or piece in ("st", "dr", "etc"):
        return " ".join(piece)  # or it would be read as what it is short for
    if piece.lower() in _WORDS:
        return piece
    is_ending = before == "." and (
        piece.lower() in _FILE_ENDS or (len(piece) == 2 and piece.lower() in _KNOWN_ENDS)
    )
    return " ".join(piece.upper()) if is_ending else letters(piece, locale)


def handle(text: str, at: int, locale: Locale) -> Span | None:
    """ "@oakridge_apts" → "at oakridge underscore apts"."""
    found = _HANDLE.match(text, at)
    if found is None:
        return None
    written = found[0].rstrip(".")
    return Span(at, at + len(written), "url", spelled(written, locale))


def at_sign(text: str, at: int, locale: Locale) -> Span:
    """ "@" alone: "at"."""
    alone = not text[at - 1 : at].strip() and handle(text, at, locale)
    return alone or Span(
        at, at + 1, "symbol", locale.signs.at if not text[at + 1 : at + 2].strip() else f" {locale.signs.at} "
    )


def slashed(text: str, at: int, locale: Locale) -> Span | None:
    """ "A/C" → "A C", "w/o" → "without", "upgrade/update" → "upgrade slash update"."""
    run = run_at(text, at).removesuffix("'s").removesuffix("’s")
    known = locale.slashed.get(run.lower())
    if known is not None:
        return Span(at, at + len(run), "abbreviation", known)
    if run.lower().startswith("w/") and len(run) > 3 and "w/" in locale.slashed:
        return Span(at, at + 2, "abbreviation", locale.slashed["w/"] + " ")
    if not _SLASHES.fullmatch(run) or any(map(str.isdecimal, run)):
        return None
    first, _, last = run.partition("/")
    is_rate = (
        first.endswith("s")
        or first in ("people", "once", "twice")
        or (text[at - 1 : at] == " " and text[at - 2 : at - 1].isdecimal())  # "1 space/unit"
        or (last in locale.rate_units and first.lower() not in locale.periods)
    )
    if is_rate and len(last) > 1 and last in locale.periods:
        return Span(at, at + len(run), "symbol", f"{first} {locale.periods[last]}")  # days/week
    between = " " if len(run) == 3 and run.isupper() else f" {locale.signs.slash} "  # A/R
    said = between.join(letters(part, locale) for part in run.split("/"))
    return Span(at, at + len(run), "symbol", said)
