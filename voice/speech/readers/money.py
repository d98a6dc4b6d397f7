"""Money in all the ways people write it: "$1,250/mo", "$3k", "$50–75", "USD 12.50", "€1,50", "99¢"."""

from __future__ import annotations

import re
from functools import cache

from voice.speech.locales.base import Currency, Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import cue_before, next_word, range_word
from voice.speech.readers.numbers import MAX_CARDINAL_DIGITS, NUMBER, amount, digits, in_pairs, whole
from voice.speech.readers.rates import rated
from voice.speech.span import Span, made
from voice.speech.tables import word_set

# "$1,250", "$12.50/mo" before the end, a mark or a word: it is looked at, and nothing else needs to be.
USUAL = (
    r"\$(?P<whole>[0-9]{1,3},[0-9]{3}|[0-9]{1,6})(?P<cents>\.[0-9]{2})?(?:/(?P<period>[a-z]++))?"
    r"(?=[,;!?)](?!\d)|\.(?:\Z| [A-Z])|\Z| (?P<after>[A-Za-z]++)(?![^\W\d_]))"
)
_AMOUNT = Pattern(r"\s?(\d{1,3}(?:,\d{3})++(?!\d)|\d++)?(\.\d++)?+")
_SCALE = Pattern(r"\s?([^\W\d_]++)(?:\.(?=\s[a-z]))?")
_JOINED_SCALE = Pattern(r"-([mbtr]{1,2}illion)(?!\w)")
_DOLLARS = Pattern(r"\s\$\d")
# Amounts as they are written elsewhere: "1.250,00", "1'250.50", "1,00,000", "1,50", "1 000 000".
_FOREIGN = Pattern(
    r"\s?(\d{1,3}(?:\.\d{3}){1,5}+(?=,\d\d(?!\d))|\d{1,3}(?:\.\d{3}){2,5}+(?!\.)|\d{1,3}(?:['’]\d{3}){1,5}+"
    r"|\d{1,2}(?:,\d\d(?!\d)){1,7}+,\d{3}|\d++(?=,\d\d(?!\d|,\d))"
    r"|\d{1,3}(?:[ \xa0\u202f]\d{3}){0,5}[ \xa0\u202f]000)"
    r"([.,]\d\d)?(?!\d)"
)
_FOREIGN_SIGNS = frozenset(".,'’ \xa0\u202f")
_NO_DIGIT = Pattern(r"\D")
_CODE_BEHIND = Pattern(r"\s?([A-Z]{3})(?!\w)")  # "$50 USD"
_RANGE = Pattern(r"\s?[-–—]\s?(?=\d)")
_DASHES = frozenset("-–—")
_BEHIND = Pattern(r"\s?([$€£¥₽₱฿₫₹₩])(?!\d)")
_PLUS = Pattern(r"\+{1,2}(?![\d+])")
_BORROWED = Pattern(r"\s?[-–—]\s?[$€£](\d{1,3})(?:\.\d+)?([kKMB])(?!\w)")
_CLOTTING = Pattern(r"\s[0-9]\.\d(?!\d)")  # "INR 2.5" is measured in blood
_VERSION = Pattern(r"\s?\d(?:\.\d)?(?!\d|,\d|\.\d\d)")  # "PHP 8", "PHP 8.2"
_SCREENS = word_set("144 240 360 480 720 1080 1440 2160")
_PRICE_NEXT = Pattern(r"/|\s(?:a|an|per|each|off|back|more|less|apiece)\b")
_COMMA_AMOUNT = Pattern(r"(\d{1,3}(?:\.\d{3}){1,5}|\d{1,6})(,\d{1,2})\s?([€£$%]|[A-Za-z]{2,4}|°C)(?!\w)")
_DECIMAL_COMMA = Pattern(r"(\d{1,6}),(\d{1,2})(?!\d|[.,]\d)(?:\s?(%|°C|[^\W\d_]{1,5}[²³]?)(?!\w))?")


