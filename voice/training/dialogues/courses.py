"""Everything that is not a repair: questions, call backs, emergencies, viewings, complaints."""

from __future__ import annotations

from voice.training.dialogues import slots
from voice.training.dialogues.grammar import phrases, wordings
from voice.training.dialogues.repairs import ASKS_TIME, ASKS_UNIT, LEAVE, detour
from voice.training.dialogues.talk import Must, Talk, from_file, must_copy, must_of, reply_words, topic

CALLS_BACK: Must = (("call",),)
AT_START = (
    "hello",
    "hearing",
    "smalltalk",
    "robot",
    "help",
    "hold",
    "angry",
)  # answered with "How can I help?"


def question(talk: Talk, names: tuple[str, ...] = ()) -> None:
    """A question that one reply answers, or for which the office calls back."""
    name = talk.rng.choice(
        names
        or (
            *phrases("questions"),
            "hours",
            "hours",
            "rent_due",
            "person",
            "offtopic",
            "hearing",
            "noise_words",
        )
    )
    asked = topic("questions", name)
    opening = (
        from_file("openings", "hello")
        if len(talk.lines) < 2 and name not in AT_START and talk.chance(0.5)
        else ("",)
    )
    talk.says(opening, wordings(asked["says"]), noise=slots.noise(talk.rng), name=slots.name(talk.rng))
    must = must_of(asked["must"])
    if asked.get("callback"):
        talk.replies(name, wordings(asked["replies"]), must=must)
        _contact(talk)
    elif name in ("hold", "noise_words"):
        talk.replies(name, wordings(asked["replies"]), must=must)
    elif name in AT_START:
        talk.replies(name, wordings(asked["replies"]), "How can I help( you|)?", must=must)
    else:
        talk.replies(
            name, wordings(asked["replies"]), reply_words("more") if talk.chance(0.7) else "", must=must
        )


def _contact(talk: Talk) -> None:
    """The caller leaves name and number, or does not want to."""
    talk.give_text("name", slots.name(talk.rng))
    number = slots.phone(talk.rng)
    chance = talk.rng.random()
    if chance < 0.18:
        talk.says(from_file("special", "decline"))
        talk.replies("declined", from_file("special", "decline_reply"), must=(("else",),))
        return
    if chance < 0.55:
        talk.says(from_file("special", "name_only"))
        talk.replies(
            "ask_number", from_file("special", "ask_number"), must=(("number",), *must_copy(talk, "name"))
        )
        talk.says(from_file("special", "phone_only"), phone=number)
    else:
        talk.says(from_file("special", "contact"), phone=number)
    talk.replies(
        "contact_done", from_file("special", "contact_done"), must=(*CALLS_BACK, *must_copy(talk, "name"))
    )


def emergency(talk: Talk) -> None:
    """Gas, fire, smoke, crime: nine one one, now."""
    room = talk.rng.choice(slots.ROOMS)
    opening = from_file("openings", "hello") if talk.chance(0.5) else ("",)
    if talk.chance(0.15):
        talk.says(opening, from_file("special", "crime"), name=slots.name(talk.rng))
        talk.replies("crime", from_file("special", "crime_reply"), must=(("nine one one",),))
        return
    talk.says(
        opening,
        from_file("special", "gas_fire"),
        from_file("openings", "tail"),
        room=room,
        name=slots.name(talk.rng),
    )
    talk.replies("gas_fire", from_file("special", "gas_fire_reply"), must=LEAVE)
    for _ in range(talk.rng.choice((0, 1, 1, 2))):
        talk.says(from_file("special", "outside"))
        talk.replies("outside", from_file("special", "outside_reply"), must=LEAVE)


def flood(talk: Talk) -> None:
    """Water everywhere: taken at once, the unit and a number to call."""
    room = talk.rng.choice(slots.ROOMS)
    talk.says(
        from_file("openings", "hello"),
        from_file("special", "flood"),
        from_file("openings", "tail"),
        room=room,
        name=slots.name(talk.rng),
    )
    talk.replies("flood", from_file("special", "flood_reply"), must=(("urgent",), *ASKS_UNIT))
    _unit_and_number(talk)


def lockout(talk: Talk) -> None:
    """Locked out: the unit and a number to call."""
    talk.says(
        from_file("openings", "hello"),
        from_file("special", "lockout"),
        from_file("openings", "tail"),
        name=slots.name(talk.rng),
    )
    talk.replies("lockout", from_file("special", "lockout_reply"), must=ASKS_UNIT)
    _unit_and_number(talk)


