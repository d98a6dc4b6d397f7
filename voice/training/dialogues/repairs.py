"""Repairs: what is broken, the unit, when somebody may come in, and both confirmed.

Callers answer late, twice, wrongly or with another question; each detour ends with the
question that was open.
"""

from __future__ import annotations

from collections.abc import Mapping

from voice.training.dialogues import slots
from voice.training.dialogues.grammar import phrases, wordings
from voice.training.dialogues.talk import Must, Talk, from_file, must_copy, must_of, reply_words, topic

ASKS_UNIT: Must = (("unit", "apartment"), ("?",))
ASKS_TIME: Must = (("when", "time", "day"), ("?",))
LEAVE: Must = (("leave", "outside"), ("nine one one",))
DETOUR_SHARE = 0.16
PASSING = (
    "hours",
    "rent_due",
    "pay_rent",
    "robot",
    "smalltalk",
    "offtopic",
    "hearing",
    "hold",
    "noise_words",
)
"""Questions answered in passing, in the middle of something else."""


def repair(talk: Talk) -> None:
    """A repair from its report to the last confirmation."""
    _report(talk)
    if talk.chance(0.03):
        _give_up(talk)
        return
    if "unit" not in talk.known:
        take_unit(talk)
    if "time" not in talk.known:
        _take_time(talk)
    _confirm(talk)


def _give_up(talk: Talk) -> None:
    talk.says(from_file("special", "decline") if talk.chance(0.5) else from_file("answers", "bye"))
    talk.replies("bye", reply_words("bye"), must=(("goodbye",),))
    talk.known["over"] = "yes"


def _report(talk: Talk) -> None:
    name = talk.rng.choice(
        (*phrases("problems"), "other", "other", "other", "ac", "ac", "leak", "hot_water", "heat", "drain")
    )
    problem = topic("problems", name)
    talk.known["label"] = str(problem["label"])
    opening = from_file("openings", "hello") if len(talk.lines) < 3 else ("",)
    if talk.chance(0.06):
        talk.says(opening, from_file("openings", "vague"), name=slots.name(talk.rng))
        talk.replies(
            "what_broke", from_file("openings", "vague_reply"), must=(("broken", "repair", "problem"),)
        )
        opening = ("",)
    had_unit = "unit" in talk.known
    _describe(talk, problem, opening)
    advice = str(problem.get("advice", "")) if talk.chance(0.7) else ""
    sorry = (reply_words("sorry"), advice)
    if "unit" not in talk.known:
        talk.replies("ask_unit", *sorry, reply_words("ask_unit"), must=ASKS_UNIT)
    elif had_unit and "time" not in talk.known:
        talk.replies("ask_time", *sorry, reply_words("ask_time"), must=ASKS_TIME)
    elif "time" not in talk.known:
        talk.replies(
            "ask_time",
            *sorry,
            reply_words("got_unit"),
            reply_words("ask_time"),
            must=(*ASKS_TIME, *must_copy(talk, "unit")),
        )


def _describe(talk: Talk, problem: Mapping[str, object], opening: tuple[str, ...]) -> None:
    """One utterance with the problem, and sometimes already the unit or the time."""
    general = from_file("openings", str(problem.get("opens", "general")))
    sentence = wordings(problem["says"]) if talk.chance(0.66) else general
    told = {
        "room": talk.rng.choice(slots.ROOMS),
        "thing": talk.rng.choice(wordings(problem["things"])),
        "name": slots.name(talk.rng),
    }
    after = [from_file("openings", "tail")]
    if "unit" not in talk.known and talk.chance(0.16):
        talk.give("unit", slots.unit(talk.rng))
        told["unit"] = talk.known["unit_said"]
        after.insert(0, from_file("openings", "with_unit"))
    elif "unit" not in talk.known and talk.chance(0.08):
        talk.give("time", slots.time(talk.rng))
        told["time"] = talk.known["time_said"]
        after = [from_file("openings", "with_time")]
    story = from_file("openings", "story") if talk.chance(0.22) else ()
    talk.says(opening, sentence, story, *after, **told)


def take_unit(talk: Talk) -> None:
    """The caller gives the unit, sooner or later; the agent then asks for the time."""
    detour(talk, reply_words("ask_unit"), ASKS_UNIT)
    if talk.chance(0.05):
        talk.says(from_file("answers", "unit_unknown"))
        talk.replies(
            "unit_unknown",
            "I need the unit so that we can find the right door.",
            reply_words("ask_unit"),
            must=ASKS_UNIT,
        )
    elif "time" not in talk.known and talk.chance(0.05):
        talk.give("time", slots.time(talk.rng))
        talk.says(from_file("answers", "time_first"), time=talk.known["time_said"])
        talk.replies(
            "ask_unit",
            reply_words("got_time"),
            reply_words("ask_unit"),
            must=(*ASKS_UNIT, *must_copy(talk, "time")),
        )
    said_unit(talk)
    if "time" not in talk.known:
        talk.replies(
            "ask_time",
            reply_words("got_unit"),
            reply_words("ask_time"),
            must=(*ASKS_TIME, *must_copy(talk, "unit")),
        )


