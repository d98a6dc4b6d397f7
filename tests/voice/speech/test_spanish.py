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
        ("1.º piso, 2.ª puerta, 3.er día", "primer piso, segunda puerta, tercer día"),
        ("1 hora, 1 mes, 1 noche, 1 área", "una hora, un mes, una noche, un área"),
        ("31 días, 200 personas, 21 semanas", "treinta y un días, doscientas personas, veintiuna semanas"),
        ("201 habitaciones y 51 unidades", "doscientas una habitaciones y cincuenta y una unidades"),
        ("21 veces, 31 llaves, 1 problema", "veintiuna veces, treinta y una llaves, un problema"),
        ("1 de cada 10, de 1 a 2 cuadras", "uno de cada diez, de uno a dos cuadras"),
        ("Marque 1 ahora. Página 21 nueva", "Marque uno ahora. Página veintiuno nueva"),
        ("Opción 1 pagos. Hay 1 disponible.", "Opción uno pagos. Hay uno disponible."),
        ("a la 1 de la tarde, a las 21", "a la una de la tarde, a las veintiuna"),
        ("21 mil pesos", "veintiún mil pesos"),
        ("$1M, $2M o $1k", "un millón de dólares, dos millones de dólares o mil dólares"),
        ("1.000.000 de pesos, 1000000 personas", "un millón de pesos, un millón de personas"),
        ("45.50 pesos", "cuarenta y cinco pesos y cincuenta centavos"),
        (
            "1,5 litros, 2,5 kg, 12,5 %",
            "uno coma cinco litros, dos coma cinco kilos, doce coma cinco por ciento",
        ),
        ("Tel. 55 1234 5678", "teléfono cinco cinco, uno dos tres cuatro, cinco seis siete ocho"),
        ("Llame al 2222-3333.", "Llame al dos dos dos dos, tres tres tres tres."),
        ("Unidad 12-204, Apto. 4-B", "Unidad doce, doscientos cuatro, apartamento cuatro B"),
        ("Oprima 1 o #", "Oprima uno o numeral"),
        ("# para repetir", "numeral para repetir"),
        ("Son las 13:00 h, a las 21:00 horas", "Son las trece horas, a las veintiuna horas"),
        ("en EE. UU. y México, en EE. UU.", "en Estados Unidos y México, en Estados Unidos."),
        ("N.º 5, Nº 5, N° 5", "número cinco, número cinco, número cinco"),
        ("vence el 3/14, el 12/25", "vence el catorce de marzo, el veinticinco de diciembre"),
        ("3/16 de pulgada", "tres dieciseisavos de pulgada"),
    ],
)
def test_spanish_is_said_in_spanish(written: str, said: str) -> None:
    assert spoken(written, SPANISH) == said


def test_what_was_said_in_spanish_is_said_the_same_again() -> None:
    for written in ("31 días", "$1M", "1,5 litros", "Tel. 55 1234 5678", "EE. UU.", "13:00 h", "1.º piso"):
        said = spoken(written, SPANISH)
        assert spoken(said, SPANISH) == said


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
