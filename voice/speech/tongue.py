"""Which of the languages that we read aloud a sentence is in: English, Spanish, or none that is sure.

Small words and letters of their own tell it, no model and no library. A word counts only where it belongs to
one of the two, and words and letters of their neighbours (French, Portuguese, Italian, German, Dutch) count
against both: a number that is left as it is written is better than one said in the wrong language.
"""

from __future__ import annotations

from typing import Literal

from voice.speech.patterns import Pattern
from voice.speech.tables import word_set

Tongue = Literal["en", "es"]

# No word stands in two of these lists; "no", "me", "son", "de", "que", "para" stand in none.
ENGLISH_WORDS = word_set(
    "the and are you your yours we our ours they their it its of to for with at this that these those what "
    "how my have has please would could should there from by be been when where which who i'm i'll you're "
    "we'll we're it's that's don't can't can let's let need call unit rent office today tomorrow "
    "i do does owe pay hello hi welcome thanks thank sorry sure okay yes about after before until open "
    "due per costs"
)
SPANISH_WORDS = word_set(
    "el la es los las y su sus del está están usted ustedes tiene tienen hay muy pero cuando hoy mañana "
    "puede pueden puedo quiere gracias favor señor señora hola buenos buenas días día tardes noches "
    "llame aquí allí desde hasta ya sí también esta este estos nuestra nuestro qué cómo cuándo cuánto "
    "cuesta cuestan dónde cuál le les oficina renta alquiler lunes martes miércoles "
    "jueves viernes sábado abierto abierta vence entre estamos somos tenemos queda quedan avenida calle piso "
    "oprima marque debe adeuda meses años"
)
OTHER_WORDS = word_set(
    "le la les des est vous nous votre notre avec pour dans une du au aux je il elle ne pas et ce cette sont "
    "não você vocês uma um é são com seu sua da dos das em ao os nossa nosso obrigado hoje amanhã "
    "il lo gli che è di per sono questo questa della dello con nostro nostra grazie oggi domani alle "
    "der die das und ist sie ihr ihre nicht ein eine einen mit von zu auf für wir haben sind heute "
    "morgen kostet "
    "hier geht gibt uhr kann wird noch nur bei um euro bitte "
    "wie viel wann hallo danke combien quand merci bonjour quanto quando ciao obrigada olá hoeveel wanneer "
    "het een van en niet met voor zijn u uw wij deze dit vandaag maar ook"
) - word_set("le les la con lo per en una")  # they are as often Spanish, or English
# "Son $20", "Son las 3": "son" amid a sentence may be a child, or French.
_SPANISH_BEGINNING = Pattern(r"[^\w$]*son (?:las? )?[$€£]?\d")
_WORD = Pattern(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SPANISH_SIGNS = Pattern(r"[¿¡ñ]")
_SHARED_LETTERS = Pattern(r"[áíóú]")  # Portuguese has them, too
_OTHER_LETTERS = Pattern(r"[ãõâêôîûçœßäëïöàèìòùåø\u0370-\u1fff\u2e80-\ud7ff]")
MAX_CHARS = 400  # of a sentence; more of it would say the same


def tongue_of(text: str) -> Tongue | None:
    """The language of a sentence; None where nothing in it is sure: a number, a name, another language."""
    english, spanish, others = _counted(text)
    if english > max(spanish, others):
        return "en"
    return "es" if spanish > max(english, others) else None


def is_neutral(text: str) -> bool:
    """Whether nothing in a text tells of any language."""
    return _counted(text) == (0, 0, 0)


def _counted(text: str) -> tuple[int, int, int]:
    """How much speaks for English, for Spanish, and against both."""
    text = text[:MAX_CHARS].lower().replace("’", "'")
    found = _WORD.findall(text)
    english = sum(word in ENGLISH_WORDS for word in found)
    spanish = sum(word in SPANISH_WORDS for word in found)
    others = sum(word in OTHER_WORDS for word in found)
    spanish += _SPANISH_BEGINNING.match(text) is not None
    spanish += 2 * len(_SPANISH_SIGNS.findall(text)) + bool(_SHARED_LETTERS.search(text))
    return english, spanish, others + 2 * len(_OTHER_LETTERS.findall(text))