def signed(text: str, at: int, sign_end: int, locale: Locale) -> Span | None:
    """Money with its sign or code first: `text[at:sign_end]` is "$", "USD" … None when no amount follows."""
    sign = text[at:sign_end]
    currency = locale.currencies.get(sign)
    is_minus = text[sign_end : sign_end + 1] in ("-", "−")
    found = _amount_at(text, sign_end + is_minus)
    if currency is None or found is None or not (found[1] or found[2]):
        return None
    scale, end = _scale_at(text, found.end(), locale)
    is_apart = text[end : end + 1].isspace()
    if sign == "$" and is_apart and (code := _CODE_BEHIND.match(text, end)):
        currency = locale.currencies.get(code[1], currency)  # "$20 CAD"
    if is_apart and not found[2] and _is_price_of(text, at, end, locale):
        currency = Currency(currency.one, currency.one, currency.cent, currency.cents)
    dash = _RANGE.match(text, end) if is_apart or text[end : end + 1] in _DASHES else None
    second = NUMBER.match(text, dash.end()) if dash else None
    if second is None:
        # A code is written in formal texts, and read so: "twelve dollars and fifty cents".
        joint = f" {locale.signs.and_} " if sign.isalpha() else " "
        if not scale and (last := _BORROWED.match(text, end)) and len(found[1] or "") <= len(last[1]):
            scale = locale.scales.get(last[2], "")  # "$20-$25k"
        said = _said(found, scale, currency, locale, joint)
    else:
        last_scale, end = _scale_at(text, second.end(), locale)
        first = _first_of_range(found, scale or last_scale, currency, locale)
        said = f"{first} {range_word(text, at, locale)} {_said(second, last_scale, currency, locale)}"
    return _with_period(text, at, end, f"{locale.signs.minus} {said}" if is_minus else said, locale)


def _is_price_of(text: str, at: int, end: int, locale: Locale) -> bool:
    """Whether what costs so much stands behind an amount: "a $50 fee", "a $35 late fee". Not in a range."""
    following = next_word(text, end)
    if following in locale.priced_kinds:
        end = text.index(following, end) + len(following)
        following = next_word(text, end)
    return following in locale.priced_things and text[at - 1 : at] not in ("-", "–", "—")


def _amount_at(text: str, at: int) -> re.Match[str] | None:
    """The amount behind a sign: its whole part and its decimals, each with the mark before or in it."""
    found = _AMOUNT.match(text, at)
    if found and text[found.end() : found.end() + 1] in _FOREIGN_SIGNS:
        behind = text[found.end() + 1 : found.end() + 2]
        return (_FOREIGN.match(text, at) if behind.isdecimal() else None) or found
    return found


def _plain(written: str) -> str:
    """The digits of an amount, without what parts its thousands."""
    plain = written.replace(",", "")
    return plain if plain.isdecimal() else _NO_DIGIT.sub("", plain)


def _scale_at(text: str, at: int, locale: Locale) -> tuple[str, int]:
    """The scale behind an amount ("k", " million") as it is said, or "", and where it ends."""
    following = text[at : at + 1]
    scale = _SCALE.match(text, at) if following.isalpha() or following.isspace() else None
    if following == "-":
        scale = _JOINED_SCALE.match(text, at)  # "a $1-million policy"
    said = locale.scales.get(scale[1], "") if scale else ""
    letter_apart = scale and len(scale[1]) == 1 and text[at] in " \n\t"
    if scale is None or not said or (letter_apart and scale[1] not in "KMB"):
        return "", at
    return said, scale.end(1)


def _first_of_range(found: re.Match[str], scale: str, currency: Currency, locale: Locale) -> str:
    """The first amount of "$50–75": without its currency, which the second says."""
    if found[2]:
        return _said(found, scale, currency, locale)
    return f"{whole(_plain(found[1]), locale)} {scale}".rstrip()


def _said(found: re.Match[str], scale: str, currency: Currency, locale: Locale, joint: str = " ") -> str:
    """One amount with its currency; `joint` stands between dollars and cents."""
    written, decimals = _plain(found[1] or ""), found[2]
    if scale:
        return locale.scaled(amount(written, decimals, locale), scale, currency.many)
    if decimals:
        return _with_cents(written, decimals, currency, locale, joint)
    if len(written) > MAX_CARDINAL_DIGITS:
        return f"{whole(written, locale)} {currency.many}"
    number = int(written)
    return locale.counted(number, currency.one if number == 1 else currency.many)


