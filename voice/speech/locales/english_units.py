"""What is counted in English: money, measures, and the periods that prices are for."""

from __future__ import annotations

from voice.speech.locales.base import Currency, Unit
from voice.speech.tables import table


def _currency(names: str) -> Currency:
    return Currency(*(name.strip() for name in names.split(",")))


CURRENCIES = {
    sign: _currency(names)
    for signs, names in table("""
        $ USD US$ = dollar, dollars, cent, cents
        C$ CAD CA$ = Canadian dollar, Canadian dollars, cent, cents
        A$ AUD AU$ = Australian dollar, Australian dollars, cent, cents
        HK$ HKD = Hong Kong dollar, Hong Kong dollars, cent, cents
        NZ$ NZD = New Zealand dollar, New Zealand dollars, cent, cents
        SGD = Singapore dollar, Singapore dollars, cent, cents
        € EUR = euro, euros, cent, cents
        £ GBP = pound, pounds, penny, pence
        ₡ CRC = colon, colones, centimo, centimos
        ₲ PYG = guarani, guaranis
        ₵ GHS = cedi, cedis, pesewa, pesewas
        ₸ KZT = tenge, tenge
        ₾ GEL = lari, lari, tetri, tetri
        ₭ LAK = kip, kip
        ₮ MNT = tugrik, tugriks
        ₼ AZN = manat, manats, qapik, qapiks
        ﷼ IRR = rial, rials
        AED = dirham, dirhams, fils, fils
        SAR = riyal, riyals, halala, halalas
        EGP = Egyptian pound, Egyptian pounds, piastre, piastres
        KES = Kenyan shilling, Kenyan shillings, cent, cents
        HUF = forint, forints
        RON = leu, lei, ban, bani
        IDR = rupiah, rupiah
        MYR = ringgit, ringgit, sen, sen
        TWD NT$ = Taiwan dollar, Taiwan dollars, cent, cents
        PKR = Pakistani rupee, Pakistani rupees, paisa, paise
        LKR = Sri Lankan rupee, Sri Lankan rupees, cent, cents
        BDT ৳ = taka, taka, poisha, poisha
        ARS = Argentine peso, Argentine pesos, centavo, centavos
        CLP = Chilean peso, Chilean pesos
        COP = Colombian peso, Colombian pesos, centavo, centavos
        PEN = sol, soles, centimo, centimos
        ¥ JPY = yen, yen
        CNY RMB = yuan, yuan
        ₹ INR = rupee, rupees, paisa, paise
        ₩ KRW = won, won
        ₽ RUB = ruble, rubles, kopek, kopeks
        ₱ PHP = peso, pesos, centavo, centavos
        MXN MX$ = Mexican peso, Mexican pesos, centavo, centavos
        ฿ THB = baht, baht, satang, satang
        ₫ VND = dong, dong
        ₪ ILS = shekel, shekels, agora, agorot
        ₺ TRY = lira, lira, kurus, kurus
        ₴ UAH = hryvnia, hryvnias, kopiyka, kopiykas
        ₦ NGN = naira, naira, kobo, kobo
        ₿ BTC = bitcoin, bitcoins
        BRL R$ = Brazilian real, Brazilian reais, centavo, centavos
        CHF = Swiss franc, Swiss francs, centime, centimes
        SEK = Swedish krona, Swedish kronor, ore, ore
        NOK = Norwegian krone, Norwegian kroner, ore, ore
        DKK = Danish krone, Danish kroner, ore, ore
        PLN zł = zloty, zlotys, grosz, groszy
        CZK = Czech koruna, Czech korunas, haler, halers
        ZAR = rand, rand, cent, cents
    """).items()
    for sign in signs.split()
}

SCALES = table("""
    k = thousand
    K = thousand
    m = million
    M = million
    MM = million
    mm = million
    b = billion
    B = billion
    bn = billion
    T = trillion
    mil = million
    thousand = thousand
    million = million
    billion = billion
    trillion = trillion
    hundred = hundred
    Million = million
    Billion = billion
    Trillion = trillion
    Thousand = thousand
""")

PERIODS = table("""
    mo = per month
    month = per month
    mth = per month
    mnth = per month
    pm = per month
    pw = per week
    mos = per month
    wks = per week
    yrs = per year
    yr = per year
    y = per year
    year = per year
    annum = per annum
    wk = per week
    week = per week
    day = per day
    d = per day
    night = per night
    nt = per night
    hr = per hour
    h = per hour
    hour = per hour
    min = per minute
    sec = per second
    s = per second
    person = per person
    ea = each
    unit = per unit
    visit = per visit
    pet = per pet
    guest = per guest
    sqft = per square foot
    sq ft = per square foot
    sq. ft = per square foot
    sf = per square foot
    SF = per square foot
    lb = per pound
    oz = per ounce
    gal = per gallon
    kg = per kilogram
    kWh = per kilowatt hour
    mi = per mile
    mile = per mile
    km = per kilometer
    bed = per bed
    room = per room
    item = per item
    use = per use
    load = per load
""")

