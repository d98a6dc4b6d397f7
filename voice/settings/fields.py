"""The fields: every setting with its unit, default, range and environment name, and the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from voice.settings.secrets import secrets_in

Strategy = Literal["remote_first", "remote_only", "local_only", "local_first"]
RunPodWay = Literal["stream", "runsync", "run"]

MIN_PATH_KEY_CHARS = 16  # longer than any part of our own paths, each of which would open the door


class RouteSettings(BaseModel):
    """One `[[routes]]` table of offhook.toml: a further way to ask a model."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    kind: Literal["runpod", "openai", "embedded"]
    url: str | None = None  # runpod: ends in /v2; openai: its /v1 base
    key_env: str | None = None  # the name of the environment variable that holds the key
    model: str | None = None
    endpoint_id: str | None = None
    usd_per_hour: float | None = Field(None, ge=0, allow_inf_nan=False)  # of the host's working time
    usd_per_1m_prompt: float | None = Field(None, ge=0, allow_inf_nan=False)  # of tokens read
    usd_per_1m_completion: float | None = Field(None, ge=0, allow_inf_nan=False)  # of tokens written


class LineSettings(BaseModel):
    """One `[[lines]]` table of offhook.toml: who takes the calls of a number, or of a caller.

    The first table that fits a call decides. One without `number` and `caller` fits every call.
    """

    model_config = ConfigDict(extra="forbid")

    number: str | None = None  # ours, +1…, or the platform's id of it
    caller: str | None = None  # whole, or its beginning and a star: +44*
    agent: str | None = None
    assistant_id: str | None = None  # an assistant or a squad that is kept at the platform
    squad_id: str | None = None
    squad: dict[str, Any] = Field(default_factory=dict)  # a squad in the platform's words
    transfer: str | None = None  # +1… or sip:…; nobody of ours takes the call
    refuse: str | None = None  # said to the caller, who is not taken
    say: str | None = None  # before the transfer
    variables: dict[str, str] = Field(default_factory=dict)  # for the {{placeholders}} of an assistant
    overrides: dict[str, Any] = Field(default_factory=dict)  # of the assistant, in the platform's words

    @model_validator(mode="after")
    def _says_one_thing(self) -> LineSettings:
        ways = (self.assistant_id, self.squad_id, self.squad, self.transfer, self.refuse)
        if sum(bool(way) for way in ways) > 1:
            raise ValueError("write only one of assistant_id, squad_id, squad, transfer and refuse")
        return self


def _own(name: str, default: Any, description: str, **rules: Any) -> Any:
    """A setting whose environment name is OFFHOOK_ and its field's name."""
    alias = AliasChoices(f"OFFHOOK_{name.upper()}", name)
    return Field(default, validation_alias=alias, description=description, **rules)


def _known(env: str, default: Any, description: str, **rules: Any) -> Any:
    """A setting that keeps the name everybody knows."""
    return Field(default, validation_alias=AliasChoices(env, env.lower()), description=description, **rules)


