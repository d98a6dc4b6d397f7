"""The fields: every setting with its unit, default, range and environment name, and the tables."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from voice.settings.hosts import are_hosts
from voice.settings.lines import LineSettings, read_lines
from voice.settings.platforms import is_account, is_before_the_doors, is_dialable, is_telnyx_key
from voice.settings.routes import RouteSettings
from voice.settings.secrets import secrets_in

Strategy = Literal["remote_first", "remote_only", "local_only", "local_first"]
RunPodWay = Literal["lb", "openai", "stream", "runsync", "run"]

MIN_PATH_KEY_CHARS = 16  # longer than any part of our own paths, each of which would open the door


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
    public_url: Annotated[str, AfterValidator(is_before_the_doors)] | None = _own(
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
    workers: int = _own("workers", 1, "Processes that serve together; one uses one core.", ge=1, le=64)
    max_calls: int = _own("max_calls", 500, "Live calls at once; one more hears a busy line.", ge=1)
    calls_per_caller: int | None = _own(
        "calls_per_caller",
        None,
        "Calls that one number may begin in a minute at Twilio's door; one more hears the agent's busy line.",
        ge=1,
    )

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
    lines: Annotated[tuple[LineSettings, ...], BeforeValidator(read_lines)] = _own(
        "lines", (), "Who answers which number of Vapi's: [[lines]] in offhook.toml."
    )

    # Which model is asked
    strategy: Strategy = _own(
        "strategy", "remote_first", "remote_first, remote_only, local_only or local_first."
    )
    runpod_api_key: SecretStr | None = _known("RUNPOD_API_KEY", None, "RunPod's key.")
    runpod_endpoint_id: str | None = _known(
        "RUNPOD_ENDPOINT_ID",
        None,
        "The serverless endpoint that runs the worker; several with commas, as in two regions.",
    )
    runpod_base_url: str = _known("RUNPOD_BASE_URL", "https://api.runpod.ai/v2", "RunPod's API; ends in /v2.")
    runpod_lb_url: str | None = _known(
        "RUNPOD_LB_URL", None, "A load-balancing endpoint of the same model, https://ID.api.runpod.ai."
    )
    runpod_via: Annotated[tuple[RunPodWay, ...], NoDecode] = _own(
        "runpod_via",
        ("lb", "stream", "runsync", "run"),
        "Ways to ask RunPod, best first: lb,openai,stream,runsync,run.",
    )
    runpod_model: str | None = _own(
        "runpod_model", None, "The model or adapter to name to RunPod's worker; default: its own."
    )
    runpod_gpu: str | None = _own(
        "runpod_gpu", None, "The endpoint's GPU or pool, L4 or ADA_24, whose listed price shows turns' cost."
    )
    runpod_rest_url: str = _own(
        "runpod_rest_url", "https://api.runpod.io/v2", "RunPod's management API, for `offhook runpod`."
    )
    llm_endpoint: str | None = _known(
        "LLM_ENDPOINT", None, "The /v1 base of any OpenAI-compatible model server."
    )
    llm_model: str | None = _known("LLM_MODEL", None, "The model to name there.")
    llm_api_key: SecretStr | None = _known("LLM_API_KEY", None, "Its key, if it wants one.")
    runpod_usd_per_hour: float | None = _own(
        "runpod_usd_per_hour",
        None,
        "Price of the endpoint's GPU, in place of the listed one.",
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
    thinking_routes: Annotated[tuple[str, ...], NoDecode] = _own(
        "thinking_routes", (), "Routes whose replies begin amid a thought that their prompt has opened."
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
    vapi_control_hosts: Annotated[tuple[str, ...], NoDecode, AfterValidator(are_hosts)] = _own(
        "vapi_control_hosts", ("vapi.ai",), "Hosts whose control URLs may be asked, and hosts below them."
    )
    vapi_voice: str = _own(
        "vapi_voice",
        "vapi/Elliot",
        "The voice of assistants that we describe: PROVIDER/VOICE_ID.",
        pattern=r"^[a-z0-9-]+/\S+$",
    )
    twilio_account_sid: Annotated[str, AfterValidator(is_account)] | None = _known(
        "TWILIO_ACCOUNT_SID", None, "Twilio's account; other accounts are refused."
    )
    twilio_auth_token: SecretStr | None = _known(
        "TWILIO_AUTH_TOKEN", None, "Signs Twilio's requests; two with a comma during a rotation."
    )
    twilio_shared_keys: SecretStr | None = _own(
        "twilio_shared_keys", None, "Twilio's webhook shared keys: id:secret, several with commas."
    )
    twilio_mode: Literal["auto", "relay", "gather"] = _own(
        "twilio_mode",
        "auto",
        "auto: ConversationRelay where OFFHOOK_PUBLIC_URL is https, else Gather; relay or gather: only that.",
    )
    twilio_phone_number: Annotated[str, AfterValidator(is_dialable)] | None = _known(
        "TWILIO_PHONE_NUMBER", None, "The number that our own calls come from, +1…"
    )
    twilio_base_url: str = _known("TWILIO_BASE_URL", "https://api.twilio.com", "Twilio's REST API.")
    telnyx_public_key: Annotated[str, AfterValidator(is_telnyx_key)] | None = _known(
        "TELNYX_PUBLIC_KEY", None, "Checks Telnyx's signatures: the account's public key, base64."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = _own(
        "trusted_proxies",
        (),
        "Proxies whose X-Forwarded-Proto and -Host count where OFFHOOK_PUBLIC_URL is not set: "
        "addresses or networks, with commas.",
    )

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
    worker_mode: Literal["queue", "lb"] = _own(
        "worker_mode", "queue", "queue: RunPod's jobs; lb: plain HTTP for a load-balancing endpoint."
    )
    engine: Literal["onnx", "openai", "transformers"] | None = _own(
        "engine",
        None,
        "What runs the weights in the worker: onnx, openai or transformers; "
        "default: openai where LLM_ENDPOINT is set, else onnx.",
    )
    engine_command: str | None = _own(
        "engine_command", None, "Starts the model server that LLM_ENDPOINT names, inside the worker."
    )
    model: str | None = _own(
        "model",
        None,
        "The worker's model: a folder, or the name of one that is baked, cached or on a volume; "
        "default: the packaged small model.",
    )
    adapters: Annotated[tuple[str, ...], NoDecode] = _own(
        "adapters",
        (),
        "Further models or LoRA adapters of the worker: NAME=FOLDER, several with commas; "
        "*=FOLDER: each folder in it, also those that come later.",
    )
    worker_jobs: int = _own("worker_jobs", 4, "Jobs that one worker does at once.", ge=1, le=256)

    @field_validator(
        "runpod_via", "vapi_control_hosts", "trusted_proxies", "adapters", "thinking_routes", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            ip_network(one, strict=False)  # raises ValueError, naming it
        return value

    @field_validator("adapters")
    @classmethod
    def _have_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = [one.partition("=")[0] for one in value]
        if not all(name and folder for name, _, folder in (one.partition("=") for one in value)):
            raise ValueError("must be NAME=FOLDER, several with commas")
        if len({*names}) < len(names):
            raise ValueError("names one adapter twice")
        return value

    @field_validator("twilio_shared_keys")
    @classmethod
    def _have_ids(cls, value: SecretStr | None) -> SecretStr | None:
        if any(not all(part.partition(":")[::2]) for part in secrets_in(value)):
            raise ValueError("must be id:secret, several with commas")
        return value

    @field_validator("vapi_path_key")
    @classmethod
    def _is_no_word_of_a_path(cls, value: SecretStr | None) -> SecretStr | None:
        for part in secrets_in(value):
            if len(part) < MIN_PATH_KEY_CHARS or "/" in part or "\\" in part or not part.isprintable():
                least = f"must have {MIN_PATH_KEY_CHARS} characters or more"
                raise ValueError(f"{least}, no slash in either direction and nothing that cannot be seen")
            if unquote(part) != part:  # the path's key is decoded before it is compared
                raise ValueError("must stand here as it is: only URLs write %20 for a blank")
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

    @field_validator(
        "public_url",
        "llm_endpoint",
        "runpod_base_url",
        "runpod_lb_url",
        "runpod_rest_url",
        "vapi_base_url",
        "twilio_base_url",
    )
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
        secrets = (self.vapi_secret, self.vapi_path_key, self.vapi_hmac_secret)
        return bool(self.vapi_jwks) or any(secrets_in(one) for one in secrets)

    @property
    def guards_twilio(self) -> bool:
        """Whether requests at Twilio's doors must be signed, by Twilio or by Telnyx."""
        return any((self.twilio_auth_token, self.twilio_shared_keys, self.telnyx_public_key))

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # load_settings hands the values in, so that each one's origin is known
