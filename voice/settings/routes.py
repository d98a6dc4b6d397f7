"""The tables `[[routes]]`: further ways to ask a model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RouteSettings(BaseModel):
    """One `[[routes]]` table of offhook.toml: a further way to ask a model."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    kind: Literal["runpod", "openai", "embedded"]
    url: str | None = None  # runpod: ends in /v2; openai: its /v1 base
    key_env: str | None = None  # the name of the environment variable that holds the key
    model: str | None = None
    endpoint_id: str | None = None
    lb_url: str | None = None  # runpod: a load-balancing endpoint
    usd_per_hour: float | None = Field(None, ge=0, allow_inf_nan=False)  # of the host's working time
    usd_per_1m_prompt: float | None = Field(None, ge=0, allow_inf_nan=False)  # of tokens read
    usd_per_1m_completion: float | None = Field(None, ge=0, allow_inf_nan=False)  # of tokens written
