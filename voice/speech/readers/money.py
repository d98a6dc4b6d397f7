"""Money in all the ways people write it: "$1,250/mo", "$3k", "$50–75", "USD 12.50", "99¢"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Currency, Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.numbers import MAX_CARDINAL_DIGITS, NUMBER, amount, whole
from voice.speech.readers.rates import rated
from voice.speech.span import Span

_AMOUNT = Pattern(r"\s?(\d{1,3}(?:,\d{3})++(?!\d)|\d++)?(\.\d++)?+")
_SCALE = Pattern(r"\s?([^\W\d_]++)(?:\.(?=\s[a-z]))?")
_DOLLARS = Pattern(r"\s\$\d")
_CODE_BEHIND = Pattern(r"\sUSD(?!\w)")  # "$50 USD"
_RANGE = Pattern(r"\s?[-–—]\s?(?=\d)")
_BEHIND = Pattern(r"\s?([$€£¥₽₱฿₫₹₩])(?!\d)")
_PLUS = Pattern(r"\+(?!\d)")


def signed(text: str, at: int, sign_end: int, locale: Locale) -> Span | None:
    """Money with its sign or code first: `text[at:sign_end]` is "$", "USD" … None when no amount follows."""
    sign = text[at:sign_end]
    currency = locale.currencies.get(sign)
    is_minus = text[sign_end : sign_end + 1] in ("-", "−")
    found = _AMOUNT.match(text, sign_end + is_minus)
    if currency is None or found is None or not (found[1] or found[2]):
        return None
    scale, end = _scale_at(text, found.end(), locale)
    dash = _RANGE.match(text, end)
    second = NUMBER.match(text, dash.end()) if dash else None
    if second is None:
        # A code is written in formal texts, and read so: "twelve dollars and fifty cents".
        joint = f" {locale.signs.and_} " if sign.isalpha() else " "
        said = _said(found, scale, currency, locale, joint)
    else:
        last_scale, end = _scale_at(text, second.end(), locale)
        first = _first_of_range(found, scale or last_scale, currency, locale)
        said = f"{first} {locale.signs.to} {_said(second, last_scale, currency, locale)}"
    return _with_period(text, at, end, f"{locale.signs.minus} {said}" if is_minus else said, locale)


def _scale_at(text: str, at: int, locale: Locale) -> tuple[str, int]:
    """The scale behind an amount ("k", " million") as it is said, or "", and where it ends."""
    scale = _SCALE.match(text, at)
    said = locale.scales.get(scale[1], "") if scale else ""
    letter_apart = scale and len(scale[1]) == 1 and text[at] in " \n\t"
    if scale is None or not said or (letter_apart and scale[1] not in "KMB"):
        return "", at
    return said, scale.end(1)


def _first_of_range(found: re.Match[str], scale: str, currency: Currency, locale: Locale) -> str:
    """The first amount of "$50–75": without its currency, which the second says."""
    if found[2]:
        return _said(found, scale, currency, locale)
    return f"{whole(found[1], locale)} {scale}".rstrip()


def _said(found: re.Match[str], scale: str, currency: Currency, locale: Locale, joint: str = " ") -> str:
    """One amount with its currency; `joint` stands between dollars and cents."""
    written, decimals = found[1] or "", found[2]
    if scale:
        return locale.scaled(amount(written, decimals, locale), scale, currency.many)
    if decimals:
        return _with_cents(written, decimals, currency, locale, joint)
    if len(written) > MAX_CARDINAL_DIGITS:
        return f"{whole(written, locale)} {currency.many}"
    number = int(written.replace(",", ""))
    return locale.counted(number, currency.one if number == 1 else currency.many)


def _with_cents(written: str, decimals: str, currency: Currency, locale: Locale, joint: str) -> str:
    """Whole amounts drop the cents, small ones the whole; thirds of a cent are read as decimals."""
    fine = decimals[1:].rstrip("0")
    count = int(written.replace(",", "") or 0) if len(written) <= MAX_CARDINAL_DIGITS else 2
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
    if plus := _PLUS.match(text, end):
        said, end = f"{said} {locale.signs.plus}", plus.end()
    said, end = rated(text, end, said, locale)
    if text[end : end + 2] == " U" and (currency_again := _CODE_BEHIND.match(text, end)):
        end = currency_again.end()
    return Span(start, end, "money", said)


def named(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span:
    """An amount with its currency behind it: "50 USD", "20€"."""
    currency = locale.currencies[name[1]]
    return _with_period(text, found.start(), name.end(), _said(found, "", currency, locale), locale)


def behind(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "20€", "20 €"."""
    name = _BEHIND.match(text, found.end())
    return named(text, found, name, locale) if name and name[1] in locale.currencies else None


def cents(text: str, found: re.Match[str], locale: Locale) -> Span:
    """ "99¢" → "ninety nine cents"."""
    dollar = locale.currencies["$"]
    name = dollar.cent if found[0] == "1" else dollar.cents
    said = f"{amount(found[1], found[2], locale)} {name}"
    return _with_period(text, found.start(), found.end() + 1, said, locale)


def by_code(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "USD 12.50"; glued to its number only where it is well known ("NGN492920" is a code)."""
    if text[end : end + 1] != " " and text[start:end] not in ("USD", "EUR", "GBP"):
        return None
    return signed(text, start, end, locale)


def country(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """The "US" of "US $5", which is not said."""
    return Span(start, end + 1, "money", "") if _DOLLARS.match(text, end) else None


def by_sign(text: str, at: int, locale: Locale) -> Span:
    """Money behind its sign; a sign without an amount ("$PATH") is not said."""
    return signed(text, at, at + 1, locale) or Span(at, at + 1, "symbol", "")
