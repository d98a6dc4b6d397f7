"""The word tables of Spanish: what is written short, and how it is said."""

from __future__ import annotations

from voice.speech.locales.base import Currency, Unit
from voice.speech.tables import table, word_set

MONTHS = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre"),
    *("noviembre", "diciembre"),
)
MONTH_FORMS = {form: at for at, month in enumerate(MONTHS, 1) for form in (month, month[:3])} | {
    "sept": 9,
    "setiembre": 9,
}

WEEKDAYS = {
    form: day
    for day in ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
    for form in (day[:3], day[:3].capitalize())
    if day[:3] not in ("mar", "sáb")  # "mar" is the sea, and March
} | {"sáb": "sábado", "Sáb": "sábado"}

HALVES_OF_DAY = {
    "am": "de la mañana",
    "pm": "de la tarde",
    "AM": "de la mañana",
    "PM": "de la tarde",
}

CURRENCIES = {
    sign: Currency(*(name.strip() for name in names.split(",")))
    for signs, names in table("""
        $ USD US$ = dólar, dólares, centavo, centavos
        MXN MX$ = peso mexicano, pesos mexicanos, centavo, centavos
        € EUR = euro, euros, céntimo, céntimos
        £ GBP = libra, libras, penique, peniques
        ¥ JPY = yen, yenes
        COP = peso colombiano, pesos colombianos, centavo, centavos
        ARS = peso argentino, pesos argentinos, centavo, centavos
    """).items()
    for sign in signs.split()
}

MONEY_WORDS = {
    "dólares": CURRENCIES["$"],
    "euros": CURRENCIES["€"],
    "pesos": Currency("peso", "pesos", "centavo", "centavos"),
}

SCALES = table("""
    k = mil
    K = mil
    M = millones
    mil = mil
    millón = millón
    millones = millones
    mill = millones
""")

DURATIONS = {
    "h": Unit("hora", "horas"),
    "m": Unit("minuto", "minutos"),
    "s": Unit("segundo", "segundos"),
    "d": Unit("día", "días"),
}

UNITS = {
    form: Unit(*(name.strip() for name in names.split(",")))
    for forms, names in table("""
        km = kilómetro, kilómetros
        m = metro, metros
        cm = centímetro, centímetros
        mm = milímetro, milímetros
        m² m2 = metro cuadrado, metros cuadrados
        km² = kilómetro cuadrado, kilómetros cuadrados
        kg = kilo, kilos
        g = gramo, gramos
        mg = miligramo, miligramos
        lb lbs = libra, libras
        oz = onza, onzas
        l L = litro, litros
        ml = mililitro, mililitros
        ft = pie, pies
        in. = pulgada, pulgadas
        mi = milla, millas
        sq|ft = pie cuadrado, pies cuadrados
        km/h = kilómetro por hora, kilómetros por hora
        mph = milla por hora, millas por hora
        Mbps = megabit por segundo, megabits por segundo
        MB = megabyte, megabytes
        GB = gigabyte, gigabytes
        W = vatio, vatios
        kW = kilovatio, kilovatios
        kWh = kilovatio hora, kilovatios hora
        V = voltio, voltios
        h hr hrs = hora, horas
        min mins = minuto, minutos
        s seg = segundo, segundos
        °F ℉ = grado Fahrenheit, grados Fahrenheit
        °C ℃ = grado Celsius, grados Celsius
        ° = grado, grados
        °K = kelvin, kelvin
    """).items()
    for form in (form.replace("|", " ") for form in forms.split())
}

PERIODS = table("""
    mes = al mes
    mo = al mes
    año = al año
    yr = al año
    sem = a la semana
    semana = a la semana
    día = al día
    noche = por noche
    hora = por hora
    h = por hora
    hr = por hora
    persona = por persona
    kg = por kilo
    lb = por libra
""")

