"""The tables of an agent's tools: what is read, and what ends the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from voice.agents.load import read_agent
from voice.errors import AgentFileError
from voice.tools.all import TOOLS
from voice.types import HandoffTarget, TransferTarget

HEAD = """
name = "sam"
persona = "You are Sam."
greeting = "Hello."
fallbacks = ["Once more, please?"]
"""
OFFICE = HEAD + 'tools = ["transfer"]\n[transfer.office]\nfor = "Rent."\n'
BOOK = """
[[http_tools]]
name = "book"
description = "Books a visit."
method = "POST"
url = "https://api.example.com/units/{unit}"
"""
UNIT = """
[http_tools.parameters]
type = "object"
required = ["unit"]
[http_tools.parameters.properties.unit]
type = "string"
"""
WEB = HEAD + 'tools = ["book", "ticket"]\nhttp_hosts = ["api.example.com"]\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "sam.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_whom_an_agent_may_transfer_to(tmp_path: Path) -> None:
    text = OFFICE + (
        'number = "+14155550123"\nsay = "One moment."\n'
        '[transfer."night desk"]\nsip = "sip:night@example.com"\nfor = "Repairs at night."\n'
        '[transfer.emergency]\nshort_code = "911"\nfor = "Fire or gas."\n'
    )

    agent = read_agent(written(tmp_path, text), TOOLS)

    assert agent.transfer == (
        TransferTarget("office", "+14155550123", "Rent.", "One moment."),
        TransferTarget("night desk", "sip:night@example.com", "Repairs at night."),
        # Nobody at 911 is kept from the caller by a sentence of ours, or by a key.
        TransferTarget("emergency", "911", "Fire or gas.", whispers=False, accept_key=""),
    )


def test_a_request_that_an_agent_may_have_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TOKEN", "s3cret")
    headers = 'headers = {Authorization = "Bearer ${CRM_TOKEN}", X-House = "maple"}\ntimeout_ms = 2500\n'

    agent = read_agent(written(tmp_path, WEB + BOOK + headers + UNIT), TOOLS)

    tool = agent.http_tools[0]
    assert agent.tools == ("book", "ticket")
    assert (tool.method, tool.url, tool.timeout_s) == ("POST", "https://api.example.com/units/{unit}", 2.5)
    assert tool.headers == {"Authorization": "Bearer s3cret", "X-House": "maple"}
    assert tool.spec.parameters["required"] == ["unit"]
    assert not tool.is_private
    assert "s3cret" not in repr(agent)


@pytest.mark.parametrize("listed", ["10.0.0.5", "10.0.0.5:8080", "[fd00::1]:8080", "fd00::1"])
def test_a_private_host_is_asked_when_the_file_lists_it(tmp_path: Path, listed: str) -> None:
    host = "[fd00::1]" if "fd00" in listed else "10.0.0.5"
    book = BOOK.replace("https://api.example.com", f"http://{host}:8080")
    head = HEAD + f'tools = ["book"]\nhttp_private_hosts = ["{listed}"]\n'

    assert read_agent(written(tmp_path, head + book + UNIT), TOOLS).http_tools[0].is_private


WRONG = [
    (HEAD + 'tools = ["transfer"]', "tools[0]: 'transfer' has nobody to transfer to; write [transfer.NAME]"),
    (HEAD + "transfer = 3", "transfer: 3 is not a table; write [transfer.NAME]"),
    (HEAD + "[transfer]\noffice = 3", "transfer.office: 3 is not a table"),
    (OFFICE, "transfer.office: needs one address; write one of number"),
    (OFFICE + 'number = "+14155550123"\nsip = "sip:a@b"', "transfer.office: needs one address"),
    (OFFICE + 'number = "415 555 0123"', "transfer.office.number: '415 555 0123' cannot be dialled; write +"),
    (OFFICE + 'number = "911"', 'a short code stands as short_code = "911"'),
    (OFFICE + 'short_code = "+911"', "transfer.office.short_code: '+911' is no short code"),
    (OFFICE + 'sip = "desk@example.com"', "transfer.office.sip: 'desk@example.com' is no SIP address"),
    (OFFICE + "number = 4155550123", "transfer.office.number: 4155550123 is not text"),
    (OFFICE + 'number = "+14155550123"\nwords = "x"', "transfer.office.words: no such key"),
    (
        OFFICE.replace('for = "Rent."', 'number = "+14155550123"'),
        "transfer.office.for: is missing; write for",
    ),
    (HEAD + '[transfer."a/b"]\nnumber = "+14155550123"\nfor = "x"', "transfer.a/b: is no name of its own"),
    (HEAD + 'waits_for_goodbye = "yes"', "waits_for_goodbye: 'yes' is neither; write true or false"),
    (HEAD + "http_tools = 3", "http_tools: is not a list of tables; write [[http_tools]]"),
    (HEAD + 'tools = ["book"]', "tools[0]: 'book' is no tool"),
    (HEAD + BOOK + UNIT, "http_tools[0].url: 'api.example.com' is not among http_hosts; write http_hosts"),
    (WEB + BOOK, "http_tools[0].url: {unit} is no required parameter"),
    (WEB + BOOK.replace("https:", "http:") + UNIT, "http_tools[0].url: would send everything in the clear"),
    (WEB + BOOK.replace("https:", "ftp:") + UNIT, "is no URL"),
    (WEB + BOOK.replace("api.example.com/", "{unit}.example.com/") + UNIT, "is no host"),
    (WEB + BOOK.replace("https://", "https://me:pw@") + UNIT, "is no host"),
    (WEB + BOOK.replace("{unit}", "{unit}}") + UNIT, "has a brace too many"),
    (WEB + BOOK.replace("{unit}", "{unit}#a") + UNIT, "is no URL"),
    (WEB + BOOK.replace("example.com", "example.com:99999") + UNIT, "is no URL"),
    (WEB + BOOK.replace('"POST"', '"post"') + UNIT, "http_tools[0].method: 'post' is no method"),
    (WEB + BOOK.replace('"book"', '"book it"') + UNIT, "http_tools[0].name: 'book it' is no tool's name"),
    (
        WEB + BOOK.replace('"book"', '"ticket"') + UNIT,
        "http_tools[0].name: 'ticket' is the name of another tool",
    ),
    (WEB + BOOK + UNIT + BOOK + UNIT, "http_tools[1].name: 'book' is the name of another tool"),
    (WEB + BOOK + "timeout_ms = 50\n" + UNIT, "http_tools[0].timeout_ms: 50 does not fit"),
    (WEB + BOOK + 'adress = "x"\n' + UNIT, "http_tools[0].adress: no such key"),
    (WEB + BOOK + 'headers = "x"\n' + UNIT, "http_tools[0].headers: 'x' is not a table"),
    (WEB + BOOK + 'headers = {Host = "x"}\n' + UNIT, "http_tools[0].headers.Host: is no header"),
    (WEB + BOOK + 'headers = {X = "a\\nb"}\n' + UNIT, "http_tools[0].headers.X: is not plain text"),
    (
        WEB + BOOK + 'headers = {X = "${NOT_SET_HERE}"}\n' + UNIT,
        "http_tools[0].headers.X: ${NOT_SET_HERE} is not set; write NOT_SET_HERE=",
    ),
    (WEB + BOOK + "parameters = 3", "http_tools[0].parameters: is no schema of an object"),
    (
        WEB + BOOK + UNIT.replace('"string"', '"text"'),
        "http_tools[0].parameters.properties.unit.type: 'text' is not valid",
    ),
    (
        WEB + BOOK + UNIT + '"$ref" = "https://example.com/schema"',
        "http_tools[0].parameters.properties.unit.$ref: 'https://example.com/schema' leads nowhere",
    ),
    (WEB + BOOK + UNIT + "default = 2026-01-01", "http_tools[0].parameters: holds a date"),
]


@pytest.mark.parametrize(("text", "complaint"), WRONG)
def test_a_wrong_table_ends_the_start_with_its_file_its_key_and_what_to_write(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = written(tmp_path, text)

    with pytest.raises(AgentFileError) as caught:
        read_agent(path, TOOLS)

    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)
    assert "; write " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_who_may_go_on_with_a_call(tmp_path: Path) -> None:
    text = HEAD + (
        'tools = ["handoff"]\n'
        '[handoff.billing]\nagent = "kim"\nfor = "Bills."\nsay = "Kim knows."\n'
        '[handoff.sales]\nassistant = "Sales"\nfor = "New tenants."\n'
        '[handoff.night]\nassistant_id = "03e11cfe"\nfor = "Nights."\n'
    )

    agent = read_agent(written(tmp_path, text), TOOLS)

    assert agent.handoff == (
        HandoffTarget("billing", "agent", "kim", "Bills.", "Kim knows."),
        HandoffTarget("sales", "assistant", "Sales", "New tenants."),
        HandoffTarget("night", "assistant_id", "03e11cfe", "Nights."),
    )


ONE = '[handoff.x]\nfor = "y"\n'
WRONG_HANDOFFS = [
    ('tools = ["handoff"]', "tools[0]: 'handoff' has nobody to hand a call to"),
    ("handoff = 3", "handoff: 3 is not a table"),
    ("[handoff]\nx = 3", "handoff.x: 3 is not a table"),
    (ONE, "handoff.x: needs one who goes on; write one of agent"),
    (ONE + 'agent = "a"\nassistant = "b"', "handoff.x: needs one who goes on"),
    ('[handoff.x]\nagent = "a"', "handoff.x.for: is missing"),
    (ONE + "agent = 3", "handoff.x.agent: 3 is not text"),
    (ONE + 'agnet = "a"', "handoff.x.agnet: no such key"),
    ('[handoff."!"]\nagent = "a"\nfor = "y"', "handoff.!: is no name of its own"),
]


@pytest.mark.parametrize(("text", "complaint"), WRONG_HANDOFFS)
def test_a_wrong_handoff_ends_the_start_with_its_key(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(AgentFileError) as caught:
        read_agent(written(tmp_path, HEAD + text), TOOLS)

    assert complaint in str(caught.value)