class Settings(BaseSettings):
    """All settings of one running product. Build it with `load_settings`, which reads the three places."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    # The web host
    host: str = _own("host", "127.0.0.1", "Address to listen on; 0.0.0.0 for all.")
    port: int = _own("port", 8000, "Port to listen on.", ge=1, le=65535)
    public_url: str | None = _own(
        "public_url",
        None,
        "The URL that platforms reach us by, https://…; Twilio's signatures are made over it.",
    )
    open: bool = _own(
        "open", False, "1: doors without a secret answer to everybody. Off, they answer to this machine."
    )
    api_key: SecretStr | None = _own("api_key", None, "Bearer key of /v1 and /chat.")
    admin_token: SecretStr | None = _own(
        "admin_token", None, "Bearer token of /metrics and /admin from other machines."
    )
    max_body_bytes: int = _own("max_body_bytes", 2_000_000, "Largest request body; more is 413.", ge=10_000)
    max_calls: int = _own("max_calls", 500, "Live calls at once; one more hears a busy line.", ge=1)

    # What is kept
    data_dir: Path = _own("data_dir", Path("data"), "Folder of the default database.")
    database_url: str | None = _own(
        "database_url",
        None,
        "sqlite:///FILE, postgresql://… or memory://; default: offhook.db in the data folder.",
    )

    # Who answers
    agents_dir: Path | None = _own(
        "agents_dir", None, "Folder of your own agents' TOML files, besides the built-in ones."
    )
    agent: str = _own("agent", "jamie", "The agent who answers when a call names none.")
    lines: tuple[LineSettings, ...] = _own(
        "lines", (), "Who answers which number of Vapi's: [[lines]] in offhook.toml."
    )

    # Which model is asked
    strategy: Strategy = _own(
        "strategy", "remote_first", "remote_first, remote_only, local_only or local_first."
    )
    runpod_api_key: SecretStr | None = _known("RUNPOD_API_KEY", None, "RunPod's key.")
    runpod_endpoint_id: str | None = _known(
        "RUNPOD_ENDPOINT_ID", None, "The serverless endpoint that runs the worker."
    )
    runpod_base_url: str = _known("RUNPOD_BASE_URL", "https://api.runpod.ai/v2", "RunPod's API; ends in /v2.")
    runpod_via: Annotated[tuple[RunPodWay, ...], NoDecode] = _own(
        "runpod_via", ("stream", "runsync", "run"), "Ways to ask RunPod, best first: stream,runsync,run."
    )
    llm_endpoint: str | None = _known(
        "LLM_ENDPOINT", None, "The /v1 base of any OpenAI-compatible model server."
    )
    llm_model: str | None = _known("LLM_MODEL", None, "The model to name there.")
    llm_api_key: SecretStr | None = _known("LLM_API_KEY", None, "Its key, if it wants one.")
    runpod_usd_per_hour: float | None = _own(
        "runpod_usd_per_hour",
        None,
        "Price of the endpoint's GPU, so that turns show their cost.",
        ge=0,
        allow_inf_nan=False,
    )
    llm_usd_per_1m_prompt: float | None = _own(
        "llm_usd_per_1m_prompt",
        None,
        "Price of a million tokens that LLM_MODEL reads.",
        ge=0,
        allow_inf_nan=False,
    )
    llm_usd_per_1m_completion: float | None = _own(
        "llm_usd_per_1m_completion",
        None,
        "Price of a million tokens that LLM_MODEL writes.",
        ge=0,
        allow_inf_nan=False,
    )
    hedge_share: float = _own(
        "hedge_share",
        0.1,
        "Share of turns that may ask a second paid route because the first is slow.",
        ge=0,
        le=1,
        allow_inf_nan=False,
    )
    routes: tuple[RouteSettings, ...] = _own("routes", (), "Further routes: [[routes]] in offhook.toml.")
    embedded_model: Path | None = _own("embedded_model", None, "Folder of another onnxruntime-genai model.")
    embedded_calls: int = _own(
        "embedded_calls", 8, "Calls whose cache the embedded engine keeps.", ge=1, le=256
    )

    # Platforms
    vapi_secret: SecretStr | None = _known(
        "VAPI_SECRET", None, "The secret that Vapi sends to both of its doors; several with commas."
    )
    vapi_header: str | None = _own(
        "vapi_header", None, "A further header that VAPI_SECRET or a token may come in; several with commas."
    )
    vapi_path_key: SecretStr | None = _own(
        "vapi_path_key",
        None,
        "A key in the path: /vapi/KEY, /vapi/KEY/webhook; 16 characters or more. Several with commas.",
    )
    vapi_hmac_secret: SecretStr | None = _own(
        "vapi_hmac_secret", None, "Signs Vapi's requests (HMAC); several with commas."
    )
    vapi_hmac_algorithm: Literal["sha256", "sha512", "sha1"] = _own(
        "vapi_hmac_algorithm", "sha256", "sha256, sha512 or sha1."
    )
    vapi_hmac_header: str = _own("vapi_hmac_header", "x-signature", "The header of the signature.")
    vapi_hmac_timestamp_header: str = _own(
        "vapi_hmac_timestamp_header", "x-timestamp", "The header of its time, in seconds or milliseconds."
    )
    vapi_hmac_id_header: str = _own(
        "vapi_hmac_id_header", "svix-id", "The header of the message's id, where {svix-id} is signed."
    )
    vapi_hmac_format: str = _own(
        "vapi_hmac_format",
        "{timestamp}.{body}",
        "What is signed, of {timestamp}, {body}, {method}, {url} and {svix-id}.",
    )
    vapi_hmac_prefix: str = _own("vapi_hmac_prefix", "", "What stands before the signature, such as sha256=.")
    vapi_hmac_encoding: Literal["hex", "base64"] = _own("vapi_hmac_encoding", "hex", "hex or base64.")
    vapi_hmac_base64: bool = _own("vapi_hmac_base64", False, "1: the secret itself is written in base64.")
    vapi_hmac_window_s: float = _own(
        "vapi_hmac_window_s",
        300.0,
        "How far a signature's time may be from ours, 12 hours at most.",
        gt=0,
        le=43_200,  # on either side of ours: what was seen in it is remembered for a day
    )
    vapi_jwks: str | None = _own(
        "vapi_jwks", None, "URL or file of the keys (JWKS) that sign the OAuth2 tokens Vapi sends."
    )
    vapi_issuer: str | None = _own("vapi_issuer", None, "Who must have issued those tokens (iss).")
    vapi_audience: str | None = _own("vapi_audience", None, "Whom they must be meant for (aud).")
    vapi_api_key: SecretStr | None = _known(
        "VAPI_API_KEY", None, "Vapi's private key, for `offhook vapi push`."
    )
    vapi_base_url: str = _known("VAPI_BASE_URL", "https://api.vapi.ai", "Vapi's REST API.")
    vapi_public_key: SecretStr | None = _known(
        "VAPI_PUBLIC_KEY",
        None,
        "Shown to control URLs; only where Vapi's controlAuthenticationEnabled is on.",
    )
    vapi_control_hosts: Annotated[tuple[str, ...], NoDecode] = _own(
        "vapi_control_hosts", ("vapi.ai",), "Hosts whose control URLs may be asked, and hosts below them."
    )
    vapi_voice: str = _own(
        "vapi_voice",
        "vapi/Elliot",
        "The voice of assistants that we describe: PROVIDER/VOICE_ID.",
        pattern=r"^[a-z0-9-]+/\S+$",
    )
    twilio_account_sid: str | None = _known(
        "TWILIO_ACCOUNT_SID", None, "Twilio's account; other accounts are refused."
    )
    twilio_auth_token: SecretStr | None = _known("TWILIO_AUTH_TOKEN", None, "Signs Twilio's requests.")

    # Watching
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _own(
        "log_level", "INFO", "DEBUG, INFO, WARNING or ERROR."
    )
    log_pii: bool = _own(
        "log_pii", False, "1: callers' words stay in the logs. Off, they are replaced by [removed]."
    )
    sentry_dsn: SecretStr | None = _known(
        "SENTRY_DSN", None, "Where crashes are reported; without it nowhere."
    )

    # The worker
    engine: Literal["onnx"] = _own("engine", "onnx", "What runs the weights in the worker.")
    model: Path | None = _own("model", None, "The worker's model folder; default: the packaged small model.")
    worker_jobs: int = _own("worker_jobs", 4, "Jobs that one worker does at once.", ge=1, le=256)

    @field_validator("runpod_via", "vapi_control_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("vapi_path_key")
    @classmethod
    def _is_no_word_of_a_path(cls, value: SecretStr | None) -> SecretStr | None:
        if any(len(part) < MIN_PATH_KEY_CHARS or "/" in part for part in secrets_in(value)):
            raise ValueError(f"must have {MIN_PATH_KEY_CHARS} characters or more, and no slash")
        return value

    @field_validator("vapi_hmac_format")
    @classmethod
    def _signs_the_body(cls, value: str) -> str:
        if "{body}" not in value:
            raise ValueError("must have {body} in it, or anybody may put another body under a signature")
        return value

    @model_validator(mode="after")
    def _tokens_are_for_us(self) -> Settings:
        if self.vapi_jwks and not (self.vapi_issuer or self.vapi_audience):
            raise ValueError(
                "OFFHOOK_VAPI_JWKS needs OFFHOOK_VAPI_ISSUER or OFFHOOK_VAPI_AUDIENCE: "
                "its keys sign tokens for others, too"
            )
        return self

    @field_validator("public_url", "llm_endpoint", "runpod_base_url", "vapi_base_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a URL such as https://voice.example.com")
        return value.rstrip("/")

    @property
    def database(self) -> str:
        """The database's URL, the default one spelled out."""
        return self.database_url or f"sqlite:///{self.data_dir / 'offhook.db'}"

    @property
    def guards_vapi(self) -> bool:
        """Whether Vapi must show who it is, in whichever way."""
        ways = (self.vapi_secret, self.vapi_path_key, self.vapi_hmac_secret, self.vapi_jwks)
        return any(ways)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # load_settings hands the values in, so that each one's origin is known