SIGNS = table("""
    ½ = medio
    ¼ = un cuarto
    ¾ = tres cuartos
    ⅓ = un tercio
    ± = más o menos
    × = por
    ÷ = entre
    ≈ = aproximadamente
    ≤ = menor o igual a
    ≥ = mayor o igual a
    ≠ = distinto de
    > = mayor que
    < = menor que
    → = a
    § = sección
    ° = grados
    № = número
    Ω = ohmios
    % = por ciento
    & = y
    + = más
    ¢ = centavos
""") | {"=": "igual a"}

ADDRESS_SIGNS = {"?": "interrogación", "=": "igual", "&": "y", "+": "más", "%": "por ciento", "~": "tilde"}

ABBREVIATIONS = table("""
    aprox = aproximadamente
    depto = departamento
    Depto = departamento
    dpto = departamento
    Dpto = departamento
    apto = apartamento
    Apto = apartamento
    tel = teléfono
    Tel = teléfono
    admón = administración
    Ud = usted
    Uds = ustedes
""")
TITLES = table("""
    Sr = señor
    Sra = señora
    Srta = señorita
    Dr = doctor
    Dra = doctora
    Lic = licenciado
    Ing = ingeniero
    Prof = profesor
    Av = avenida
    Avda = avenida
    Blvd = bulevar
    Sto = santo
    Sta = santa
""")
DOTTED = table("""
    No = número
    no = número
    núm = número
    Núm = número
    pág = página
    etc = etcétera
    ext = extensión
    Ext = extensión
    máx = máximo
    mín = mínimo
    esq = esquina
    ej = ejemplo
""")
NUMBERED = word_set("no núm pág ext")
SLASHED = table("""
    c/u = cada uno
    s/n = sin número
    y/o = y o
    24/7 = veinticuatro siete
    n/a = no aplica
    a/c = aire acondicionado
""")
# The dot of the last one ends its sentence, too.
PHRASES = table("""
    N.º = número
    n.º = número
    N.o = número
    N° = número
    n° = número
    Nº = número
    nº = número
    EE. UU. = Estados Unidos
    EE.UU. = Estados Unidos
    EE UU = Estados Unidos
    EEUU = Estados Unidos
    EE. UU = Estados Unidos
""")
UNIT_NAMES = table("""
    Unidad = Unidad
    unidad = unidad
    Apto = apartamento
    apto = apartamento
    Depto = departamento
    depto = departamento
    Dpto = departamento
    dpto = departamento
    Apartamento = Apartamento
    apartamento = apartamento
    Departamento = Departamento
    departamento = departamento
    Local = Local
""")
PHONE_CUES = word_set(
    "tel teléfono teléfonos cel celular móvil whatsapp fax llame llámenos llámanos llamar llama "
    "llamando marque marcar comuníquese"
)
LETTERS = table("""
    p.ej = por ejemplo
    ee.uu = Estados Unidos
""")

DIGIT_CUES = word_set(
    "código pin clave cuenta id orden pedido ticket confirmación referencia ref caso factura rastreo dígitos"
    " extensión ext postal tarjeta ruta serie póliza contraseña licencia marque oprima pulse folio vuelo"
)
UNIT_CUES = word_set(
    "apartamento apto departamento depto unidad suite oficina cuarto habitación edificio interior"
)
DATE_CUES = word_set(
    "el al del desde hasta antes después para vence entre a y lunes martes miércoles jueves viernes"
    " sábado domingo"
)
LINKS = word_set("número números no núm es son de del : - = # que termina en su")
SAID_AS_WORDS = word_set("NASA ONU OTAN COVID PIN OK UNESCO UNICEF EL LA LOS LAS DE NO SI SÍ Y O UN UNA")
RULERS = word_set(
    "Felipe Carlos Alfonso Fernando Isabel Juan Pablo Benedicto Pío Enrique Luis Napoleón Jorge"
    " Francisco Papa Rey"
    " Reina León Gregorio Eduardo Guillermo Pedro Jaime Sancho"
)
COUNTED = word_set(
    "capítulo guerra parte tomo volumen sección acto fase nivel tipo clase título artículo anexo"
    " siglo edificio torre"
    " página número opción paso línea piso planta lote puerta casa grupo zona local mesa sala"
)
# Before a quarter of a year, which has no article of its own then.
DETERMINERS = word_set("el este su nuestro cada")
