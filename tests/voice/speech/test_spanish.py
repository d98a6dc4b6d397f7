from __future__ import annotations

import pytest

from voice.speech.locales.spanish import SPANISH, cardinal, ordinal
from voice.speech.normalise import spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("La renta es $1,250/mes.", "La renta es mil doscientos cincuenta dólares al mes."),
        ("Son $21 o $1.", "Son veintiún dólares o un dólar."),
        ("Cuesta $2.4 millones.", "Cuesta dos punto cuatro millones de dólares."),
        ("Vence el 14 de marzo de 2026.", "Vence el catorce de marzo de dos mil veintiséis."),
        ("el 3/4/2026", "el tres de abril de dos mil veintiséis"),
        ("a las 3:30 p.m. en punto", "a las tres y media de la tarde en punto"),
        ("a la 1:15", "a la una y cuarto"),
        ("(512) 555-0134 ext. 12", "cinco uno dos, cinco cinco cinco, cero uno tres cuatro, extensión doce"),
        ("el 5.5% o 2-3 días", "el cinco punto cinco por ciento o dos a tres días"),
        ("la 3ª vez, 1º de mayo", "la tercera vez, primero de mayo"),
        ("Su código es 4471.", "Su código es cuatro cuatro siete uno."),
        ("lun-vie", "lunes a viernes"),
        ("200 lb y 21 kg", "doscientas libras y veintiún kilos"),
        ("-5°C", "menos cinco grados Celsius"),
        ("hola@casa.com", "hola arroba casa punto com"),
        ("Felipe VI, siglo XXI", "Felipe sexto, siglo veintiuno"),
        ("½ kilo, 3/4 de taza", "medio kilo, tres cuartos de taza"),
        ("Sra. López, Av. Juárez 12", "señora López, avenida Juárez doce"),
        ("el 1er piso, la 2da vez", "el primer piso, la segunda vez"),
    ],
)
def test_spanish_is_said_in_spanish(written: str, said: str) -> None:
    assert spoken(written, SPANISH) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "cero"),
        (16, "dieciséis"),
        (31, "treinta y uno"),
        (100, "cien"),
        (101, "ciento uno"),
        (1000, "mil"),
        (21_000, "veintiún mil"),
        (1_000_000, "un millón"),
        (2_000_500, "dos millones quinientos"),
        (10**12, "un billón"),
    ],
)
def test_spanish_counts(number: int, said: str) -> None:
    assert cardinal(number) == said


def test_spanish_ordinals_end_where_people_stop_using_them() -> None:
    assert [ordinal(number) for number in (1, 10, 21, 60)] == [
        "primero",
        "décimo",
        "vigésimo primero",
        "sesenta",
    ]
