"""The settings of a paystream process: `PAYSTREAM_*` variables, read here and nowhere else.

`Settings(**values)` takes what it is given and fills the rest from the environment; `load(**defaults)` lets the
environment win. A `PAYSTREAM_*` variable that names no setting is an error, so that a typing mistake cannot pass for a
default. Secrets have no default and print as `**********`.
"""

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from paykit.base import channel_routes
from paykit.base.channel_routes import ChannelAccess, ChannelRoute
from paykit.money import AMOUNT_MINOR_MAX

PREFIX = "PAYSTREAM_"

# These belong to the local stack (paytools.localstack.settings), whose commands run in the same shell.
LOCAL_STACK_PREFIX = "PAYSTREAM_STACK_"
LOCAL_STACK_NAMES = frozenset({"PAYSTREAM_HOME", "PAYSTREAM_CACHE"})

Role = Literal["all", "api", "worker", "relay"]
Environment = Literal["production", "development"]
_ADDRESS = r"^(unix:.+|.+:\d{1,5})$"
LogLevel = Literal["debug", "info", "warning", "error"]


def _require_default(limits: dict[str, int]) -> dict[str, int]:
    if "*" not in limits:
        raise ValueError("`*` must be there, for the currencies that are not named")
    return limits


def _read_json(given: Any) -> Any:
    return json.loads(given) if isinstance(given, str) else given


def _read_secret(reference: Any) -> Any:
    """Read a secret from where its reference says that it is; the text of a refusal never shows what was given."""
    if isinstance(reference, SecretStr):
        return reference
    source, _, place = str(reference).partition(":")
    if source == "env" and os.environ.get(place):
        return os.environ[place]
    if source == "file":
        try:
            return Path(place).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot be read from its file: {type(error).__name__}") from error
    raise ValueError("must be `env:NAME` of a variable that is set, or `file:/path`")


Secret = Annotated[SecretStr, BeforeValidator(_read_secret), Field(min_length=1)]
"""A secret that settings give by reference: `env:NAME` or `file:/path`. It prints as `**********`."""


WebhookKey = Annotated[SecretStr, BeforeValidator(_read_secret), Field(min_length=32)]
"""Such a secret, long enough that others can be derived of it."""


MailAddress = Annotated[str, Field(pattern=r"^[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9.-]+$", max_length=254)]
"""An address alone, without a name."""


Peers = Annotated[
    dict[Annotated[str, Field(pattern=r"^[a-z]+$")], Annotated[str, Field(pattern=_ADDRESS)]],
    NoDecode,
    BeforeValidator(_read_json),
]
"""Addresses by the names of services."""


Limits = Annotated[
    dict[Annotated[str, Field(pattern=r"^(\*|[A-Z]{3})$")], Annotated[int, Field(ge=0, le=AMOUNT_MINOR_MAX)]],
    NoDecode,
    BeforeValidator(_read_json),
    AfterValidator(_require_default),
]
"""Amounts in minor units by currency; `*` stands for those that are not named."""


Closings = Annotated[
    dict[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], date],
    NoDecode,
    BeforeValidator(_read_json),
]
"""Days by currency."""


ClearingDays = Annotated[
    dict[Annotated[str, Field(pattern=r"^(\*|[a-z]+\.[a-z]+|suspense)$")], Annotated[int, Field(ge=0, le=3_650)]],
    NoDecode,
    BeforeValidator(_read_json),
]
"""Days by kind of account; `*` stands for all kinds."""


Routes = Annotated[
    tuple[ChannelRoute, ...], NoDecode, BeforeValidator(lambda text: channel_routes.read(text, "channel"))
]
Bank = Annotated[ChannelAccess, NoDecode, BeforeValidator(lambda text: channel_routes.read(text, "bank"))]


class ConfigurationError(Exception):
    """The settings cannot be used; the text names each variable at fault and never shows a value."""