UNITS = {
    form: Unit(*(name.strip() for name in names.split(",")))
    for forms, names in table("""
        km KM kms = kilometer, kilometers
        m = meter, meters
        cm = centimeter, centimeters
        mm = millimeter, millimeters
        nm = nanometer, nanometers
        µm μm = micrometer, micrometers
        ft ft. = foot, feet
        in. = inch, inches
        yd yds = yard, yards
        mi mi. = mile, miles
        m² m2 sqm = square meter, square meters
        m³ m3 = cubic meter, cubic meters
        cm² cm2 = square centimeter, square centimeters
        cm³ cm3 = cubic centimeter, cubic centimeters
        mm² = square millimeter, square millimeters
        km² km2 = square kilometer, square kilometers
        ft² ft2 sqft sf SF sq.ft = square foot, square feet
        sq.|ft sq|ft sq.|feet sq|feet = square foot, square feet
        ft³ cu.ft cu.|ft cu|ft = cubic foot, cubic feet
        in² sq.|in sq|in = square inch, square inches
        mi² sq.|mi sq|mi = square mile, square miles
        sq.|m sq|m = square meter, square meters
        yd² sq.|yd sq|yd = square yard, square yards
        kg kgs KG Kg = kilogram, kilograms
        g = gram, grams
        mg = milligram, milligrams
        mcg µg = microgram, micrograms
        lb lbs lb. lbs. LB LBS = pound, pounds
        oz oz. = ounce, ounces
        fl.|oz fl|oz = fluid ounce, fluid ounces
        l L = liter, liters
        ml mL = milliliter, milliliters
        gal gal. gals = gallon, gallons
        qt qts = quart, quarts
        pt pts = pint, pints
        tbsp = tablespoon, tablespoons
        tsp = teaspoon, teaspoons
        mph MPH = mile per hour, miles per hour
        km/h kph kmh = kilometer per hour, kilometers per hour
        m/s = meter per second, meters per second
        mpg MPG = mile per gallon, miles per gallon
        ft/s = foot per second, feet per second
        Mbps Mb/s Mbit/s = megabit per second, megabits per second
        Gbps Gb/s = gigabit per second, gigabits per second
        kbps Kbps kb/s = kilobit per second, kilobits per second
        MBps MB/s = megabyte per second, megabytes per second
        GB/s = gigabyte per second, gigabytes per second
        KB kB = kilobyte, kilobytes
        MB = megabyte, megabytes
        GB = gigabyte, gigabytes
        TB = terabyte, terabytes
        Hz = hertz, hertz
        kHz KHz = kilohertz, kilohertz
        MHz = megahertz, megahertz
        GHz = gigahertz, gigahertz
        V = volt, volts
        kV = kilovolt, kilovolts
        mV = millivolt, millivolts
        W = watt, watts
        kW KW = kilowatt, kilowatts
        MW = megawatt, megawatts
        GW = gigawatt, gigawatts
        kWh KWh = kilowatt hour, kilowatt hours
        MWh = megawatt hour, megawatt hours
        mAh = milliamp hour, milliamp hours
        mA = milliamp, milliamps
        amp = amp, amps
        Ω Ω = ohm, ohms
        kΩ = kilohm, kilohms
        BTU = B T U, B T U
        psi PSI = P S I, P S I
        dB = decibel, decibels
        kcal = kilocalorie, kilocalories
        kJ = kilojoule, kilojoules
        Pa = pascal, pascals
        kPa = kilopascal, kilopascals
        hPa = hectopascal, hectopascals
        ha = hectare, hectares
        rpm RPM = revolution per minute, revolutions per minute
        bpm BPM = beat per minute, beats per minute
        px = pixel, pixels
        ppm = part per million, parts per million
        dpi = dot per inch, dots per inch
        fps = frame per second, frames per second
        hp HP = horsepower, horsepower
        atm = atmosphere, atmospheres
        cal = calorie, calories
        dl dL = deciliter, deciliters
        μg = microgram, micrograms
        v = volt, volts
        °F ℉ = degree Fahrenheit, degrees Fahrenheit
        °C ℃ = degree Celsius, degrees Celsius
        °K = kelvin, kelvins
        ° = degree, degrees
        s sec sec. secs = second, seconds
        ms msec = millisecond, milliseconds
        min min. mins mins. = minute, minutes
        h hr hr. hrs hrs. = hour, hours
        wk wk. wks wks. = week, weeks
        mo mo. mos mos. mth mths mnth mnths = month, months
        yr yr. yrs yrs. = year, years
        BR br bdrm bdrms BDRM BDR BDRs bdr bdrs bd BD = bedroom, bedroom
        BA ba bth = bath, bath
        pct pct. = percent, percent
        bps = basis point, basis points
        ct = count, count
        pcs = piece, pieces
        doz doz. = dozen, dozen
    """).items()
    for form in (form.replace("|", " ") for form in forms.split())
}
