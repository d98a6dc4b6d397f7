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

RANGE_ENDS = {
    end: end for end in ("noon", "midnight", "present", "today", "now", "dawn", "dusk", "sunrise", "sunset")
}
DAY_LETTERS = dict(zip(("M", "Tu", "W", "Th", "F", "Sa", "Su"), WEEKDAYS_IN_ORDER, strict=True)) | {
    "T": "Tuesday"
}

HALVES_OF_DAY = {
    form: half
    for half in ("AM", "PM")
    for form in (half, half.lower(), half.title(), ".".join(half), ".".join(half.lower()))
}

# Said so wherever they stand, with or without a dot.
_EVERYWHERE = table("""
    approx = approximately
    appt = appointment
    apts = apartments
    pcm = per calendar month
    bldg = building
    bldgs = buildings
    dept = department
    govt = government
    mgmt = management
    mgr = manager
    maint = maintenance
    amt = amount
    cov'd = covered
    uncov'd = uncovered
    unfurn = unfurnished
    lvl = level
    grp = group
    rsvn = reservation
    rsvns = reservations
    agt = agent
    sz = size
    xtra = extra
    mtg = meeting
    mtgs = meetings
    lndry = laundry
    rgds = regards
    blks = blocks
    nts = nights
    hosp = hospital
    Xmas = Christmas
    wknd = weekend
    wknds = weekends
    tkt = ticket
    pkng = parking
    ctr = center
    cust = customer
    mfr = manufacturer
    mfg = manufacturing
    mktg = marketing
    acctg = accounting
    dtd = dated
    exch = exchange
    mdse = merchandise
    pymts = payments
    pmts = payments
    accts = accounts
    amts = amounts
    depts = departments
    svgs = savings
    xfer = transfer
    ofc = office
    pkgs = packages
    appts = appointments
    btw = by the way
    prn = as needed
    viz = namely
    acct = account
    addr = address
    avail = available
    bal = balance
    bdrm = bedroom
    bdrms = bedrooms
    bsmt = basement
    cert = certificate
    req'd = required
    int'l = international
    nat'l = national
    gov't = government
    dep't = department
    ass'n = association
    ass't = assistant
    sec'y = secretary
    cont'd = continued
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
    AAA = triple A
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
    lieut = lieutenant
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
    asst = assistant
    brig = brigadier
    br = brother
    ven = venerable
    amb = ambassador
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
    cf = compare
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
    elec = electric
    neg = negotiable
    assn = association
    attys = attorneys
    cond = condition
    emerg = emergency
    mech = mechanical
    rms = rooms
    stmt = statement
    refs = references
    subj = subject
    pref = preferred
    var = variable
    btl = bottle
    veh = vehicle
    wtr = water
    equip = equipment
    exec = executive
    furn = furnished
    gar = garage
    info = information
    ins = insurance
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
    if "|" in said:
        return "|".join(map(_capitals, said.split("|")))
    return said[:1].upper() + said[1:]


ABBREVIATIONS = {
    word: said
    for word, said in _cased(_EVERYWHERE).items()
    if word.lower() not in ("w", "req", "bal", "temp")
}
ABBREVIATIONS |= {word.replace("'", "’"): said for word, said in ABBREVIATIONS.items() if "'" in word}
ABBREVIATIONS |= table("""
    Rx = prescription
    Dx = diagnosis
    Hx = history
    aka = also known as
    flr = floor
    flrs = floors
    ppl = people
    btn = button
""")
TITLES = _cased(_TITLES) | {"Det": "Detective", "Msgr": "Monsignor", "Bro": "Brother"}
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
    "ins bus conf ca lg art info tech max min fig diff doc div sat sun wed ed equip ref temp vac gar res "
    "dist exec bal neg elec cond mech sys veh refs"
)
NEVER_LAST = word_set("vs approx attn vol vols") | {"N. Y.", "W.Va."}