class _StrictEnvironment(EnvSettingsSource):
    """The environment, with the variables that no setting knows left in, so that `extra="forbid"` refuses them."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        names = {PREFIX + name.upper() for name in self.settings_cls.model_fields} | LOCAL_STACK_NAMES
        given = {name for name in os.environ if name.upper().startswith(PREFIX)}
        unknown = {name for name in given if not name.upper().startswith(LOCAL_STACK_PREFIX)} - names
        return values | dict.fromkeys(unknown, "")


class Settings(BaseSettings):
    """Everything a paystream process can be told from outside.

    Addresses are `host:port` (port 0 takes a free one) or `unix:/path`.

    Attributes:
        environment: `development` lets `paystream clock advance` move business time; `production` knows real time
            alone, and does not start on a database whose clock was moved.
        database_url: PostgreSQL. Without a user in it, each service connects as its own role, `paystream_<service>`,
            which may not change tables.
        database_service_password: Of those roles; `paystream db init` gives it to them.
        database_admin_url: PostgreSQL, as a role that may create roles, schemas and tables; for `paystream db` only.
        database_pool_max: Connections of one service in one process to PostgreSQL. From 7 on, one each is kept for
            reads, calls, calls that wait for rows, batches, consumers and jobs; the rest is for whoever needs more.
        kafka_bootstrap: `host:port` of one or more brokers, comma separated.
        registry_url: A Schema Registry that speaks Confluent's API, with its path if it has one.
        schema_unknown_grace_s: How long the registry may not know a schema id before its records are dead letters.
        topic_prefix: Put before every topic and subject; tests share one broker by it.
        topic_partitions: Of each topic, where an installation has not the declared number; for `paystream topics` only.
        grpc_address: Where the services answer.
        grpc_port_shared: Several processes on one machine answer on the same port, the kernel spreading connections.
        grpc_message_bytes_max: Larger requests are refused with RESOURCE_EXHAUSTED, and no larger reply is sent.
        grpc_reply_bytes_max: Pages end before they are larger, and what else would be is refused. The default is what
            gRPC's clients take if they are not told otherwise. Never above `grpc_message_bytes_max`, whatever it says.
        grpc_calls_max: Calls in progress at once; one more is refused with RESOURCE_EXHAUSTED. What is accepted of too
            many takes about as long as so many calls take at the process's capacity.
        grpc_pending_max: Calls that gRPC may hold before paystream sees them, while the process cannot keep up: one
            more is reset, which its caller sees as CANCELLED without details. The smaller it is, the sooner what is
            accepted is answered; short bursts need room.
        grpc_streams_max: Streams open at once, likewise.
        grpc_waiters_max: Calls at once that wait for what an event has yet to tell, as of a merchant that is not known.
        grpc_outcome_waiters_max: Calls of one service at once that wait for an outcome; one more is answered at once.
        grpc_watches_max: Streams of one service at once that watch something; one more is refused.
        grpc_watches_per_caller_max: Of these, those of one caller.
        grpc_deadline_default_s: For a call with one reply whose caller set no deadline.
        errors_help_url: Where docs/errors.md can be read, without a fragment; refused calls link to their reason there;
            while it is empty, they do not.
        shutdown_grace_s: How long calls in progress may take after SIGTERM.
        metrics_address: Where Prometheus reads `/metrics`; none if unset.
        otlp_endpoint: The collector that takes spans by OTLP over gRPC, as `http://host:4317`; none are made if unset.
        trace_sample_ratio: The share of traces begun here that is sampled; callers who sent a trace have decided.
        channel_address: The simulator, which is acquirer and bank where no routes and no bank are set.
        channel_routes: The channels of payments in order of preference: a JSON list, or the path of a TOML file with
            a table `[[channel]]` for each.
        bank_channel: The channel of payouts: a JSON object, or the path of a TOML file with a table `[bank]`.
        authorization_ttl_s: Business time from an authorization until what is not captured of it is given up.
        authorization_expiring_s: Business time before that at which it is told, once, that it is soon.
        dispute_due_soon_s: Business time before the end of the time to answer a dispute at which that is told, once.
        unsent_ttl_s: Business time until a payment or capture that could not be sent to its channel fails unsent, where
            its caller asked for no other time.
        action_ttl_s: Business time that a payer has for what a channel requires, where that does not say until when;
            then the payment is called off.
        peers: Where the other services answer, by name, as JSON. Only reads go to them: `journey` tells by them.
        withdrawal_approval_limits: In minor units by currency, `*` standing for those that are not named: above
            it, what a merchant withdraws in 24 hours has to be approved by a second person. JSON, as in
            `{"*": 1000000, "JPY": 500000}`.
        withdrawal_daily_limits: As these: what a merchant may withdraw in any 24 hours.
        currency_closings: From which day on, in UTC, a currency takes no new orders and payments here, though the table
            of currencies has it open. JSON, as in `{"PLN": "2027-01-01"}`.
        accounting_journal_limits: As these: what one person may book by journals and reversals in 24 hours without a
            second one; 0 has every journal proposed and approved.
        accounting_chart: The chart of accounts of a new ledger, by its name or as the path of a TOML file; an existing
            one refuses another than its own, but takes a version with more kinds and types.
        ledger_retention_months: How many whole months of the ledger stay at least, so that `paystream ledger archive`
            takes none of them; everything is kept if unset.
        webhook_key: What secrets of webhooks are derived of, 32 characters or more, by reference: `env:NAME` or
            `file:/path`. Without it, no endpoints are registered outside of development.
        webhook_http_allowed: Webhooks may go to http addresses; in development they may anyway.
        webhook_high_ports_allowed: Webhooks may go to ports from 1024 on; in development they may anyway.
        webhook_loopback_allowed: Webhooks may go to this machine; in development only.
        mail_host: The SMTP server that notifications are sent through; none are sent, and they wait, if unset.
        mail_port: Its port.
        mail_security: `starttls`, `tls` from the first byte, or `none`, which takes no login.
        mail_ca_file: PEM file of the certificates that its own is checked against; the system's if unset.
        mail_user: Who logs in; nobody if unset.
        mail_password: Of that user: `env:NAME` or `file:/path`.
        mail_from_address: The address that mails come from; its domain ends their Message-IDs.
        mail_timeout_s: How long the server may take for one answer.
        mail_operator_address: Where mails for those who run the platform go to; nowhere if unset.
        clearing_days: Within how many days what stands on accounts of a kind that money only passes through should
            have cleared, where not the defaults hold; `*` stands for all kinds. JSON, as in `{"suspense": 3}`.
        booked_within_s: Within how many seconds, real time, the ledger books what moved at channels; after that it is a
            discrepancy.
        cache_dir: Schema ids and other things that are costly to ask for twice; safe to delete.
        role: Which parts this process runs: everything, the gRPC servers, consumers and jobs, or the relay.
        log_level: The least level that is written; `debug` writes a line for every call.
        log_format: `json`, `console`, or `auto`: console on a terminal.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    environment: Environment = "production"
    database_url: SecretStr
    database_admin_url: SecretStr | None = None
    database_service_password: SecretStr | None = None
    database_pool_max: int = Field(default=8, ge=2, le=200)
    kafka_bootstrap: str = Field(default="localhost:9092", min_length=1)
    registry_url: str = Field(default="http://localhost:8081", pattern=r"^https?://")
    schema_unknown_grace_s: float = Field(default=60.0, ge=0, le=3_600)
    topic_prefix: str = Field(default="", pattern=r"^[a-z0-9._-]*$", max_length=64)
    topic_partitions: int | None = Field(default=None, ge=1, le=1_000)
    grpc_address: str = Field(default="localhost:50051", pattern=r"^(unix:.+|.+:\d{1,5})$")
    grpc_port_shared: bool = False
    grpc_message_bytes_max: int = Field(default=4 * 1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    grpc_reply_bytes_max: int = Field(default=4 * 1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    grpc_calls_max: int = Field(default=1_000, ge=1, le=100_000)
    grpc_pending_max: int = Field(default=1_000, ge=1, le=100_000)
    grpc_streams_max: int = Field(default=1_000, ge=1, le=100_000)
    grpc_waiters_max: int = Field(default=200, ge=0, le=100_000)
    grpc_outcome_waiters_max: int = Field(default=2_000, ge=0, le=100_000)
    grpc_watches_max: int = Field(default=2_000, ge=0, le=100_000)
    grpc_watches_per_caller_max: int = Field(default=1_000, ge=0, le=100_000)
    grpc_deadline_default_s: float = Field(default=30.0, gt=0, le=3_600)
    errors_help_url: str = Field(default="", pattern=r"^(https?://[^\s#]{1,200})?$")
    shutdown_grace_s: float = Field(default=10.0, ge=0, le=300)
    metrics_address: str | None = Field(default=None, pattern=r"^.+:\d{1,5}$")
    otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://.+:\d{1,5}$")
    trace_sample_ratio: float = Field(default=0.01, ge=0, le=1)
    channel_address: str | None = Field(default=None, pattern=_ADDRESS)
    channel_routes: Routes = Field(default=(), max_length=20)
    bank_channel: Bank | None = None
    authorization_ttl_s: int = Field(default=7 * 86_400, ge=1, le=365 * 86_400)
    authorization_expiring_s: int = Field(default=86_400, ge=1, le=30 * 86_400)
    dispute_due_soon_s: int = Field(default=3 * 86_400, ge=1, le=60 * 86_400)
    unsent_ttl_s: int = Field(default=86_400, ge=60, le=30 * 86_400)
    action_ttl_s: int = Field(default=3_600, ge=1, le=30 * 86_400)
    peers: Peers = Field(default={}, max_length=20)
    withdrawal_approval_limits: Limits = Field(default={"*": 1_000_000})
    withdrawal_daily_limits: Limits = Field(default={"*": 100_000_000})
    currency_closings: Closings = Field(default={}, max_length=200)
    accounting_journal_limits: Limits = Field(default={"*": 1_000_000})
    clearing_days: ClearingDays = Field(default={}, max_length=20)
    booked_within_s: int = Field(default=3_600, ge=1, le=30 * 86_400)
    accounting_chart: str = Field(default="merchant_asset", pattern=r"^([a-z_]+|.+\.toml)$")
    ledger_retention_months: int | None = Field(default=None, ge=13, le=1_200)
    webhook_key: WebhookKey | None = None
    webhook_http_allowed: bool = False
    webhook_high_ports_allowed: bool = False
    webhook_loopback_allowed: bool = False
    mail_host: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._:-]+$", max_length=253)
    mail_port: int = Field(default=587, ge=1, le=65_535)
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_ca_file: Path | None = None
    mail_user: str | None = Field(default=None, min_length=1, max_length=254)
    mail_password: Secret | None = None
    mail_from_address: MailAddress | None = None
    mail_timeout_s: float = Field(default=30.0, gt=0, le=60)
    mail_operator_address: MailAddress | None = None
    cache_dir: Path = Path(".paystream/cache")
    role: Role = "all"
    log_level: LogLevel = "info"
    log_format: Literal["auto", "json", "console"] = "auto"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  The signature is the library's.
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment; no files."""
        return init_settings, _StrictEnvironment(settings_cls)

    @property
    def admin_url(self) -> str:
        """Return the URL for `paystream db`."""
        return (self.database_admin_url or self.database_url).get_secret_value()

    @property
    def reply_bytes_max(self) -> int:
        """The largest reply that is sent."""
        return min(self.grpc_reply_bytes_max, self.grpc_message_bytes_max)

    @property
    def payment_channels(self) -> tuple[ChannelRoute, ...]:
        """The channels of payments in order of preference; in the absence of routes, the one at `channel_address`."""
        return self.channel_routes or channel_routes.default_routes(self.channel_address)

    @property
    def payout_channel(self) -> ChannelAccess:
        """The channel of payouts; in the absence of a bank, the one at `channel_address`."""
        return self.bank_channel or ChannelAccess(address=self.channel_address)

    @field_validator("channel_routes")
    @classmethod
    def _refuse_repeated_names(cls, routes: tuple[ChannelRoute, ...]) -> tuple[ChannelRoute, ...]:
        if len({route.name for route in routes}) != len(routes):
            raise ValueError("two routes have one name")
        return routes

    @model_validator(mode="after")
    def _keep_loopback_closed(self) -> Self:
        """Refuse webhooks to this machine in production: merchants name the addresses."""
        if self.webhook_loopback_allowed and self.environment != "development":
            raise ValueError("webhook_loopback_allowed is for development only")
        return self

    @model_validator(mode="after")
    def _complete_mail_server(self) -> Self:
        """Refuse a mail server that could not be used, and a password that would go over the wire in the clear."""
        if self.mail_host is not None and self.mail_from_address is None:
            raise ValueError("mail_from_address must be set where mail_host is")
        if (self.mail_user is None) != (self.mail_password is None):
            raise ValueError("mail_user and mail_password go together")
        if self.mail_user is not None and self.mail_security == "none":
            raise ValueError("mail_user needs mail_security starttls or tls")
        return self

    @model_validator(mode="after")
    def _keep_credentials_apart(self) -> Self:
        """Refuse the same URL for both: a service that owns its tables can drop them."""
        if self.database_admin_url is not None and self.database_admin_url == self.database_url:
            raise ValueError("database_admin_url must name another role than database_url")
        return self


def given() -> set[str]:
    """Return the names of the settings that the environment has a value for."""
    return {name for name, value in _StrictEnvironment(Settings)().items() if value != ""}


def load(*, overrides: Mapping[str, Any] | None = None, **defaults: Any) -> Settings:
    """Read the settings from the environment, taking `defaults` for what it does not say; `overrides` win over it.

    Raises:
        ConfigurationError: A variable is unknown, missing or out of its range.
    """
    try:
        return Settings(**(defaults | _StrictEnvironment(Settings)() | dict(overrides or {})))
    except ValidationError as error:
        raise ConfigurationError("; ".join(_line(dict(problem)) for problem in error.errors())) from error


def _line(problem: dict[str, Any]) -> str:
    """Say in one clause which variable is wrong and how, without its value."""
    name = "_".join(str(part) for part in problem["loc"]).upper()
    if problem["type"] == "extra_forbidden":
        return f"{name} is not a setting of paystream"
    if problem["type"] == "missing":
        return f"{PREFIX}{name} is not set"
    return f"{PREFIX}{name}: {problem['msg']}" if name else str(problem["msg"])
