"""English words that decide what the number behind them is."""

from __future__ import annotations

from voice.speech.tables import word_set

# Said digit by digit: "code 4471".
DIGIT_CUES = word_set(
    "code codes pin account acct id order ticket confirmation reference ref case invoice tracking digit "
    "digits extension ext zip card routing serial policy claim passcode password ssn loan permit dial enter "
    "press flight plate license request member customer booking reservation verification keypad passport "
    "text inv conf po wo p.o w.o otp cvv badge locker username uuid guid ids tickets accounts four sn "
    "model isbn issn vin upc sku tty tdd iban mrn npi ein ndc locator box res imei rx"
)
# In pairs, as flats are: "Unit 1204".
UNIT_CUES = word_set(
    "apartment apartments apt apts unit units suite suites ste room rooms rm flat flats building bldg "
    "loft lofts space spaces spot spots lot lots studio studios residence residences"
)
# A year: "in 1066".
YEAR_CUES = word_set(
    "in since year years until till by circa ca late early mid summer spring fall winter autumn class "
    "during © before after from born built est established renovated between through of through "
    "copyright year pre post"
)
# A day: "on 5/6".
DATE_CUES = word_set(
    "on by for until till due from before after since starting start starts begins beginning ends ending "
    "end through thru to and between date dated expires effective available tomorrow today of or week "
    "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday "
    "sunday moved move-in move-out about does open"
)
# A number before these is no year.
COUNTED_THINGS = word_set(
    "people units residents homes apartments houses tenants points steps students members employees "
    "copies votes men women children soldiers troops dollars miles feet square pounds tons acres items "
    "words pages seats times hours minutes days years guests cars spaces meters kilometers megabits "
    "calories boxes rooms bottles tickets messages calls users customers volts watts"
)
# Words that may stand between a cue and its number: "account number is 4471".
LINKS = word_set(
    "number numbers no num is are was as ending in ends will be your the my left open available and or "
    "code id : - = # & *"
)
# In pairs: "Highway 183", "Delta 405", "error 404".
ROAD_CUES = word_set(
    "highway hwy route rte interstate fm loop sh boeing airbus delta united southwest jetblue "
    "lufthansa error http office box bus channel engine marker form rtx gtx port"
)
# Behind a measure that is said as one: "12 ft ceilings".
MEASURED_THINGS = word_set(
    "ceiling ceilings walk drive ride lease leases notice bulb bulbs outlet outlets person bag bags wait "
    "window term terms tv monitor pipe pipes fence ladder tank battery boxes box truck table bed "
    "mattress rug filter filters commitment contract delay drop trip commute hike grace response "
    "turnaround appointment call meeting interview tour break shift period cycle old circuit breaker "
    "cord cable board boards dog cat freezer fridge washer dryer unit limit increments intervals "
    "container bottle jug room rooms trailer tree trees wall walls gate pole poles deck rope chain hose "
    "hoses screen screens radius setback boat panel panels service fuse plug vehicle lot parcel property "
    "TV TVs pizza pizzas pan sub cake steak fish plan plans phone phones laptop file files engine engines "
    "pistol bullet bullets bit bits hole holes film lens lenses drive drives card cards connection "
    "speeds internet fiber race dash hurdles gap socket wrench router pump motor heater fitting fittings "
    "vinyl single singles hotspot ribeye filet sirloin burger patty"
)
# The number of a flat or a seat may stand behind these.
PLACES = word_set("in seat seats row gate door terminal table stall locker section model")
# A dash between two of these is a range: "Memorial Day–Labor Day".
HOLIDAYS = word_set(
    "Memorial Labor Independence Presidents Veterans Columbus Valentine Thanksgiving Christmas Easter "
    "Halloween Juneteenth Hanukkah Passover Ramadan Eve Year's Year’s New Mother's Father's Fourth "
    "Spring Fall Summer Winter"
)
# Before a quarter of a year, which has no "the" of its own then: "our Q3 results".
DETERMINERS = word_set(
    "the a an our your my his her its their this last next each every previous any no whose"
)
# Behind an amount that is said as one: "a $50 fee" is a fifty dollar fee …
PRICED_THINGS = word_set(
    "fee fees deposit deposits copay copays co-pay charge charges surcharge deductible retainer voucher "
    "coupon rebate minimum tip membership fine fines penalty penalties gift"
)
# … also with one of these between them: "a $50 late fee".
PRICED_KINDS = word_set(
    "late pet application app security admin administration administrative cleaning cancellation "
    "monthly annual yearly weekly daily flat processing service delivery reconnection reconnect activation "
    "enrollment registration cash credit refundable nonrefundable non-refundable no-show sign-up move-in "
    "towing parking overnight annual holding booking diagnostic consultation exam key transfer overdraft"
)