def _with_cents(written: str, decimals: str, currency: Currency, locale: Locale, joint: str) -> str:
    """Whole amounts drop the cents, small ones the whole; thirds of a cent are read as decimals."""
    fine = decimals[1:].rstrip("0")
    count = int(written or 0) if len(written) <= MAX_CARDINAL_DIGITS else 2
    main = locale.counted(count, currency.one if count == 1 else currency.many)
    if not fine:
        return main if written else f"{locale.digits[0]} {currency.many}"
    if len(fine) > 2 or not currency.cents or len(written) > MAX_CARDINAL_DIGITS:
        return f"{amount(written, '.' + fine, locale)} {currency.many}"
    cents = int(fine.ljust(2, "0"))
    small = locale.counted(cents, currency.cent if cents == 1 else currency.cents)
    return f"{main}{joint}{small}" if count else small


def _with_period(text: str, start: int, end: int, said: str, locale: Locale) -> Span:
    """ "/mo" behind an amount → "per month"; a "+" → "plus"."""
    if text[end : end + 1] == "+" and (plus := _PLUS.match(text, end)):
        said, end = f"{said}{f' {locale.signs.plus}' * len(plus[0])}", plus.end()
    said, end = rated(text, end, said, locale)
    if text[end + 1 : end + 2].isupper() and text[start] in "$-" and (again := _CODE_BEHIND.match(text, end)):
        end = again.end() if again[1] in locale.currencies else end
    return Span(start, end, "money", said)


