"""Words of American addresses."""

from __future__ import annotations

from voice.speech.tables import table, word_set

STREETS = table("""
    Ave = Avenue
    Blvd = Boulevard
    Bvd = Boulevard
    Rd = Road
    Ln = Lane
    Ct = Court
    Pl = Place
    Cir = Circle
    Pkwy = Parkway
    Pky = Parkway
    Hwy = Highway
    Ter = Terrace
    Terr = Terrace
    Trl = Trail
    Sq = Square
    Aly = Alley
    Plz = Plaza
    Xing = Crossing
    Expy = Expressway
    Fwy = Freeway
    Tpke = Turnpike
    Cv = Cove
    Pt = Point
    Hts = Heights
    Vw = View
    Crk = Creek
    Rdg = Ridge
    Cres = Crescent
    AVE = Avenue
    BLVD = Boulevard
    RD = Road
    LN = Lane
    CT = Court
    PL = Place
    CIR = Circle
    PKWY = Parkway
    HWY = Highway
    TRL = Trail
    Jct = Junction
    Byp = Bypass
    Bnd = Bend
    Mdw = Meadow
    Mdws = Meadows
    Grv = Grove
    Holw = Hollow
    Lndg = Landing
    Mnr = Manor
    Spgs = Springs
    Vlg = Village
    Vly = Valley
    Wy = Way
    Av = Avenue
""")

DIRECTIONS = table("""
    N = North
    S = South
    E = East
    W = West
    NE = Northeast
    NW = Northwest
    SE = Southeast
    SW = Southwest
""")

# The number of a road follows these …
ROADS = table("""
    I = I
    IH = I H
    US = U S
    SH = S H
    SR = S R
    CR = C R
    FM = F M
    RM = R M
    RR = R R
    MM = mile marker
    Hwy = Highway
    hwy = highway
    Highway = Highway
    highway = highway
    Interstate = Interstate
    Rte = Route
    rte = route
    Rt = Route
    Route = Route
    route = route
    Loop = Loop
    Spur = Spur
    Exit = Exit
    exit = exit
""")

# … and behind it, where it goes.
ROAD_ENDS = DIRECTIONS | table("""
    NB = northbound
    SB = southbound
    EB = eastbound
    WB = westbound
""")

# The number of a flat or of a room follows these.
UNIT_NAMES = table("""
    Apt = Apartment
    APT = Apartment
    STE = Suite
    BLDG = Building
    Apts = Apartments
    apt = apartment
    ste = suite
    rm = room
    unit = unit
    suite = suite
    room = room
    Ste = Suite
    Rm = Room
    Bldg = Building
    Fl = Floor
    Flr = Floor
    Lot = Lot
    Spc = Space
    Unit = Unit
    Suite = Suite
    Room = Room
    Apartment = Apartment
    Building = Building
""")

STATES = table("""
    AL = Alabama
    AK = Alaska
    AZ = Arizona
    AR = Arkansas
    CA = California
    CO = Colorado
    CT = Connecticut
    DE = Delaware
    DC = D C
    FL = Florida
    GA = Georgia
    HI = Hawaii
    ID = Idaho
    IL = Illinois
    IN = Indiana
    IA = Iowa
    KS = Kansas
    KY = Kentucky
    LA = Louisiana
    ME = Maine
    MD = Maryland
    MA = Massachusetts
    MI = Michigan
    MN = Minnesota
    MS = Mississippi
    MO = Missouri
    MT = Montana
    NE = Nebraska
    NV = Nevada
    NH = New Hampshire
    NJ = New Jersey
    NM = New Mexico
    NY = New York
    NC = North Carolina
    ND = North Dakota
    OH = Ohio
    OK = Oklahoma
    OR = Oregon
    PA = Pennsylvania
    RI = Rhode Island
    SC = South Carolina
    SD = South Dakota
    TN = Tennessee
    TX = Texas
    UT = Utah
    VT = Vermont
    VA = Virginia
    WA = Washington
    WV = West Virginia
    WI = Wisconsin
    WY = Wyoming
    Ala = Alabama
    Ariz = Arizona
    Ark = Arkansas
    Calif = California
    Colo = Colorado
    Conn = Connecticut
    Fla = Florida
    Ga = Georgia
    Ill = Illinois
    Kan = Kansas
    Ky = Kentucky
    Mass = Massachusetts
    Md = Maryland
    Mich = Michigan
    Minn = Minnesota
    Mo = Missouri
    Mont = Montana
    Neb = Nebraska
    Nev = Nevada
    Okla = Oklahoma
    Ore = Oregon
    Pa = Pennsylvania
    Tenn = Tennessee
    Tex = Texas
    Va = Virginia
    Vt = Vermont
    Wash = Washington
    Wis = Wisconsin
    Wyo = Wyoming
    Ind = Indiana
    Del = Delaware
    Penn = Pennsylvania
""")

# States that are words or titles, too, with the towns that make sure of them.
DOUBTFUL_STATES = {
    state: word_set(towns)
    for state, towns in table("""
        HI = Honolulu Hilo Kailua Kapolei Waipahu
        ID = Boise Meridian Nampa Pocatello
        IN = Indianapolis Bloomington Wayne Gary Carmel Fishers Evansville
        MA = Boston Cambridge Worcester Springfield Lowell Somerville
        MD = Baltimore Bethesda Rockville Annapolis Frederick Columbia Gaithersburg Spring Towson
        ME = Portland Bangor Augusta Lewiston
        OK = Tulsa City Norman Edmond Lawton Stillwater Arrow Moore
        OR = Portland Salem Eugene Bend Beaverton Hillsboro Gresham Medford
        PA = Philadelphia Pittsburgh Allentown Erie Harrisburg Scranton Lancaster Bethlehem
    """).items()
}
