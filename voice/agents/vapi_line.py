"""How an agent is heard and sounds at Vapi: `[vapi]` of its file, and its language in Vapi's words.

Vapi refuses an assistant whose transcriber does not list the language, and Deepgram's list has `de` and no
`de-DE`. So a language is written as the nearest one that is listed; what Deepgram does not know at all,
Azure may.

Source: DeepgramTranscriberLanguage and AzureSpeechTranscriberLanguage of vapi_server_sdk 1.9.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voice.agents.table import Table

VAPI_KEYS = ("voice",)
VOICE = re.compile(r"[a-z0-9-]+/\S+")


def _codes(listed: str) -> tuple[str, ...]:
    """Codes as they are listed, with blanks between them."""
    return tuple(listed.split())


DEEPGRAM = _codes(
    "bg ca cs da da-DK de de-CH el en en-AU en-GB en-IN en-NZ en-US es es-419 es-LATAM et fi fr fr-CA hi "
    "hi-Latn hu id it ja ko ko-KR lt lv ms multi nl nl-BE no pl pt pt-BR ro ru sk sv sv-SE ta taq th th-TH "
    "tr uk vi zh zh-CN zh-Hans zh-Hant zh-TW"
)
AZURE = _codes(
    "af-ZA am-ET ar-AE ar-BH ar-DZ ar-EG ar-IL ar-IQ ar-JO ar-KW ar-LB ar-LY ar-MA ar-OM ar-PS ar-QA ar-SA "
    "ar-SY ar-TN ar-YE az-AZ bg-BG bn-IN bs-BA ca-ES cs-CZ cy-GB da-DK de-AT de-CH de-DE el-GR en-AU en-CA "
    "en-GB en-GH en-HK en-IE en-IN en-KE en-NG en-NZ en-PH en-SG en-TZ en-US en-ZA es-AR es-BO es-CL es-CO "
    "es-CR es-CU es-DO es-EC es-ES es-GQ es-GT es-HN es-MX es-NI es-PA es-PE es-PR es-PY es-SV es-US es-UY "
    "es-VE et-EE eu-ES fa-IR fi-FI fil-PH fr-BE fr-CA fr-CH fr-FR ga-IE gl-ES gu-IN he-IL hi-IN hr-HR hu-HU "
    "hy-AM id-ID is-IS it-CH it-IT ja-JP jv-ID ka-GE kk-KZ km-KH kn-IN ko-KR lo-LA lt-LT lv-LV mk-MK ml-IN "
    "mn-MN mr-IN ms-MY mt-MT my-MM nb-NO ne-NP nl-BE nl-NL pa-IN pl-PL ps-AF pt-BR pt-PT ro-RO ru-RU si-LK "
    "sk-SK sl-SI so-SO sq-AL sr-RS sv-SE sw-KE sw-TZ ta-IN te-IN th-TH tr-TR uk-UA ur-IN uz-UZ vi-VN wuu-CN "
    "yue-CN zh-CN zh-CN-shandong zh-CN-sichuan zh-HK zh-TW zu-ZA"
)
SPAIN = ("es", "es-ES", "es-GQ", "es-EA", "es-IC")  # the rest of Spanish is spoken in America
OTHER_NAMES = {"nb": "no", "nn": "no", "cmn": "zh", "zh-HK": "zh-TW", "iw": "he", "tl": "fil"}


@dataclass(frozen=True, slots=True)
class VapiTable:
    """What an agent's file says of its calls at Vapi. `voice` is PROVIDER/VOICE_ID; None: the settings'."""

    voice: str | None = None


def vapi_table(table: Table) -> VapiTable:
    """The `[vapi]` table of an agent's file. Raises AgentFileError."""
    voice = table.text_or_none("voice")
    if voice is not None and not VOICE.fullmatch(voice):
        raise table.wrong("voice", f"{voice!r} is no voice", 'voice = "PROVIDER/VOICE_ID", as "vapi/Elliot"')
    return VapiTable(voice)


def transcriber_for(language: str) -> dict[str, Any] | None:
    """The transcriber that knows a language; None: none of those that we describe does."""
    if (code := deepgram_code(language)) is not None:
        return {"provider": "deepgram", "model": "nova-3", "language": code}
    if (code := _listed(AZURE, language) or _of_base(AZURE, language)) is not None:
        return {"provider": "azure", "language": code}
    return None


def deepgram_code(language: str) -> str | None:
    """A language as Deepgram lists it at Vapi: itself, or the nearest; None: it knows none like it."""
    if (same := _listed(DEEPGRAM, language)) is not None:
        return same
    if language.lower().startswith("es-") and language.lower() not in [one.lower() for one in SPAIN]:
        return "es-419"
    other = _listed(OTHER_NAMES, language) or _listed(OTHER_NAMES, _base(language))
    return _listed(DEEPGRAM, OTHER_NAMES[other] if other else _base(language))


def _base(language: str) -> str:
    return language.partition("-")[0]


def _listed(codes: Sequence[str] | dict[str, str], language: str) -> str | None:
    return next((one for one in codes if one.lower() == language.lower()), None)


def _of_base(codes: Sequence[str], language: str) -> str | None:
    """The first code of the same language, from whichever country."""
    base = OTHER_NAMES.get(_base(language).lower(), _base(language)).lower()
    return next((one for one in codes if _base(one).lower() == base), None)