def named(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span:
    """An amount with its currency behind it: "50 USD", "20€"."""
    currency = locale.currencies[name[1]]
    return _with_period(text, found.start(), name.end(), _said(found, "", currency, locale), locale)


def in_words(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span | None:
    """ "45.50 dollars" → "forty five dollars and fifty cents"; "2.5 dollars" has no cents."""
    if not found[2] or len(found[2]) != 3:
        return None
    joint = f" {locale.signs.and_} "
    said = _with_cents(_plain(found[1]), found[2], locale.money_words[name[1]], locale, joint)
    return _with_period(text, found.start(), name.end(), said, locale)


def behind(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "20€", "20 €"."""
    name = _BEHIND.match(text, found.end())
    return named(text, found, name, locale) if name and name[1] in locale.currencies else None


def cents(text: str, found: re.Match[str], locale: Locale) -> Span:
    """ "99¢" → "ninety nine cents"."""
    return _small_money(text, found, locale.currencies["$"], locale)


def _small_money(text: str, found: re.Match[str], currency: Currency, locale: Locale) -> Span:
    """Cents or pence, with the sign of one character behind their number."""
    name = currency.cent if found[0] == "1" else currency.cents
    said = f"{amount(found[1], found[2], locale)} {name}"
    end = found.end() + 1 + (text[found.end()] == " ")
    return _with_period(text, found.start(), end, said, locale)


def by_letter(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "25c a minute" → cents, "50p" → pence, where it can be no flat; "1080p" is a screen."""
    letter, size = text[found.end()], len(found[1])
    if letter in "pi" and found[0] in _SCREENS:
        return Span(found.start(), found.end() + 1, "measure", f"{in_pairs(found[0], locale)} {letter}")
    if letter in " i" or size > 2 or (size == 1 and not _PRICE_NEXT.match(text, found.end() + 1)):
        return None
    if text[found.start() - 1 : found.start()] in ("#", "-", "/") and not found[2]:
        return None
    cue = cue_before(text, found.start(), locale)
    currency = locale.currencies.get("$" if letter == "c" else "£")
    if cue.word in locale.unit_cues or cue.word in locale.digit_cues or cue.next in locale.places:
        return None
    return _small_money(text, found, currency, locale) if currency and currency.cents else None


def foreign(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """A decimal comma where what stands behind it shows one: "1,50 €", "12,5 %", "1.250,00 EUR"."""
    parts = _COMMA_AMOUNT.match(text, found.start())
    if parts is None or (locale.signs.comma and parts[3] not in locale.currencies):
        return _with_comma(text, found, locale)
    written, decimals, name = _plain(parts[1]), parts[2], parts[3]
    if currency := locale.currencies.get(name):
        said = _with_cents(written, decimals, currency, locale, " ")
        return _with_period(text, found.start(), parts.end(), said, locale)
    unit = locale.signs.percent if name == "%" else locale.units[name].many if name in locale.units else ""
    if not unit:
        return None
    return Span(found.start(), parts.end(), "measure", f"{amount(written, decimals, locale)} {unit}")


def _with_comma(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "1,5 litros", "12,5 %", "2,5 kg", where a language says the comma of its decimals."""
    parts = _DECIMAL_COMMA.match(text, found.start()) if locale.signs.comma else None
    if parts is None:
        return None
    whole_part, last, name = parts.groups()
    said = f"{whole(whole_part, locale)} {locale.signs.comma} {_decimals(last, locale)}"
    unit = locale.signs.percent if name == "%" else locale.units[name].many if name in locale.units else ""
    if not unit:
        return Span(found.start(), parts.end(2), "number", said)
    return Span(found.start(), parts.end(), "measure", f"{said} {unit}")


def _decimals(written: str, locale: Locale) -> str:
    """What stands behind a comma: "75" as a number, "05" digit by digit."""
    return digits(written, locale) if written[0] == "0" else locale.cardinal(int(written))


def by_code(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "USD 12.50", "Rs. 500"; glued to its number only where it is well known ("NGN492920" is a code)."""
    code = text[start:end]
    if code == "Rs" and text[end : end + 1] == ".":
        found = signed(f"{code}{text[end + 1 : end + 40]}", 0, len(code), locale)
        return Span(start, start + found.end + 1, "money", found.spoken) if found else None
    if code == "INR" and _CLOTTING.match(text, end):
        return None
    if code == "PHP" and _VERSION.match(text, end):
        return None  # a language that programs are written in
    if text[end : end + 1] != " " and code not in ("USD", "EUR", "GBP", "CHF", "Rs"):
        return None
    return signed(text, start, end, locale)


def country(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """The "US" of "US $5", which is not said."""
    return Span(start, end + 1, "money", "") if _DOLLARS.match(text, end) else None


def by_country(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span | None:
    """ "5 US$" → "five dollars"."""
    currency, end = locale.currencies.get(f"{name[1]}$"), name.end() + 1
    if currency is None or text[name.end() : end] != "$" or text[end : end + 1].isalnum():
        return None
    return _with_period(text, found.start(), end, _said(found, "", currency, locale), locale)


def by_sign(text: str, at: int, locale: Locale) -> Span:
    """Money behind its sign; a sign without an amount ("$PATH") is not said."""
    return signed(text, at, at + 1, locale) or Span(at, at + 1, "symbol", "")


def usual(text: str, at: int, found: re.Match[str], locale: Locale) -> Span | None:
    """What `by_sign` says of nearly all amounts, in a third of its time; or None."""
    written, decimals, period, following = found.group("whole", "cents", "period", "after")
    currency = locale.currencies.get("$")
    if currency is None or (following and (following in _read_with(locale) or following.isupper())):
        return None
    count = int(written.replace(",", ""))
    said = locale.counted(count, currency.one if count == 1 else currency.many)
    if decimals and decimals != ".00":
        cents = int(decimals[1:])
        if not currency.cents:
            return None
        small = locale.counted(cents, currency.cent if cents == 1 else currency.cents)
        said = f"{said} {small}" if count else small
    if period:
        name = locale.periods.get(period)
        if name is None or (following and following.startswith("ft")):  # "/sq ft"
            return None
        said = f"{said} {name}"
    return made((at, found.end(), "money", said))


@cache
def _read_with(locale: Locale) -> frozenset[str]:
    """The words that are read with an amount before them: "million", "fee", "ea."."""
    return frozenset((*locale.scales, *locale.priced_things, *locale.priced_kinds, "ea", "p"))