def said_unit(talk: Talk) -> None:
    """One utterance with the unit in it: alone, corrected, or with the time."""
    old = slots.unit(talk.rng)
    talk.give("unit", slots.unit(talk.rng))
    chance = talk.rng.random()
    said = {"unit": talk.known["unit_said"], "old": old.said}
    if chance < 0.07:
        talk.says(from_file("answers", "unit_twice"), **said)
    elif chance < 0.17 and "time" not in talk.known:
        talk.give("time", slots.time(talk.rng))
        talk.says(from_file("answers", "unit_and_time"), time=talk.known["time_said"], **said)
    else:
        talk.says(from_file("answers", "unit"), **said)


def _take_time(talk: Talk) -> None:
    detour(talk, reply_words("ask_time"), ASKS_TIME)
    if talk.chance(0.1):
        talk.says(from_file("answers", "time_unknown"))
        talk.replies("time_unknown", reply_words("no_time_known"), must=(("promise",), ("?",)))
    old = slots.time(talk.rng)
    talk.give("time", slots.time(talk.rng))
    said = {"time": talk.known["time_said"], "old": old.said}
    talk.says(from_file("answers", "time_twice" if talk.chance(0.08) else "time"), **said)


def _confirm(talk: Talk) -> None:
    talk.replies("confirm", reply_words("confirm"), must=must_copy(talk, "unit", "time"))
    for _ in range(2):
        chance = talk.rng.random()
        if chance < 0.2:
            _correct(talk)
        elif chance < 0.3:
            detour(talk, reply_words("still"), must_copy(talk, "unit", "time"), share=1.0)
    chance = talk.rng.random()
    if chance < 0.1:
        talk.says(from_file("answers", "bye"))
        talk.replies(
            "bye",
            "I have noted {unit}, {time}. Thanks for calling {office}. Goodbye.",
            must=(("goodbye",), *must_copy(talk, "unit", "time")),
        )
        talk.known["over"] = "yes"
        return
    talk.says(from_file("answers", "yes") if chance < 0.92 else from_file("answers", "thanks"))
    talk.replies(
        "noted", reply_words("noted"), must=(("noted", "put", "down"), *must_copy(talk, "unit", "time"))
    )


def _correct(talk: Talk) -> None:
    what = talk.rng.choice(("unit", "time"))
    if talk.chance(0.2):
        talk.says(from_file("answers", "no_bare"))
        talk.replies("which_wrong", reply_words("which_wrong"), must=(("unit",), ("time",)))
    old = talk.known[f"{what}_said"]
    talk.give(what, slots.unit(talk.rng) if what == "unit" else slots.time(talk.rng))
    talk.says(from_file("answers", f"no_{what}"), old=old, **{what: talk.known[f"{what}_said"]})
    talk.replies("confirm", reply_words("again"), must=must_copy(talk, "unit", "time"))


def detour(talk: Talk, question: tuple[str, ...], must: Must, share: float = DETOUR_SHARE) -> None:
    """In this share of cases the caller says something else first; the reply leads back to the question."""
    while talk.chance(share):
        share = 0.2
        if talk.chance(0.2):
            talk.says(from_file("special", "again"))
            talk.replies("again", "(Of course. |Sure. |)", question, must=must)
            continue
        if talk.chance(0.05):
            talk.says(from_file("special", "gas_fire"), room=talk.rng.choice(slots.ROOMS))
            talk.replies("gas_fire", from_file("special", "gas_fire_reply"), must=LEAVE)
            continue
        name = talk.rng.choice((*PASSING, *phrases("questions"), "hours", "hours"))
        asked = topic("questions", name)
        talk.says(wordings(asked["says"]), noise=slots.noise(talk.rng), name=slots.name(talk.rng))
        if asked.get("callback"):
            talk.replies(
                "later", "The office can call you back about that.", question, must=(("call",), *must)
            )
        elif name == "hold":
            talk.replies(name, wordings(asked["replies"]), must=must_of(asked["must"]))
        elif name == "noise_words":
            talk.replies(name, "I'm sorry, I didn't catch that.", question, must=(("sorry",), *must))
        else:
            talk.replies(name, wordings(asked["replies"]), question, must=(*must_of(asked["must"]), *must))
