"""Our own secrets are found in texts by their value, however a URL spells them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from voice.telemetry.known import NO_SECRETS, KnownSecrets

ODD = "a key?with/odd#pärts & more"


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        quote(ODD, safe=""),
        quote(ODD, safe="").replace("%3F", "%3f").replace("%2F", "%2f").replace("%C3%A4", "%c3%a4"),
        quote(ODD, safe="!$&'()*+,;=:@"),
    ],
)
def test_a_secret_is_left_out_however_it_is_spelt(written: str) -> None:
    known = KnownSecrets(["another-one", ODD])

    assert known.are_in(f"x{written}y")
    assert known.without(f"x{written}y") == "x[secret]y"


def test_of_two_secrets_the_longer_is_left_out_whole() -> None:
    known = KnownSecrets(["swordfish", "swordfish-and-chips"])

    assert known.without("swordfish-and-chips, swordfish") == "[secret], [secret]"


def test_a_short_secret_is_known_only_by_itself() -> None:
    known = KnownSecrets(["abc", ""])

    assert known.without("abcdef") == "abcdef"
    assert known.is_short("abc")
    assert not known.is_short("abcdef")
    assert not known.is_short("")


def test_without_secrets_nothing_is_left_out() -> None:
    assert NO_SECRETS.without("swordfish") == "swordfish"
    assert not NO_SECRETS.are_in("swordfish")
