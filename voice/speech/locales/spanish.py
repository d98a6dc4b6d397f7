"""Spanish as it is said in America: numbers, money, dates, times, telephone numbers, percent, ordinals."""

from __future__ import annotations

from functools import lru_cache

from voice.speech.locales import spanish_words as words
from voice.speech.locales.base import Locale, Signs
from voice.speech.locales.spanish_nouns import before_noun, is_noun, shortened

_SMALL = (
    *(
        "cero",
        "uno",
        "dos",
        "tres",
        "cuatro",
        "cinco",
        "seis",
        "siete",
        "ocho",
        "nueve",
        "diez",
        "once",
        "doce",
    ),
    *(
        "trece",
        "catorce",
        "quince",
        "dieciséis",
        "diecisiete",
        "dieciocho",
        "diecinueve",
        "veinte",
        "veintiuno",
    ),
    *("veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho"),
    "veintinueve",
)
_TENS = ("", "", "", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")
_HUNDREDS = (
    *("", "ciento", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos", "setecientos"),
    *("ochocientos", "novecientos"),
)
_ORDINALS = (
    *(
        "",
        "primero",
        "segundo",
        "tercero",
        "cuarto",
        "quinto",
        "sexto",
        "séptimo",
        "octavo",
        "noveno",
        "décimo",
    ),
    *("undécimo", "duodécimo"),
)
_ORDINAL_TENS = ("", "décimo", "vigésimo", "trigésimo", "cuadragésimo", "quincuagésimo")
_DENOMINATORS = (
    "",
    "",
    "medio",
    "tercio",
    "cuarto",
    "quinto",
    "sexto",
    "séptimo",
    "octavo",
    "noveno",
    "décimo",
)


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    if number == 100:
        return "cien"
    return f"{_HUNDREDS[hundreds]} {_below_hundred(rest)}" if rest else _HUNDREDS[hundreds]


def _below_hundred(number: int) -> str:
    if number < 30:
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} y {_SMALL[ones]}" if ones else _TENS[tens]


@lru_cache(4096)
def cardinal(number: int) -> str:
    """1250 → "mil doscientos cincuenta". Below 10**18."""
    if number < 1000:
        return _below_thousand(number)
    if number < 1_000_000:
        thousands, rest = divmod(number, 1000)
        head = "mil" if thousands == 1 else f"{shortened(cardinal(thousands))} mil"
        return f"{head} {cardinal(rest)}" if rest else head
    size, one, many = (10**12, "billón", "billones") if number >= 10**12 else (10**6, "millón", "millones")
    head_number, rest = divmod(number, size)
    head = f"un {one}" if head_number == 1 else f"{shortened(cardinal(head_number))} {many}"
    return f"{head} {cardinal(rest)}" if rest else head


def counted(number: int, what: str) -> str:
    """(21, "dólares") → "veintiún dólares"; (200, "libras") → "doscientas libras"; millions take "de"."""
    return f"{before_noun(cardinal(number), what.split()[0])} {what}"


def agreed(number: int, before: str, following: str) -> str:
    """(31, …, "días") → "treinta y un", (1, …, "hora") → "una"; hours are feminine: "a las veintiuna"."""
    said = cardinal(number)
    if is_noun(following, number):
        return before_noun(said, following)
    return before_noun(said, "hora") if before in ("la", "las") and number in (1, 21) else said


def ordinal(number: int) -> str:
    """3 → "tercero", 21 → "vigésimo primero"; beyond 59 a cardinal, as people say it."""
    if number < len(_ORDINALS):
        return _ORDINALS[number] or cardinal(number)
    tens, ones = divmod(number, 10)
    if tens >= len(_ORDINAL_TENS):
        return cardinal(number)
    return f"{_ORDINAL_TENS[tens]} {_ORDINALS[ones]}".rstrip()


def suffixed(number: int, suffix: str, following: str) -> str:
    """(3, "ª") → "tercera"; (1, "er") → "primer", and so (1, "º") before a noun."""
    said = ordinal(number)
    if not said.endswith("o"):
        return said
    if suffix[-1] in "aª":
        return said[:-1] + "a"
    is_short = said.endswith(("primero", "tercero")) and (suffix == "er" or is_noun(following, 1))
    return said[:-1] if is_short else said


def fraction(top: int, bottom: int) -> str:
    """1/2 → "un medio", 3/4 → "tres cuartos", 5/16 → "cinco dieciseisavos"."""
    if bottom < 2:
        return f"{cardinal(top)} sobre {cardinal(bottom)}"
    small = bottom < len(_DENOMINATORS)
    name = _DENOMINATORS[bottom] if small else cardinal(bottom).replace("é", "e").replace("ó", "o") + "avo"
    return f"{shortened(cardinal(top))} {name if top == 1 else name + 's'}"


def mixed(whole: int, top: int, bottom: int) -> str:
    """2 1/2 → "dos y medio"."""
    part = "medio" if (top, bottom) == (1, 2) else fraction(top, bottom)
    return f"{cardinal(whole)} y {part}"


def clock(hour: int, minute: int) -> str:
    """(3, 30) → "tres y media", (1, 0) → "una en punto"."""
    said = "una" if hour == 1 else cardinal(hour)
    if not minute:
        return f"{said} en punto"
    return f"{said} y { {15: 'cuarto', 30: 'media'}.get(minute) or cardinal(minute) }"


def date(number: int | None, month: int, day: int | None, day_came_first: bool) -> str:
    """(2026, 3, 14, …) → "catorce de marzo de dos mil veintiséis"."""
    said = words.MONTHS[month - 1]
    if day:
        said = f"{'primero' if day == 1 else cardinal(day)} de {said}"
    return said if number is None else f"{said} de {cardinal(number)}"


def quarter(number: int, of: str) -> str:
    """(3, "dos mil veintidós") → "tercer trimestre de dos mil veintidós"."""
    said = ordinal(number).removesuffix("o") if number in (1, 3) else ordinal(number)
    return f"{said} trimestre" + (f" de {of}" if of else "")


def half_year(number: int, of: str) -> str:
    """(1, "dos mil veinticinco") → "primer semestre de dos mil veinticinco"."""
    return f"{'primer' if number == 1 else 'segundo'} semestre de {of}"


def scaled(amount: str, scale: str, what: str) -> str:
    """("dos", "millones", "dólares") → "dos millones de dólares"; ("uno", …) → "un millón de dólares"."""
    if scale == "mil":
        return f"{'' if amount == 'uno' else shortened(amount)} mil {what}".strip()
    number = "un millón" if amount == "uno" else f"{shortened(amount)} millones"
    return f"{number} de {what}" if what else number


SPANISH = Locale(
    code="es",
    digits=_SMALL[:10],
    digit_names=dict(zip("0123456789", _SMALL[:10], strict=True)),
    oh="cero",
    cardinal=cardinal,
    ordinal=ordinal,
    suffixed=suffixed,
    counted=counted,
    agreed=agreed,
    ruler=lambda number: ordinal(number) if number <= 10 else cardinal(number),
    in_pairs=lambda written: cardinal(int(written)),
    scaled=scaled,
    year=cardinal,
    decade=cardinal,
    fraction=fraction,
    mixed=mixed,
    clock=clock,
    quarter=quarter,
    determiners=words.DETERMINERS,
    half_year=half_year,
    date=date,
    signs=Signs(
        minus="menos",
        plus="más",
        time="vez",
        times="por",
        divided_by="entre",
        out_of="de",
        by="por",
        power="a la potencia de",
        squared="al cuadrado",
        cubed="al cubo",
        point="punto",
        comma="coma",
        percent="por ciento",
        to="a",
        per="por",
        and_="y",
        between="entre",
        every="cada",
        ending_in="que termina en",
        of="de",
        over="sobre",
        for_="por",
        or_="o",
        at="arroba",
        dot="punto",
        dash="guion",
        slash="barra",
        colon="dos puntos",
        underscore="guion bajo",
        number="número",
        hash="numeral",
        pound="numeral",
        star="asterisco",
        sharp="sostenido",
        about="aproximadamente",
        in_addresses=words.ADDRESS_SIGNS,
        others=words.SIGNS,
    ),
    months=words.MONTHS,
    month_forms=words.MONTH_FORMS,
    weekday_forms=words.WEEKDAYS,
    ordinal_suffixes=(
        "º",
        "ª",
        "er",
        "ero",
        "era",
        "do",
        "da",
        "ro",
        "ra",
        "to",
        "ta",
        "mo",
        "ma",
        "vo",
        "va",
    ),
    day_suffixes=("de",),
    day_first=True,
    halves_of_day=words.HALVES_OF_DAY,
    currencies=words.CURRENCIES,
    scales=words.SCALES,
    units=words.UNITS,
    durations=words.DURATIONS,
    periods=words.PERIODS,
    extension="extensión",
    many_digits=lambda count: f"un número de {cardinal(count)} cifras",
    hours_said="horas",
    phone_cues=words.PHONE_CUES,
    money_words=words.MONEY_WORDS,
    phrases=words.PHRASES,
    unit_names=words.UNIT_NAMES,
    words=words.ABBREVIATIONS,
    dotted=words.DOTTED,
    titles=words.TITLES,
    slashed=words.SLASHED,
    numbered=words.NUMBERED,
    letters=words.LETTERS,
    digit_cues=words.DIGIT_CUES,
    unit_cues=words.UNIT_CUES,
    date_cues=words.DATE_CUES,
    links=words.LINKS,
    as_words=words.SAID_AS_WORDS,
    rulers=words.RULERS,
    counted_by=words.COUNTED,
)
