"""English acronyms, and the names and words that a Roman numeral follows."""

from __future__ import annotations

from voice.speech.tables import word_set

# Spelled, though they could be said.
SPELLED = word_set("UUID GUID ISBN RITM IMEI OAUTH IEEE HVAC EIN IBAN USPS ICYMI IOU UEFA IRA ROI")

# Acronyms that are said as a word, and capitals that are no acronym.
SAID_AS_WORDS = word_set(
    "NASA NATO UNESCO UNICEF FEMA OSHA HIPAA COVID AIDS LASER RADAR SCUBA SWAT PIN SIM ZIP ASCII GIF RAM "
    "ROM JSON YAML LAN WAN OPEC SAT NAFTA IKEA FIFA POTUS AM PM OK TV NO ON IT IS IN AT TO OF OR AS BY DO "
    "GO HE IF ME MY SO UP WE AN BE THE AND FOR ARE YOU NOT BUT ALL ANY CAN MAY NEW NOW OUR OUT PAY SEE "
    "TOO TWO USE WAY WHO WHY YES YET ACT ADD AGE AGO ASK BAD BAG BED BIG BOX BUY CAR CAT CUT DAY DID DOG "
    "DUE END FAR FEE FEW FIT GET GOT GAS GUN HAD HAS HER HIM HIS HIT HOT HOW ITS JOB KEY LAW LAY LEG LET "
    "LIE LOT LOW MAN MAP MEN MET MIX MOM NET NOR ODD OFF OIL OLD ONE OWN PER PET PUT RAN RED RUN SAD SAW "
    "SAY SEA SET SHE SIT SIX SKY SON SUN TAX TEN TEA TOP TRY WAR WAS WET WIN WON STOP HELP DR ST MR MS JR "
    "SR VS"
)

REGNAL = word_set(
    "Henry Edward Elizabeth Louis Charles George William James John Paul Pius Benedict Francis David "
    "Richard Philip Alexander Nicholas Peter Leo Gregory Clement Innocent Urban Catherine Mary Frederick "
    "Wilhelm Napoleon Ferdinand Alfonso Carlos Felipe Juan Robert Malcolm Edgar Edmund Harold Stephen "
    "Ivan Otto Karl Franz Joseph Leopold Ludwig Maximilian Albert Christian Gustav Gustavus Carl Haakon "
    "Olaf Sigismund Ramses Ptolemy Cleopatra Darius Xerxes Antiochus Mehmed Murad Selim Suleiman Abdullah "
    "Hussein Faisal Umberto Victor Emmanuel Constantine Justinian Theodosius Boniface Celestine Julius "
    "Sixtus Adrian Alfred Thomas Michael Christopher Matthew Daniel Walter Arthur Samuel Benjamin Martin "
    "Anthony Lawrence"
)
RULERS = word_set("King Queen Pope Emperor Empress Tsar Czar Prince Sultan Saint Pharaoh Kaiser Duke")
COUNTED = word_set(
    "chapter chap war part volume vol section sec act scene phase level type class book title article stage "
    "bowl appendix grade unit building bldg block figure fig table schedule exhibit item division group "
    "series episode season version mark round tier zone category schedule step rule lesson canto psalm "
    "number page verse line module annex game super final fantasy rocky tower apollo saturn"
)
