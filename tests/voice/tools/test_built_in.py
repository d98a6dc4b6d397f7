"""The built-in tools: what they write down, what they want done, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.voice.tools.uses import a_use, with_arguments
from voice.clock import now
from voice.errors import BadRequest, StoreError, ToolFailed
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.tools.all import Kit, tools_of
from voice.tools.base import ToolUse
from voice.tools.callback import CallbackTool
from voice.tools.end_call import EndCallTool
from voice.tools.ticket import TicketStatusTool, TicketTool, number_of
from voice.tools.transfer import TransferTool, is_same_number
from voice.types import Action, CallId, CallRecord, Door, Effect, Json, Note, TransferTarget

OFFICE = TransferTarget("office", "+14155550123", "Rent, keys and leases.", "I'm putting you through.")
NIGHT = TransferTarget("night desk", "sip:night@example.com", "Repairs at night.")


# Tickets


def a_store(*notes: Note) -> MemoryStore:
    store = MemoryStore()
    store.keep_call(CallRecord(CallId("c1"), Door.CHAT, "jamie"))
    for note in notes:
        store.keep_note(note)
    return store


def a_ticket(number: str, issue: str, **changes: Json) -> Note:
    return Note(CallId("c1"), "ticket", {"number": number, "status": "open", "issue": issue, **changes})


async def test_a_ticket_is_kept_and_its_number_told() -> None:
    notes: list[Note] = []
    use = a_use(notes, arguments={"issue": "The sink\n leaks", "unit": "4B", "when": "  "})

    told = await TicketTool().use(use)

    number = number_of(use)
    assert told == f"Ticket {number} is open: The sink leaks."
    assert [(note.kind, note.payload) for note in notes] == [
        (
            "ticket",
            {"number": number, "status": "open", "issue": "The sink leaks", "unit": "4B", "when": None},
        )
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "issue is missing: say in a few words what is wrong."),
        ({"issue": " "}, "issue is missing"),
        ({"issue": 7}, "issue must be text"),
        ({"issue": "leak", "unit": "4" * 501}, "unit must be text of at most 500 characters."),
    ],
)
async def test_a_ticket_without_its_matter_is_refused(arguments: dict[str, Json], complaint: str) -> None:
    notes: list[Note] = []

    with pytest.raises(BadRequest, match=complaint):
        await TicketTool().use(a_use(notes, arguments=arguments))

    assert notes == []


@pytest.mark.parametrize("asked", ["12345", "1 2 3 4 5", "number 12345", "#12345."])
async def test_a_ticket_is_read_back_by_its_number_as_it_is_now(asked: str) -> None:
    store = a_store(
        a_ticket("12345", "The sink leaks", unit="4B"),
        a_ticket("67890", "No heat"),
        Note(CallId("c1"), "ticket", {"number": "12345", "status": "done"}),
    )

    told = await TicketStatusTool(store).use(with_arguments(number=asked))

    assert told == "Ticket 12345 is done. issue: The sink leaks, unit: 4B."


async def test_without_a_number_the_newest_ticket_is_read_back() -> None:
    store = a_store(a_ticket("12345", "The sink leaks"), a_ticket("67890", "No heat"))

    assert (await TicketStatusTool(store).use(a_use())).startswith("Ticket 67890 is open.")


async def test_a_ticket_of_another_call_is_not_read_back() -> None:
    store = a_store(a_ticket("67890", "No heat"))
    store.keep_note(Note(CallId("c2"), "ticket", {"number": "12345", "status": "open", "issue": "secret"}))

    with pytest.raises(BadRequest, match=r"This call has no ticket 12345. It has: 67890\."):
        await TicketStatusTool(store).use(with_arguments(number="12345"))
    with pytest.raises(BadRequest, match="No ticket was opened on this call"):
        await TicketStatusTool(store).use(a_use(call_id=CallId("c3")))


async def test_a_store_that_is_away_is_told_in_a_sentence() -> None:
    class Away(MemoryStore):
        async def find(self, call_id: CallId) -> StoredCall | None:
            raise StoreError("away")

    with pytest.raises(ToolFailed, match="cannot be read right now"):
        await TicketStatusTool(Away()).use(a_use(until=now() + 1))


# A call back


@pytest.mark.parametrize(
    ("given", "caller", "number"),
    [
        (None, "+14155550100", "+14155550100"),
        ("+1 (415) 555-0111", "+14155550100", "+14155550111"),
        ("415 555 0111", None, "4155550111"),
    ],
)
async def test_a_call_back_goes_to_the_number_given_or_the_callers_own(
    given: str | None, caller: str | None, number: str
) -> None:
    notes: list[Note] = []
    use = a_use(notes, arguments={"when": "tomorrow at nine", "number": given}, caller=caller)

    told = await CallbackTool().use(use)

    assert told == f"A call back to {number} is noted: tomorrow at nine."
    assert [(note.kind, note.payload["number"], note.payload["when"]) for note in notes] == [
        ("callback", number, "tomorrow at nine")
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "when is missing"),
        ({"when": "at nine"}, "number is missing: the caller's number is not known"),
        ({"when": "at nine", "number": "555"}, "'555' cannot be dialled"),
        ({"when": "at nine", "number": "my cell"}, "'my cell' cannot be dialled"),
    ],
)
async def test_a_call_back_that_nobody_could_make_is_refused(
    arguments: dict[str, Json], complaint: str
) -> None:
    notes: list[Note] = []

    with pytest.raises(BadRequest, match=complaint):
        await CallbackTool().use(a_use(notes, arguments=arguments))

    assert notes == []


# Transfers


async def test_a_transfer_goes_to_the_target_that_is_named() -> None:
    tool = TransferTool([OFFICE, NIGHT])

    assert await tool.use(with_arguments(target="Office")) == Effect(
        Action.TRANSFER, to="+14155550123", say="I'm putting you through."
    )
    assert await tool.use(with_arguments(target="night desk")) == Effect(
        Action.TRANSFER, to="sip:night@example.com"
    )


def test_the_model_is_told_the_targets_and_no_number() -> None:
    told = str(TransferTool([OFFICE, NIGHT]).spec)

    assert "office: Rent, keys and leases.; night desk: Repairs at night." in told
    assert "415" not in told
    assert "sip:" not in told


@pytest.mark.parametrize("target", ["+14155550199", "911", "boss"])
async def test_whom_the_file_does_not_name_the_model_cannot_reach(target: str) -> None:
    with pytest.raises(BadRequest, match=r"There are: office, night desk\."):
        await TransferTool([OFFICE, NIGHT]).use(with_arguments(target=target))


@pytest.mark.parametrize("line", ["+14155550123", "+1 (415) 555-0123", "sip:+14155550123@carrier.example"])
async def test_a_line_is_not_transferred_to_itself(line: str) -> None:
    with pytest.raises(BadRequest, match="the number of this very line"):
        await TransferTool([OFFICE]).use(a_use(arguments={"target": "office"}, line=line))


def test_two_addresses_of_one_host_are_two() -> None:
    assert not is_same_number("sip:a@example.com", "sip:b@example.com")
    assert is_same_number("sip:A@example.com", "sip:a@Example.com")
    assert not is_same_number("sip:a@example.com", "sip:a@other.example")


# Hanging up


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Okay, bye!", ""),
        ("The plumber has been here. Thanks, goodbye.", ""),
        ("That's all, thank you.", "The plumber comes on Friday."),
        ("No, thanks.", "It is written down. Is there anything else I can help you with?"),
        ("Nope, that's it, thank you so much.", "Anything else?"),
        ("No. I’m good.", "Can I help you with anything else today?"),
        ("Thank you very much.", "Is there anything else?"),
        ("Yes, that's all.", "Was that everything?"),
        ("Sure, go ahead.", "Shall I end the call then?"),
        ("Okay, thanks.", "Thanks for calling. Goodbye."),
        ("See ya.", ""),
        ("Okay, cheers.", "I have written that down."),
        ("Gotta go, thanks.", ""),
        ("Thanks, I've got to run.", ""),
        ("Hang up.", ""),
        ("You can hang up now.", ""),
        ("Please end the call.", "Which unit are you in?"),
        ("Can you hang up, please?", ""),
        ("I don't need anything. Just hang up, I have no time for this.", ""),
    ],
)
async def test_a_call_ends_when_the_caller_takes_their_leave(said: str, asked: str) -> None:
    tool = EndCallTool("Goodbye from Maple Court.")

    assert await tool.use(a_use(said=said, asked=asked)) == Effect(
        Action.END_CALL, say="Goodbye from Maple Court."
    )


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("My sink leaks.", ""),
        ("Tell him I said bye.", ""),
        ("Bye, wait, my sink leaks.", ""),
        ("I want the heating to work, that's all.", ""),
        ("Thanks.", "I have written that down."),
        ("No.", "Is it the kitchen sink?"),
        ("No, wait, the heating is off, too.", "Is there anything else?"),
        ("Yes.", "Is there anything else I can do for you?"),
        ("No.", "Is that all?"),
        ("Yes, and the heating?", "Is that all?"),
        ("thank you " * 40, "Is there anything else?"),
        ("I have to go to the bathroom.", ""),
        ("Cheers, and the heating?", ""),
        ("Please don't hang up!", ""),
        ("Don't, please, hang up.", ""),
        ("Hang up. Wait, my sink!", ""),
        ("Did you just hang up on me?", ""),
        ("How do I end the call?", ""),
        ("If you hang up, I call the police.", ""),
        ("", "Is there anything else?"),
        ("thank you " * 9 + "but", "Is there anything else?"),
    ],
)
async def test_a_call_does_not_end_while_the_caller_wants_something(said: str, asked: str) -> None:
    with pytest.raises(BadRequest, match="do not hang up"):
        await EndCallTool("Goodbye.").use(a_use(said=said, asked=asked))


async def test_the_models_own_last_words_come_first_and_an_agent_may_hang_up_as_it_likes() -> None:
    free = EndCallTool("Goodbye.", waits_for_goodbye=False)

    effect = await free.use(a_use(said="Hm.", arguments={"last_words": "Take\ncare."}))

    assert effect == Effect(Action.END_CALL, say="Take care.")


async def test_where_nobody_told_the_callers_words_the_platforms_model_decides() -> None:
    assert isinstance(await EndCallTool("Goodbye.").use(a_use(said=None)), Effect)


# The list


async def test_an_agent_has_the_tools_that_it_lists_and_no_others() -> None:
    tools = tools_of(["transfer", "ticket"], Kit(MemoryStore(), targets=[OFFICE]))

    assert list(tools) == ["transfer", "ticket"]
    assert [tool.spec.name for tool in tools.values()] == ["transfer", "ticket"]
    assert [tool.action for tool in tools.values()] == [Action.TRANSFER, None]


def test_two_uses_have_two_numbers_and_one_use_has_one() -> None:
    one: ToolUse = a_use()

    assert number_of(one) == number_of(replace(one, arguments={"issue": "x"}))
    assert number_of(one) != number_of(replace(one, tool_call_id="1.0"))
