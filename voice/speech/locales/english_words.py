"""The word tables of English: what is written short, and how it is said."""

from __future__ import annotations

from collections.abc import Mapping

from voice.speech.tables import table, word_set

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MONTH_FORMS = {form.lower(): at for at, month in enumerate(MONTHS, 1) for form in (month, month[:3])} | {
    "sept": 9
}

WEEKDAYS_IN_ORDER = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS = {
    short: day
    for day, forms in {
        "Monday": "Mon",
        "Tuesday": "Tue Tues",
        "Wednesday": "Wed Weds",
        "Thursday": "Thu Thur Thurs",
        "Friday": "Fri",
        "Saturday": "Sat",
        "Sunday": "Sun",
    }.items()
    for form in forms.split()
    for short in (form, form.upper())
}
WEEKDAYS |= {form: day for day in {*WEEKDAYS.values()} for form in (day, day.lower())}

RANGE_ENDS = {end: end for end in ("noon", "midnight", "present", "today", "now")}
DAY_LETTERS = dict(zip(("M", "Tu", "W", "Th", "F", "Sa", "Su"), WEEKDAYS_IN_ORDER, strict=True)) | {
    "T": "Tuesday"
}

HALVES_OF_DAY = {
    form: half
    for half in ("AM", "PM")
    for form in (half, half.lower(), half.title(), ".".join(half), ".".join(half.lower()))
}


SIGNS = table("""
    ½ = one half
    ⅓ = one third
    ⅔ = two thirds
    ¼ = one quarter
    ¾ = three quarters
    ⅕ = one fifth
    ⅛ = one eighth
    ⅜ = three eighths
    ⅝ = five eighths
    ⅞ = seven eighths
    ± = plus or minus
    × = times
    ÷ = divided by
    ≈ = about
    ≤ = less than or equal to
    ≥ = greater than or equal to
    ≠ = is not equal to
    > = greater than
    < = less than
    → = to
    ⇒ = to
    ← = from
    ↔ = to
    § = section
    ¶ = paragraph
    © = copyright
    ° = degrees
    ∞ = infinity
    √ = square root of
    № = number
    Ω = ohms
    % = percent
    ‰ = per mille
    & = and
    + = plus
    ¢ = cents
    π = pi
    θ = theta
    Δ = delta
    λ = lambda
    σ = sigma
    Σ = sigma
""") | {"=": "equals"}

ADDRESS_SIGNS = {"?": "question mark", "=": "equals", "&": "and", "+": "plus", "%": "percent", "~": "tilde"}

# Said so wherever they stand, with or without a dot.
_EVERYWHERE = table("""
    approx = approximately
    appt = appointment
    appts = appointments
    apts = apartments
    pcm = per calendar month
    bldg = building
    bldgs = buildings
    dept = department
    govt = government
    mgmt = management
    mgr = manager
    asst = assistant
    maint = maintenance
    amt = amount
    acct = account
    addr = address
    avail = available
    bal = balance
    bdrm = bedroom
    bdrms = bedrooms
    bsmt = basement
    cert = certificate
    req'd = required
    reqd = required
    req = required
    refrig = refrigerator
    sched = schedule
    pymt = payment
    pmt = payment
    pkg = package
    prkg = parking
    qty = quantity
    rcvd = received
    recd = received
    svc = service
    svcs = services
    temp = temporary
    util = utilities
    utils = utilities
    incl = including|included
    excl = excluding|excluded
    intl = international
    natl = national
    univ = university
    assoc = association
    attn = attention
    misc = miscellaneous
    hwy = highway
    pkwy = parkway
    blvd = boulevard
    ave = avenue
    yrs = years
    hrs = hours
    mins = minutes
    wks = weeks
    mos = months
    sqft = square feet
    w = with
    vs = versus
    vol = volume
    vols = volumes
    pls = please
    plz = please
    thx = thanks
    tmrw = tomorrow
    PhD = P H D
    PhDs = P H Ds
    WWI = World War One
    WWII = World War Two
""")

# Titles before a name, and what else is said so only with its dot or before a capital.
_TITLES = table("""
    mr = mister
    mrs = misses
    ms = Ms
    messrs = messieurs
    drs = doctors
    prof = professor
    rev = reverend
    hon = honorable
    gen = general
    maj = major
    col = colonel
    capt = captain
    cpt = captain
    cpl = corporal
    pvt = private
    adm = admiral
    lt = lieutenant
    sgt = sergeant
    cmdr = commander
    sen = senator
    gov = governor
    rep = representative
    pres = president
    atty = attorney
    supt = superintendent
    jr = junior
    sr = senior
    esq = esquire
    mt = mount
    ft = fort
    pt = point
    fr = father
""")