def status(talk: Talk) -> None:
    """What has become of a repair: the office calls back."""
    talk.says(from_file("openings", "hello"), from_file("special", "status"), name=slots.name(talk.rng))
    talk.replies("status", from_file("special", "status_ask"), must=(("call",), *ASKS_UNIT))
    _unit_and_number(talk)


def _unit_and_number(talk: Talk) -> None:
    detour(talk, reply_words("ask_unit"), ASKS_UNIT)
    talk.give("unit", slots.unit(talk.rng))
    talk.says(from_file("answers", "unit"), unit=talk.known["unit_said"])
    talk.replies("ask_phone", from_file("special", "ask_phone"), must=(("number",), *must_copy(talk, "unit")))
    talk.says(from_file("special", "phone_only"), phone=slots.phone(talk.rng))
    talk.replies(
        "phone_done", from_file("special", "phone_done"), must=(*CALLS_BACK, *must_copy(talk, "unit"))
    )


def viewing(talk: Talk) -> None:
    """Somebody looks for a home: how many bedrooms, when to see it, whom to call."""
    talk.give_text("beds", talk.rng.choice(slots.BEDS))
    if talk.chance(0.35):
        talk.says(
            from_file("openings", "hello"), from_file("special", "viewing_beds"), name=slots.name(talk.rng)
        )
    else:
        talk.says(from_file("openings", "hello"), from_file("special", "viewing"), name=slots.name(talk.rng))
        talk.replies("ask_beds", from_file("special", "ask_beds"), must=(("bedroom",),))
        talk.says(from_file("special", "beds"))
    talk.replies(
        "ask_view_time", from_file("special", "ask_view_time"), must=(*ASKS_TIME, *must_copy(talk, "beds"))
    )
    when = slots.time(talk.rng)
    talk.give("view_time", when)
    talk.says(from_file("answers", "time"), time=talk.known["view_time_said"])
    talk.replies(
        "view_done",
        from_file("special", "view_done"),
        must=must_copy(talk, "beds", "view_time"),
        time=talk.known["view_time"],
    )
    _contact(talk)


def noise(talk: Talk) -> None:
    """A noise complaint: which unit it comes from."""
    talk.says(
        from_file("openings", "hello"),
        from_file("special", "noise"),
        from_file("openings", "tail"),
        name=slots.name(talk.rng),
    )
    talk.replies("noise", from_file("special", "noise_ask"), must=(("noise", "annoying"), *ASKS_UNIT))
    if talk.chance(0.25):
        talk.says(from_file("special", "noise_unknown"))
        talk.replies("noise_unknown", from_file("special", "noise_unknown_reply"), must=ASKS_UNIT)
        talk.give("unit", slots.unit(talk.rng))
        talk.says(from_file("answers", "unit"), unit=talk.known["unit_said"])
        talk.replies("noise_done", from_file("special", "noise_own_done"), must=must_copy(talk, "unit"))
        return
    loud = Talk(talk.rng, talk.split, talk.where)
    loud.is_plain = talk.is_plain
    loud.give("unit", slots.unit(talk.rng))
    talk.says(from_file("answers", "unit"), unit=loud.known["unit_said"])
    talk.replies(
        "noise_done",
        from_file("special", "noise_done"),
        must=must_copy(loud, "unit"),
        unit=loud.known["unit"],
    )


def spot(talk: Talk) -> None:
    """Somebody stands in the caller's parking spot."""
    talk.give_text(
        "spot",
        talk.rng.choice(
            (
                str(talk.rng.randint(1, 250)),
                slots.number_words(talk.rng, talk.rng.randint(1, 120)),
                f"{talk.rng.choice('ABCD')}{talk.rng.randint(1, 60)}",
            )
        ),
    )
    talk.says(
        from_file("openings", "hello"),
        from_file("special", "spot"),
        from_file("openings", "tail"),
        name=slots.name(talk.rng),
    )
    talk.replies("spot", from_file("special", "spot_ask"), must=(("spot",), ("?",)))
    talk.says(from_file("special", "spot_says"))
    talk.replies("spot_done", from_file("special", "spot_done"), must=must_copy(talk, "spot"))
