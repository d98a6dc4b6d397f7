"""English acronyms, and the names and words that a Roman numeral follows."""

from __future__ import annotations

from voice.speech.tables import table, word_set

# Spelled, though they could be said.
SPELLED = word_set(
    "UUID GUID ISBN ISSN RITM IMEI OAUTH IEEE HVAC EIN IBAN USPS ICYMI IOU UEFA IRA ROI ASAP AARP ACLU "
    "UCLA UTSA USAA EEOC USDA USCIS ASPCA BYOB YMCA YWCA NYSE ESPN EMEA ICAO UEFI IPTV IUPAC AAPL TSLA "
    "AMZN OBGYN EBT EFTPS EULA NICU PICU MICU SICU ISDN ADHD EMDR OECD UNHCR USSR USMC USAF"
)

# Acronyms that are said as a word.
ACRONYMS = word_set(
    "NASA NATO UNESCO UNICEF FEMA OSHA HIPAA COVID AIDS LASER RADAR SCUBA SWAT PIN SIM ZIP ASCII GIF RAM "
    "ROM JSON YAML JPEG MPEG LAN WAN OPEC DOS SAT NAFTA IKEA FIFA POTUS AM PM OK TV DR ST MR MS JR SR VS "
    "HUD FAFSA COBRA"
)
# Words that are no acronym when they are written in capitals.
SHOUTED = word_set(
    "NO ON IT IS IN AT TO OF OR AS BY DO GO HE IF ME MY SO UP WE AN BE THE AND FOR ARE YOU NOT BUT ALL "
    "ANY CAN MAY NEW NOW OUR OUT PAY SEE TOO TWO USE WAY WHO WHY YES YET ACT ADD AGE AGO ASK BAD BAG BED "
    "BIG BOX BUY CAR CAT CUT DAY DID DOG DUE END FAR FEE FEW FIT GET GOT GAS GUN HAD HAS HER HIM HIS HIT "
    "HOT HOW ITS JOB KEY LAW LAY LEG LET LIE LOT LOW MAN MAP MEN MET MIX MOM NET NOR ODD OFF OIL OLD ONE "
    "OWN PER PET PUT RAN RED RUN SAD SAW SAY SEA SET SHE SIT SIX SKY SON SUN TAX TEN TEA TOP TRY WAR WAS "
    "WET WIN WON STOP HELP HI OH GYM SPA VAN TUB AIR KIT DEN DRY MOP ICE LID LOG MUD OAK PEN RUG TIP TOY "
    "TIE LIP EAT EGG FIX FLY FUN HEY ILL INK KID NUT PIE PIG POT RAT RAW ROW TAG ZOO DEW PEW"
)

REGNAL = word_set(
    "Henry Edward Elizabeth Louis Charles George William James John Paul Pius Benedict Francis David "
    "Richard Philip Alexander Nicholas Peter Leo Gregory Clement Innocent Urban Catherine Mary Frederick "
    "Wilhelm Napoleon Ferdinand Alfonso Carlos Felipe Juan Robert Edgar Edmund Harold Stephen Ivan Otto "
    "Karl Franz Joseph Leopold Ludwig Maximilian Albert Christian Gustav Gustavus Carl Haakon Olaf "
    "Sigismund Ramses Ptolemy Cleopatra Darius Xerxes Antiochus Mehmed Murad Selim Suleiman Abdullah "
    "Hussein Faisal Umberto Victor Emmanuel Constantine Justinian Theodosius Boniface Celestine Julius "
    "Sixtus Adrian Alfred Thomas Michael Christopher Matthew Daniel Walter Arthur Samuel Benjamin Martin "
    "Anthony Lawrence Ramesses Rameses Thutmose Amenhotep Seti Artaxerxes Seleucus Philippe Vittorio "
    "Pedro Afonso Sancho Casimir Vladislaus Amadeus Rainier Rama Theodore Baldwin Bohemond Bela Stephan "
    "Stefan"
)
# The names of others, whom a Roman ordinal follows behind their surname: "Sam Lee III".
GIVEN = word_set(
    "Sam Tom Bob Jim Joe Bill Mike Dave Steve Chris Matt Ben Dan Tim Ken Ron Don Rick Scott Eric Kevin "
    "Brian Jason Jeff Ryan Gary Larry Jerry Frank Raymond Patrick Jack Dennis Douglas Adam Nathan "
    "Zachary Kyle Noah Ethan Jeremy Keith Roger Gerald Sean Bryan Jesse Dylan Bruce Willie Gabriel Logan "
    "Alan Roy Ralph Randy Eugene Russell Bobby Johnny Howard Thurston Andrew Anthony Donald Kenneth "
    "Steven Ronald Timothy Jeffrey Jacob Mark Jonathan Justin Brandon Gregory Joshua Jose Luis Miguel "
    "Antonio Hank Theodore Harrison Davis Trey Jay Ray Earl"
)
RULERS = word_set("King Queen Pope Emperor Empress Tsar Czar Prince Sultan Saint Pharaoh Kaiser Duke")
COUNTED = word_set(
    "chapter chap ch war part volume vol section sec act scene phase level type class book title article "
    "stage bowl appendix grade unit building bldg block figure fig table schedule exhibit item division "
    "group series episode season version mark round tier zone category schedule step rule lesson canto "
    "psalm number page verse line module annex area district region ward precinct sector game super "
    "final fantasy rocky tower apollo saturn"
)

_WHOLE_BOOKS = word_set(
    "Genesis Exodus Leviticus Numbers Deuteronomy Joshua Judges Ruth Samuel Kings Chronicles Ezra "
    "Nehemiah Esther Job Psalm Psalms Proverbs Ecclesiastes Isaiah Jeremiah Lamentations Ezekiel Daniel "
    "Hosea Joel Amos Obadiah Jonah Micah Nahum Habakkuk Zephaniah Haggai Zechariah Malachi Matthew Mark "
    "Luke John Acts Romans Corinthians Galatians Ephesians Philippians Colossians Thessalonians Timothy "
    "Titus Philemon Hebrews James Peter Jude Revelation Surah"
)
# Books that are quoted with chapter and verse, in full and written short.
BOOKS = table("""
    Gen = Genesis
    Exod = Exodus
    Lev = Leviticus
    Num = Numbers
    Deut = Deuteronomy
    Josh = Joshua
    Judg = Judges
    Sam = Samuel
    Kgs = Kings
    Chron = Chronicles
    Chr = Chronicles
    Neh = Nehemiah
    Esth = Esther
    Ps = Psalm
    Psa = Psalm
    Prov = Proverbs
    Eccl = Ecclesiastes
    Isa = Isaiah
    Jer = Jeremiah
    Lam = Lamentations
    Ezek = Ezekiel
    Dan = Daniel
    Hos = Hosea
    Mic = Micah
    Hab = Habakkuk
    Zech = Zechariah
    Mal = Malachi
    Matt = Matthew
    Mt = Matthew
    Mk = Mark
    Lk = Luke
    Jn = John
    Rom = Romans
    Cor = Corinthians
    Gal = Galatians
    Eph = Ephesians
    Phil = Philippians
    Col = Colossians
    Thess = Thessalonians
    Tim = Timothy
    Heb = Hebrews
    Jas = James
    Pet = Peter
    Rev = Revelation
""") | {book: book for book in _WHOLE_BOOKS}
