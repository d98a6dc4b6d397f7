"""`[[lines]]` of offhook.toml: what stops the start, in one line that says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.voice.cli.running import in_process
from voice.errors import SetupError
from voice.settings import LineSettings, load_settings

NUMBER, OTHER = "+14155550199", "+14155550188"


def lines_of(folder: Path, toml: str) -> tuple[LineSettings, ...]:
    (folder / "offhook.toml").write_text(toml)
    return load_settings(folder).lines


def tables(*rows: str) -> str:
    """One table for each row; what is in a row is set apart by semicolons."""
    return "\n".join("[[lines]]\n" + row.replace("; ", "\n") for row in rows)


def wrong(folder: Path, *rows: str) -> str:
    with pytest.raises(SetupError) as found:
        lines_of(folder, tables(*rows))
    return str(found.value)


@pytest.mark.parametrize(
    "row",
    [
        'agent = "jamie"',
        'agent = "sam"; assistant_id = "asst_1"',  # who writes the words of the assistant kept there
        'number = "0b9e2f6c-93a1-4c8b-8d7e-1f2a3b4c5d6e"; squad_id = "sq_1"',
        'number = "12345678-1234-1234-1234-123456789012"; squad_id = "sq_1"',
        'number = "+1 (415) 555-0199"; agent = "jamie"; overrides = {maxDurationSeconds = 900}',
        'squad = {members = [{assistantId = "asst_1"}]}; variables = {building = "Maple Court"}',
        'transfer = "sips:desk@example.com:5061"; say = ""',
        'caller = "anonymous"; refuse = "We take no hidden numbers."',
        'caller = "+44*"; agent = "jamie"',
        'caller = "*"; agent = "jamie"',
    ],
)
def test_a_table_that_can_do_what_it_says_is_taken(tmp_path: Path, row: str) -> None:
    assert len(lines_of(tmp_path, tables(row))) == 1


@pytest.mark.parametrize(
    ("row", "says", "write"),
    [
        (f'number = "{NUMBER}"', "nobody takes the call", 'agent = "jamie"'),
        ('overrides = {firstMessage = "Hi."}', "nobody takes the call", "agent"),
        ('variables = {a = "b"}', "nobody takes the call", "agent"),
        ("squad = {}", "nobody takes the call", "squad"),
        ('squad = {name = "all"}', "squad has no members", "members ="),
        ('squad = {members = ["ava", "sam"]}', "squad.members[0] = 'ava' is no member", "assistantId ="),
        ("squad = {members = [{}]}", "squad.members[0] names no assistant", "assistantId ="),
        ("squad = {members = [{assistantId = 7}]}", "squad.members[0].assistantId = 7", "must be text"),
        (
            "squad = {members = [{assistant = {firstMessage = 1}}]}",
            "squad.members[0].assistant.firstMessage = 1",
            "must be text",
        ),
        ('agent = "jamie"; overrides = {firstMessage = 1}', "overrides.firstMessage = 1", "must be text"),
        (
            'agent = "jamie"; overrides = {maxDurationSeconds = "900"}',
            "overrides.maxDurationSeconds = '900'",
            "must be a number",
        ),
        ('agent = "jamie"; overrides = {voice = "paige"}', "overrides.voice = 'paige'", "must be a table"),
        ('agent = "jamie"; overrides = {hooks = {}}', "overrides.hooks = {}", "must be a list"),
        ('assistant_id = "a"; squad_id = "s"', "assistant_id and squad_id exclude each other", "only one"),
        (f'transfer = "{OTHER}"; refuse = "No."', "transfer and refuse exclude each other", "only one"),
        ('agent = "jamie"; refuse = "No."', "agent has no part in it", "take one of them away"),
        (f'transfer = "{OTHER}"; variables = {{a = "b"}}', "variables has no part", "take one"),
        ('agent = "jamie"; say = "Hello."', "say goes with transfer alone", "firstMessage"),
        ('say = "Hello."', "say goes with transfer alone", "transfer ="),
        ('transfer = "911"', "'911' cannot be dialled", "sip:name@host"),
        ('transfer = "the office"', "'the office' cannot be dialled", "+14155550100"),
        ('transfer = "sip:nobody"', "cannot be dialled", "sip:name@host"),
        (f'number = "{NUMBER}"; transfer = "+1 (415) 555-0199"', "rings the number of this very table", ""),
        (f'caller = "{NUMBER}"; transfer = "{NUMBER}"', "rings the caller of this very table", "another"),
        ('number = "4155550199"; agent = "jamie"', "number = '4155550199' fits no call", "+14155550100"),
        ('caller = "0044 20 7946 0018"; agent = "jamie"', "fits no call", "+ and the country"),
        ('caller = "415*"; agent = "jamie"', "caller fits no call", "+1415*"),
        ('caller = "+1*415"; agent = "jamie"', "caller has a star", ""),
        ('number = "+1415*"; agent = "jamie"', "number has a star", "only caller"),
        ('refuse = ""', "refuse = '' is empty", "take it away"),
        ('asistant_id = "a"', "asistant_id is no key", "write assistant_id"),
        ('assistantId = "a"', "assistantId is no key", "write assistant_id"),
        ("zzz = 1", "zzz is no key", "there are: number, caller, agent"),
        ('number = 14155550199; agent = "jamie"', "number = 14155550199 must be text", "in quotes"),
        ('agent = "jamie"; variables = {floor = 3}', "variables.floor = 3 must be text", "in quotes"),
        ('agent = "jamie"; overrides = "none"', "overrides = 'none' must be a table", "in braces"),
    ],
)
def test_a_table_that_cannot_do_what_it_says_stops_the_start_in_one_line(
    tmp_path: Path, row: str, says: str, write: str
) -> None:
    told = wrong(tmp_path, row)

    assert told.startswith("[[lines]] table 1")
    assert says in told
    assert write in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ('agent = "jamie"', f'number = "{NUMBER}"; refuse = "No."'),
        ('caller = "*"; agent = "jamie"', 'caller = "+1415*"; refuse = "No."'),
        ('caller = "+1*"; agent = "jamie"', 'caller = "+1 415*"; refuse = "No."'),
        ('caller = "+1*"; agent = "jamie"', f'number = "pn_1"; caller = "{OTHER}"; refuse = "No."'),
        (f'number = "{NUMBER}"; agent = "jamie"', 'number = "+1 (415) 555-0199"; refuse = "No."'),
        (f'caller = "{OTHER}"; agent = "jamie"', f'number = "{NUMBER}"; caller = "{OTHER}"; refuse = "No."'),
    ],
)
def test_a_table_that_no_call_can_reach_stops_the_start(tmp_path: Path, earlier: str, later: str) -> None:
    told = wrong(tmp_path, earlier, later)

    assert told.startswith("[[lines]] table 2")
    assert "is never reached, because [[lines]] table 1" in told


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (f'number = "{NUMBER}"; agent = "jamie"', 'refuse = "No."'),
        (f'number = "{NUMBER}"; agent = "jamie"', f'number = "{OTHER}"; refuse = "No."'),
        ('caller = "+1415*"; agent = "jamie"', 'caller = "+1*"; refuse = "No."'),
        (f'caller = "{OTHER}"; agent = "jamie"', 'caller = "+1415*"; refuse = "No."'),
        (f'number = "{NUMBER}"; caller = "+1*"; agent = "jamie"', f'number = "{NUMBER}"; refuse = "No."'),
        (f'number = "{NUMBER}"; agent = "jamie"', 'caller = "+1*"; refuse = "No."'),
    ],
)
def test_a_table_that_some_call_reaches_is_taken(tmp_path: Path, earlier: str, later: str) -> None:
    assert len(lines_of(tmp_path, tables(earlier, later))) == 2


def test_every_wrong_table_has_a_line_of_its_own(tmp_path: Path) -> None:
    told = wrong(tmp_path, 'refuse = "No."', f'number = "{NUMBER}"', 'agnet = "jamie"').splitlines()

    assert [line.partition(":")[0] for line in told] == [
        f"[[lines]] table 2 (number {NUMBER})",
        "[[lines]] table 3",
    ]


@pytest.mark.parametrize("toml", ['[lines]\nagent = "jamie"', 'lines = "jamie"'])
def test_one_bracket_too_few_is_named(tmp_path: Path, toml: str) -> None:
    with pytest.raises(SetupError, match=r"write \[\[lines\]\], with two brackets"):
        lines_of(tmp_path, toml)


def test_a_number_to_transfer_to_is_dialled_as_networks_write_it(tmp_path: Path) -> None:
    [line] = lines_of(tmp_path, tables('transfer = "+1 (415) 555-0188"'))

    assert line.transfer == OTHER


def test_the_doctor_finds_a_line_whose_agent_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "offhook.toml").write_text(tables('agent = "sma"'))

    told = in_process("doctor", folder=tmp_path, OFFHOOK_STRATEGY="local_only")

    assert told.exit_code == 1
    assert "✗ agents: [[lines]] table 1: no agent is called 'sma'; write one of: " in told.stdout
