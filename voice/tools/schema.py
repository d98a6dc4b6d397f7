"""Checks a tool's arguments against its JSON schema, before anybody else sees them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from voice.errors import BadRequest
from voice.types import Json

MAX_SHOWN_CHARS = 200  # of a complaint: it repeats what the model wrote


class Arguments:
    """The arguments that one tool takes. `parameters` is a schema that was checked when it was read."""

    def __init__(self, parameters: Mapping[str, Json]) -> None:
        self._parameters = parameters

    def check(self, arguments: Mapping[str, Json]) -> None:
        """Raises BadRequest with a sentence that names the argument which does not fit."""
        from jsonschema.exceptions import best_match

        found = best_match(self._validator.iter_errors(arguments))
        if found is not None:
            where = ".".join(str(step) for step in found.absolute_path)
            told = " ".join(found.message.split())[:MAX_SHOWN_CHARS]
            raise BadRequest(f"{where}: {told}." if where else f"The arguments do not fit: {told}.")

    @cached_property
    def _validator(self) -> Any:
        # Imported when a tool needs it: 150 ms and 8 MB.
        from jsonschema import Draft202012Validator
        from referencing import Registry

        # An empty registry: without one jsonschema would fetch what a schema refers to.
        return Draft202012Validator(self._parameters, registry=Registry())
