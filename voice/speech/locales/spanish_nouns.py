"""Nouns of Spanish behind a number, which agrees with them: "una hora", "doscientas personas".

The end of a noun mostly tells its gender; others that are counted on the telephone are listed.
"""

from __future__ import annotations

from voice.speech.tables import word_set

# Behind a number these are not what is counted.
_NO_NOUNS = word_set(
    "a al ante antes así aún cada como con cuando de del desde después donde e el ella en entre era es "
    "está están este esta fue ha han hasta hay la las le les lo los mas más me menos mi mil millones "
    "millón ni no nos o para pero por pues que qué queda se según si sí sin sobre son su sus también te "
    "tiene u un una uno vence será serán sea y ya hoy ayer mañana ahora aquí allí abre cierra puede "
    "quiere cuesta vale debe además luego seguido ambos todos dos tres gracias entonces durante "
    "mediante hacia tras contra excepto salvo adelante atrás disponible disponibles libre libres "
    "pendiente pendientes adicional adicionales mayor menor abierto cerrado ocupado"
)
_MASCULINE = word_set(
    "día mapa problema programa sistema tema clima idioma planeta poema drama esquema síntoma diploma "
    "sofá aroma dilema lema plasma tranvía mes pez juez gas bus autobús lunes martes miércoles jueves "
    "viernes interés país"
)
_FEMININE = word_set(
    "mano foto moto noche tarde llave calle clase parte gente vez ley red piel sal luz cruz mujer flor "
    "imagen orden leche base frase fase torre suite sede nube fuente serie especie señal piscina miel "
    "nariz raíz voz tos res sangre carne nave clave sierva radio línea hambre nieve crisis tesis dosis "
    "síntesis"
)
_FEMININE_ENDS = ("a", "ción", "sión", "dad", "tad", "tud", "umbre", "xión", "gión", "ez")
# Stress on their first "a" takes "un": "un área", but "veintiuna áreas".
_STRESSED = word_set("agua águila ala alma área arma aula ave hacha")
_ENDS_OF_MILLIONS = ("millón", "millones", "billón", "billones")


def is_noun(word: str, number: int) -> bool:
    """Whether a word behind a number is what is counted: in the plural where there are several."""
    if not word or word.lower() in _NO_NOUNS or len(word) < 3:
        return False
    return word[-1] != "s" or word in _MASCULINE if number == 1 else word[-1] == "s"


def before_noun(said: str, noun: str) -> str:
    """A number before a noun: ("veintiuno", "días") → "veintiún"; whole millions take "de"."""
    if said.endswith(_ENDS_OF_MILLIONS):
        return f"{said} de"
    if not is_feminine(noun) or (noun in _STRESSED and said == "uno"):
        return shortened(said)
    at = max(said.rfind(f" {end} ") for end in _ENDS_OF_MILLIONS) + 1  # millions are masculine themselves
    head, rest = said[:at], said[at:]
    rest = rest.replace("cientos", "cientas").replace("quinientos", "quinientas")
    return head + (rest[:-1] + "a" if rest.endswith("uno") else rest)


def shortened(said: str) -> str:
    """Before a noun "uno" loses its end: "veintiún mil", "treinta y un dólares"."""
    if said.endswith("veintiuno"):
        return said[:-9] + "veintiún"
    return said[:-1] if said == "uno" or said.endswith(" uno") else said


def is_feminine(noun: str) -> bool:
    """Whether a noun is feminine, by its end."""
    one = singular(noun.lower())
    return one in _FEMININE or (one not in _MASCULINE and one.endswith(_FEMININE_ENDS))


def singular(noun: str) -> str:
    """The noun of one: "habitaciones" → "habitación", "veces" → "vez"."""
    if noun[-1:] != "s" or noun in _MASCULINE or noun in _FEMININE:
        return noun
    if noun[:-1] in _FEMININE:
        return noun[:-1]
    if noun.endswith("ces"):
        return noun[:-3] + "z"
    if noun.endswith("iones"):
        return noun[:-5] + "ión"
    if noun.endswith("es") and (noun[:-2] in _FEMININE or noun[:-2] in _MASCULINE or noun.endswith("des")):
        return noun[:-2]
    return noun[:-1]
