"""No argument leads a URL elsewhere, whatever a model writes."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.errors import BadRequest
from voice.tools.addresses import is_public
from voice.tools.schema import Arguments
from voice.tools.url import filled, with_query

TEMPLATE = "https://api.example.com/units/{unit}/visits/{day}?kind={kind}&fixed=1"
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(unit=ANY_TEXT, day=ANY_TEXT, kind=ANY_TEXT)
def test_every_value_stays_in_its_place(unit: str, day: str, kind: str) -> None:
    try:
        url = filled(TEMPLATE, {"unit": unit, "day": day, "kind": kind})
    except BadRequest:
        assert {unit, day} & {"", ".", ".."}
        return

    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.example.com", "")
    assert [unquote(one) for one in parts.path.split("/")] == ["", "units", unit, "visits", day]
    assert parse_qsl(parts.query, keep_blank_values=True) == [("kind", kind), ("fixed", "1")]


@given(st.dictionaries(ANY_TEXT, ANY_TEXT | st.integers() | st.booleans(), max_size=5))
def test_a_query_says_what_was_meant(arguments: dict[str, str | int | bool]) -> None:
    url = with_query("https://api.example.com/a", arguments)

    told = {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}
    assert dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=bool(told))) == told


def test_a_list_is_said_one_by_one_and_nothing_is_left_out_but_null() -> None:
    url = with_query("https://h/a?b=1", {"day": ["mon", "tue"], "note": None})

    assert url == "https://h/a?b=1&day=mon&day=tue"


def test_half_an_emoji_is_no_trouble() -> None:
    assert filled("https://h/{unit}", {"unit": "4b\ud83d"}) == "https://h/4b%3F"


@pytest.mark.parametrize("value", [{"a": 1}, ["x"], None])
def test_what_is_no_plain_value_is_refused(value: object) -> None:
    with pytest.raises(BadRequest, match="unit must be text or a number"):
        filled("https://h/{unit}", {"unit": value})  # type: ignore[dict-item]  # what a model may write


@given(JSON)
def test_arguments_are_taken_or_told_about_whatever_they_are(value: object) -> None:
    schema = {
        "type": "object",
        "properties": {"unit": {"type": "string", "maxLength": 5}},
        "required": ["unit"],
    }
    fits = isinstance(value, str) and len(value) <= 5

    if fits:
        Arguments(schema).check({"unit": value})  # type: ignore[dict-item]  # any JSON
        return
    with pytest.raises(BadRequest) as caught:
        Arguments(schema).check({"unit": value})  # type: ignore[dict-item]  # any JSON

    assert str(caught.value).startswith("unit: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.0.9", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("64:ff9b:1::5db8:d822", False),
        ("2002:7f00:1::", False),
        ("2002:5db8:d822::1", True),
        ("fec0::1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:7f00:1", False),
        ("::ffff:0:5db8:d822", False),
        ("5f00::1", False),
        ("4000::1", False),
        ("3fff::1", False),
        ("2001:db8::1", False),
        ("2001::1", False),
        ("ff02::1", False),
        ("no address", False),
    ],
)
def test_only_the_public_internet_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public
