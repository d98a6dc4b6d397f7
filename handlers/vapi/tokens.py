"""Is a bearer token one that the issuer of Vapi's OAuth2 credential has signed, for us, and not long ago?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from handlers.vapi.keys import KeySet
from handlers.vapi.signed import Fault
from voice.settings import Settings

if TYPE_CHECKING:
    from jwt import PyJWK

log = logging.getLogger(__name__)

LEEWAY_S = 30.0  # between a token issuer's clock and ours
# None that signs with what it checks with: a public key must not do as a secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
TAKEN = f"The issuer must sign with one of {', '.join(ALGORITHMS)}."
CLOCK = "Set this machine's clock (NTP)."
KEYS = "Check OFFHOOK_VAPI_JWKS: the set must be that of Vapi's credential, and be reached from here."
NO_KEY = Fault("The token's key is not in the key set.", KEYS)
ODD = Fault("The token cannot be read.", "Let Vapi's OAuth2 credential bring a JWT with an expiry.")
# By PyJWT's class: what is wrong with a token, and what to set.
FAULTS = {
    name: Fault(reason, to_do)
    for name, reason, to_do in (
        ("ExpiredSignatureError", "The token has expired.", CLOCK),
        ("ImmatureSignatureError", "The token is not good yet.", CLOCK),
        ("InvalidIssuedAtError", "The token was issued in the future.", CLOCK),
        ("InvalidAudienceError", "The token is for somebody else.", "Is OFFHOOK_VAPI_AUDIENCE its aud?"),
        ("InvalidIssuerError", "Somebody else issued the token.", "Is OFFHOOK_VAPI_ISSUER its iss?"),
        ("InvalidSignatureError", "The token is signed with another key.", KEYS),
        ("InvalidAlgorithmError", "The token's algorithm is not taken.", TAKEN),
        ("MissingRequiredClaimError", "The token lacks exp, iss or aud.", "Let the issuer write them all."),
    )
}


class Tokens:
    """Checks tokens against the issuer's key set. Used as a context: the set is read in the background."""

    def __init__(self, place: str, settings: Settings) -> None:
        self._keys = KeySet(place)
        self._issuer, self._audience = settings.vapi_issuer, settings.vapi_audience

    async def __aenter__(self) -> Tokens:
        self._keys.read_soon()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._keys.close()

    async def fault(self, tokens: Sequence[str]) -> Fault | None:
        """What is wrong with the last of these tokens; None: one of them opens the door. Not for none."""
        faults = [await self._wrong(token) for token in tokens]
        return None if None in faults else faults[-1]

    async def _wrong(self, token: str) -> Fault | None:
        import jwt  # optional: 20 ms and 10 MB that only tokens need

        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = await self._keys.key(kid if isinstance(kid, str) else None)
            if key is None:
                return NO_KEY
            self._check(token, key)
        except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as exc:
            log.info("vapi.token_refused", extra={"error": type(exc).__name__})
            return FAULTS.get(type(exc).__name__, ODD)
        return None

    def _check(self, token: str, key: PyJWK) -> None:
        """Raises what is wrong, as PyJWT names it."""
        import jwt

        jwt.decode(
            token,
            key.key,
            algorithms=ALGORITHMS,
            audience=self._audience,
            issuer=self._issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp"], "verify_aud": self._audience is not None},
        )


def tokens_in(shown: Sequence[bytes]) -> list[str]:
    """What a request shows that may be a token: three parts with dots between them."""
    return [one.decode("latin-1") for one in shown if one.count(b".") == 2]