_WITH_DOT = table("""
    apt = apartment
    etc = et cetera
    fig = figure
    figs = figures
    inc = incorporated
    corp = corporation
    Co = company
    ltd = limited
    bros = brothers
    sec = security
    dep = deposit
    min = minimum
    max = maximum
    avg = average
    est = estimated
    rte = route
    exp = expires
    appl = application
    appls = applications
    lg = large
    std = standard
    msg = message
    msgs = messages
    conf = confirmation
    qtr = quarter
    chap = chapter
    ca = circa
    blk = block
    blks = blocks
    bus = business
    tel = telephone
    ext = extension
    ph = phone
    no = number
    NO = number
    nos = numbers
    art = article
    ch = chapter
    pp = pages
    ed = edition
    eds = editors
    diff = difference
    dist = district
    div = division
    doc = document
    elev = elevator
    equip = equipment
    exec = executive
    furn = furnished
    gar = garage
    info = information
    lic = license
    nr = near
    orig = original
    prev = previous
    ref = reference
    res = residence
    tech = technician
    vac = vacancy
    wkly = weekly
    wk = week
    yr = year
    hr = hour
    fl = floor
    sq = square
    mon = Monday
    wed = Wednesday
    thu = Thursday
    fri = Friday
    sat = Saturday
    sun = Sunday
""")


def _cased(words: Mapping[str, str]) -> dict[str, str]:
    """The table with its words in lower case and with a capital, which what is said keeps."""
    return dict(words) | {word.capitalize(): _capitals(said) for word, said in words.items()}


def _capitals(said: str) -> str:
    return "|".join(form[:1].upper() + form[1:] for form in said.split("|"))


ABBREVIATIONS = {
    word: said
    for word, said in _cased(_EVERYWHERE).items()
    if word.lower() not in ("w", "req", "bal", "temp")
}
TITLES = _cased(_TITLES)
DOTTED = {"p": "page", "mo": "month"} | _cased(
    _WITH_DOT
    | table("""
    temp = temporary
    bal = balance
    req = required
""")
)

NUMBERED = word_set("rte no nos fig figs ch chap art ext p pp vol")
ALSO_WORDS = word_set(
    "bus conf ca lg art info tech max min fig diff doc div sat sun wed ed equip ref temp vac gar res dist "
    "exec bal"
)
NEVER_LAST = word_set("vs approx attn vol vols")

SLASHED = table("""
    a/c = A C
    n/a = not applicable
    a/k/a = also known as
    d/b/a = doing business as
    m/f = male or female
    w/ = with
    w/o = without
    w/in = within
    c/o = care of
    b/c = because
    b/w = between
    p/u = pick up
    w/d = washer dryer
    d/w = dishwasher
    p/m = per month
    bed/bath = bed bath
    call/text = call or text
    tbd/tba = T B D or T B A
    i/o = input output
    r/o = rule out
    y/o = year old
    o/s = outside
    and/or = and or
    he/she = he or she
    she/he = she or he
    his/her = his or her
    him/her = him or her
    s/he = he or she
    yes/no = yes or no
    either/or = either or
    h/w = hardware
    s/w = software
    l/r = left right
    401(k) = four oh one K
    401k = four oh one K
    403(b) = four oh three B
    403b = four oh three B
    24/7 = twenty four seven
    24/7/365 = twenty four seven three sixty five
    50/50 = fifty fifty
    9/11 = nine eleven
    20/20 = twenty twenty
""")

PHRASES = table("""
    N. Y. = New York
    Ph: = Phone:
    Tel: = Telephone:
    Ext: = Extension:
    Ref: = Reference:
    Re: = Regarding:
""")

# Letters with dots between them. Others are spelled.
LETTERS = table("""
    e.g = for example
    i.e = that is
    a.k.a = also known as
    n.y = New York
    n.j = New Jersey
    n.c = North Carolina
    s.c = South Carolina
    n.h = New Hampshire
    n.m = New Mexico
    p.s = P S
    r.s.v.p = R S V P
    ph.d = P H D
    a.s.a.p = A S A P
""")
