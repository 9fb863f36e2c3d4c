"""Every setting of Academe, read from the environment and `.env` in the working folder; nothing else configures it.

The table of settings in `docs/guides/settings.md` is checked against this class by a test.
"""

import base64
import json
import os
import secrets
from enum import StrEnum
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Self

from pydantic import AliasChoices, Field, PostgresDsn, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from academe.platform.data_folder import default_data_folder

MINIMUM_SECRET_LENGTH = 32


class Environment(StrEnum):
    """Where this installation runs; only development makes its own secrets."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class PoolKind(StrEnum):
    """How the client keeps connections: its own queue, or none (serverless providers and PgBouncer)."""

    QUEUE = "queue"
    NONE = "none"


class TlsMode(StrEnum):
    """libpq's `sslmode`, from the PostgreSQL manual, section "SSL Support"."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class SmtpSecurity(StrEnum):
    """How the connection to the mail server is protected (RFC 8314)."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


def _name(name: str) -> AliasChoices:
    """The name in the environment, and the field's own name for tests that construct settings."""
    return AliasChoices(name, name.lower().removeprefix("academe_"))


class Settings(BaseSettings):
    """The settings of one process, immutable once read.

    Raises pydantic's ValidationError naming the setting when a value is out of range or a secret is missing outside
    development.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, populate_by_name=True)

    environment: Environment = Field(
        Environment.DEVELOPMENT,
        validation_alias=_name("ACADEME_ENVIRONMENT"),
        description="`development` or `production`; production refuses to start without its own secrets.",
    )
    reload_templates: bool = Field(
        False,
        validation_alias=_name("ACADEME_RELOAD_TEMPLATES"),
        description="Look for changed templates in every request; for whoever edits them, at a tenth of a page's time.",
    )
    data_dir: Path = Field(
        default_factory=default_data_folder,
        validation_alias=_name("ACADEME_DATA_DIR"),
        description="Folder of the embedded database, files and generated secrets; default: the user's data folder.",
    )
    files_dir: Path | None = Field(
        None,
        validation_alias=_name("ACADEME_FILES_DIR"),
        description=(
            "Folder of stored files (attachments of statements), the same for all processes; "
            "empty: `files` in the data folder."
        ),
    )

    # The database
    database_url: PostgresDsn | None = Field(
        None,
        validation_alias=_name("DATABASE_URL"),
        description="PostgreSQL 15 or later for the application; empty: the embedded PostgreSQL in the data folder.",
    )
    database_owner_url: PostgresDsn | None = Field(
        None,
        validation_alias=_name("DATABASE_OWNER_URL"),
        description="The same database as the role that owns the tables and migrates; empty: `DATABASE_URL`.",
    )
    database_replica_url: PostgresDsn | None = Field(
        None,
        validation_alias=_name("DATABASE_REPLICA_URL"),
        description="A read replica for pages and lists that only read; empty: the primary.",
    )
    database_replica_lag_seconds: int = Field(
        10,
        ge=0,
        validation_alias=_name("DATABASE_REPLICA_LAG_SECONDS"),
        description="How long a browser that changed something reads from the primary, until the replica has it too.",
    )
    database_pool: PoolKind = Field(
        PoolKind.QUEUE,
        validation_alias=_name("DATABASE_POOL"),
        description="`queue` keeps connections in the process; `none` opens one each time (serverless, PgBouncer).",
    )
    database_pool_size: int = Field(
        20, ge=1, le=500, validation_alias=_name("DATABASE_POOL_SIZE"), description="Connections kept open."
    )
    database_pool_overflow: int = Field(
        40, ge=0, le=500, validation_alias=_name("DATABASE_POOL_OVERFLOW"), description="Connections beyond those kept."
    )
    database_pool_recycle_seconds: int = Field(
        1800,
        ge=30,
        validation_alias=_name("DATABASE_POOL_RECYCLE_SECONDS"),
        description="Age at which a pooled connection is replaced.",
    )
    database_connect_timeout_seconds: int = Field(
        5,
        ge=1,
        le=120,
        validation_alias=_name("DATABASE_CONNECT_TIMEOUT_SECONDS"),
        description="Wait for a connection.",
    )
    database_statement_timeout_seconds: int = Field(
        30,
        ge=1,
        le=3600,
        validation_alias=_name("DATABASE_STATEMENT_TIMEOUT_SECONDS"),
        description="Longest a statement of a request may run; jobs and imports set their own.",
    )
    database_tls: TlsMode | None = Field(
        None,
        validation_alias=_name("DATABASE_TLS"),
        description="`disable`, `prefer`, `require`, `verify-ca` or `verify-full`; empty: what the URL says.",
    )
    database_tls_root_certificate: Path | None = Field(
        None,
        validation_alias=_name("DATABASE_TLS_ROOT_CERTIFICATE"),
        description="Certificate authorities (PEM) to check the server against.",
    )
    database_log_queries: bool = Field(
        False, validation_alias=_name("DATABASE_LOG_QUERIES"), description="Log every statement (never its parameters)."
    )
    database_slow_query_milliseconds: int = Field(
        500,
        ge=1,
        validation_alias=_name("DATABASE_SLOW_QUERY_MILLISECONDS"),
        description="Statements slower than this are logged and counted.",
    )

    # Secrets
    secret_key: SecretStr = Field(
        SecretStr(""),
        validation_alias=_name("ACADEME_SECRET_KEY"),
        description="Signs cookies and cursors, 32 characters or more; in development made once in the data folder.",
    )
    encryption_master_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        validation_alias=_name("ACADEME_ENCRYPTION_MASTER_KEYS"),
        description=(
            "Comma-separated keys of 32 bytes in base64, newest first, that wrap the keys of encrypted fields; "
            "in development made once in the data folder."
        ),
    )

    # The server
    host: str = Field("127.0.0.1", validation_alias=_name("ACADEME_HOST"), description="Address to listen on.")
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        validation_alias=_name("ACADEME_PORT"),
        description="Port to listen on; `make demo` takes a free one when it is busy.",
    )
    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern="^https?://[^/?#@ ]+(/[^?# ]*)?$",
        validation_alias=_name("ACADEME_PUBLIC_URL"),
        description=(
            "Address at which others reach this installation; it becomes part of the authority of every new sender of "
            "statements, so set it once."
        ),
    )
    web_workers: int = Field(
        1, ge=1, le=64, validation_alias=_name("ACADEME_WEB_WORKERS"), description="Server processes."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",),
        validation_alias=_name("ACADEME_ALLOWED_HOSTS"),
        description="Comma-separated host names that are answered; `*` for any, refused in production.",
    )
    secure_cookies: bool = Field(
        False,
        validation_alias=_name("ACADEME_SECURE_COOKIES"),
        description="Send cookies over HTTPS only; always on in production.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1",
        validation_alias=_name("ACADEME_TRUSTED_PROXIES"),
        description="Comma-separated addresses of reverse proxies whose forwarded headers are believed.",
    )
    session_idle_minutes: int = Field(
        120, ge=5, validation_alias=_name("ACADEME_SESSION_IDLE_MINUTES"), description="Idle time that ends a session."
    )
    session_absolute_hours: int = Field(
        24, ge=1, validation_alias=_name("ACADEME_SESSION_ABSOLUTE_HOURS"), description="Age that ends a session."
    )
    breached_passwords: Path | None = Field(
        None,
        validation_alias=_name("ACADEME_BREACHED_PASSWORDS"),
        description=(
            "Folder or sorted file of SHA-1 hashes, as Have I Been Pwned gives them, whose passwords nobody may "
            "choose; empty: no list."
        ),
    )
    sign_in_provider_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias=_name("ACADEME_SIGN_IN_PROVIDER_NETWORKS"),
        description=(
            "Comma-separated networks, such as `10.1.0.0/16`, in which a sign-in provider is asked although they are "
            "not public, also without TLS; empty: in production none, in development this machine and private ones."
        ),
    )
    webhook_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias=_name("ACADEME_WEBHOOK_NETWORKS"),
        description=(
            "Comma-separated networks, such as `10.1.0.0/16`, to which webhooks may be sent although they are not "
            "public, also without TLS; empty: in production none, in development this machine and private ones."
        ),
    )
    rate_limit_per_minute: int = Field(
        1200,
        ge=1,
        validation_alias=_name("ACADEME_RATE_LIMIT_PER_MINUTE"),
        description="Requests a minute from one session or address, per server process.",
    )
    sign_in_limit_per_minute: int = Field(
        10,
        ge=1,
        validation_alias=_name("ACADEME_SIGN_IN_LIMIT_PER_MINUTE"),
        description="Sign-in attempts a minute from one address, per server process.",
    )
    upload_limit_mebibytes: int = Field(
        20, ge=1, le=2048, validation_alias=_name("ACADEME_UPLOAD_LIMIT_MEBIBYTES"), description="Largest upload."
    )

    # Learning records
    xapi_page_statements: int = Field(
        100,
        ge=1,
        le=1000,
        validation_alias=_name("ACADEME_XAPI_PAGE_STATEMENTS"),
        description="Most statements in one answer of the learning record store; the rest follows behind links.",
    )
    xapi_document_limit_mebibytes: int = Field(
        10,
        ge=1,
        le=512,
        validation_alias=_name("ACADEME_XAPI_DOCUMENT_LIMIT_MEBIBYTES"),
        description="Largest document (state, activity profile, agent profile) that the learning record store keeps.",
    )
    xapi_request_limit_mebibytes: int = Field(
        64,
        ge=1,
        le=2048,
        validation_alias=_name("ACADEME_XAPI_REQUEST_LIMIT_MEBIBYTES"),
        description="Largest request with statements and their attachments.",
    )
    xapi_intake_mebibytes: int = Field(
        128,
        ge=1,
        le=65_536,
        validation_alias=_name("ACADEME_XAPI_INTAKE_MEBIBYTES"),
        description="Bodies of statements that may wait to be stored, per server process; beyond, requests get 503.",
    )
    xapi_group_commit: bool = Field(
        True,
        validation_alias=_name("ACADEME_XAPI_GROUP_COMMIT"),
        description="Whether statements of several requests may share a transaction.",
    )
    xapi_spool_mebibytes: int = Field(
        0,
        ge=0,
        le=1_048_576,
        validation_alias=_name("ACADEME_XAPI_SPOOL_MEBIBYTES"),
        description=(
            "Statements that may wait in files of this machine while the database is away, for all server processes; "
            "0: none, requests get 503."
        ),
    )
    xapi_spool_grace_minutes: int = Field(
        60,
        ge=1,
        le=1440,
        validation_alias=_name("ACADEME_XAPI_SPOOL_GRACE_MINUTES"),
        description=(
            "With a spool, how long senders are believed that the database last confirmed, while it is away; nobody "
            "can revoke them meanwhile."
        ),
    )
    xapi_forward_statements: int = Field(
        200,
        ge=1,
        le=2000,
        validation_alias=_name("ACADEME_XAPI_FORWARD_STATEMENTS"),
        description="Most statements in one request to another learning record store.",
    )
    xapi_forward_mebibytes: int = Field(
        4,
        ge=1,
        le=256,
        validation_alias=_name("ACADEME_XAPI_FORWARD_MEBIBYTES"),
        description="Largest request to another learning record store, unless one statement alone is larger.",
    )
    xapi_forward_timeout_seconds: int = Field(
        30,
        ge=1,
        le=300,
        validation_alias=_name("ACADEME_XAPI_FORWARD_TIMEOUT_SECONDS"),
        description="Longest wait for the whole answer of another learning record store.",
    )
    xapi_forward_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias=_name("ACADEME_XAPI_FORWARD_NETWORKS"),
        description=(
            "Comma-separated networks, such as `10.1.0.0/16`, to which statements may be forwarded although they are "
            "not public, also without TLS; empty: in production none, in development this machine and private ones."
        ),
    )

    # Mail
    smtp_host: str = Field(
        "",
        validation_alias=_name("ACADEME_SMTP_HOST"),
        description="Server that takes our mail; empty: it is caught and shown at `/mail`, and in production it waits.",
    )
    smtp_port: int = Field(587, ge=1, le=65535, validation_alias=_name("ACADEME_SMTP_PORT"), description="Its port.")
    smtp_security: SmtpSecurity = Field(
        SmtpSecurity.STARTTLS,
        validation_alias=_name("ACADEME_SMTP_SECURITY"),
        description="`starttls`, `tls` from the first byte (port 465), or `none`, for a server on this machine.",
    )
    smtp_user: str = Field("", validation_alias=_name("ACADEME_SMTP_USER"), description="Account at the mail server.")
    smtp_password: SecretStr = Field(
        SecretStr(""), validation_alias=_name("ACADEME_SMTP_PASSWORD"), description="Its password."
    )
    mail_from: str = Field(
        "",
        pattern="^$|^[^@ <>]+@[^@ <>]+$",
        validation_alias=_name("ACADEME_MAIL_FROM"),
        description="Address that our mail comes from; empty: `no-reply` at the host of ACADEME_PUBLIC_URL.",
    )
    mail_return_address: str = Field(
        "",
        pattern="^$|^[^@ <>]+@[^@ <>]+$",
        validation_alias=_name("ACADEME_MAIL_RETURN_ADDRESS"),
        description="Address of our own mailbox for bounces and for a copy of each letter; empty: there is none.",
    )
    mail_return_folder: Path | None = Field(
        None,
        validation_alias=_name("ACADEME_MAIL_RETURN_FOLDER"),
        description="Maildir of that mailbox, which the worker reads and empties; without it, people settle doubts.",
    )
    mail_settle_seconds: int = Field(
        900,
        ge=1,
        le=86_400,
        validation_alias=_name("ACADEME_MAIL_SETTLE_SECONDS"),
        description="How long after a broken handing over the copy of a letter may still arrive in our mailbox.",
    )
    mail_per_minute: int = Field(
        600, ge=1, le=1_000_000, validation_alias=_name("ACADEME_MAIL_PER_MINUTE"), description="Most letters a minute."
    )
    mail_connections: int = Field(
        2, ge=1, le=50, validation_alias=_name("ACADEME_MAIL_CONNECTIONS"), description="Connections of a worker."
    )

    # Watching it
    log_level: str = Field(
        "INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        validation_alias=_name("ACADEME_LOG_LEVEL"),
        description="`DEBUG`, `INFO`, `WARNING` or `ERROR`.",
    )
    log_json: bool = Field(
        False, validation_alias=_name("ACADEME_LOG_JSON"), description="Log JSON lines instead of readable ones."
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        validation_alias=_name("ACADEME_METRICS_TOKEN"),
        description="Bearer token that may read `/metrics`; empty: only requests from this machine may.",
    )

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        lists = (
            *("ACADEME_ENCRYPTION_MASTER_KEYS", "ACADEME_ALLOWED_HOSTS"),
            *("ACADEME_XAPI_FORWARD_NETWORKS", "ACADEME_SIGN_IN_PROVIDER_NETWORKS", "ACADEME_WEBHOOK_NETWORKS"),
        )
        names = {each for listed in lists for each in (listed, listed.removeprefix("ACADEME_"))}
        return {
            name: tuple(part.strip() for part in value.split(",") if part.strip())
            if name.upper() in names and isinstance(value, str)
            else value
            for name, value in values.items()
            if value != ""
        }

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Self:
        for key in self.encryption_master_keys:
            _decoded_key(key.get_secret_value())
        _ = self.forward_networks, self.provider_networks, self.webhook_reach
        secret = self.secret_key.get_secret_value()
        if secret and (len(secret) < MINIMUM_SECRET_LENGTH or "change-me" in secret):
            raise ValueError(
                f"ACADEME_SECRET_KEY needs {MINIMUM_SECRET_LENGTH} characters or more, and not the example's"
            )
        if self.environment is Environment.PRODUCTION:
            if not secret:
                raise ValueError("ACADEME_SECRET_KEY must be set when ACADEME_ENVIRONMENT is production")
            if not self.encryption_master_keys:
                raise ValueError("ACADEME_ENCRYPTION_MASTER_KEYS must be set when ACADEME_ENVIRONMENT is production")
            if "*" in self.allowed_hosts:
                raise ValueError("ACADEME_ALLOWED_HOSTS must name the hosts when ACADEME_ENVIRONMENT is production")
        return self

    @property
    def is_production(self) -> bool:
        """Whether this installation serves real people."""
        return self.environment is Environment.PRODUCTION

    @property
    def cookies_need_https(self) -> bool:
        """Whether cookies carry `Secure`."""
        return self.secure_cookies or self.is_production

    @cached_property
    def signing_key(self) -> bytes:
        """The key that signs cookies and cursors."""
        secret = self.secret_key.get_secret_value()
        return (secret or self._installation_secrets["secret_key"]).encode()

    @cached_property
    def master_keys(self) -> tuple[bytes, ...]:
        """The master keys of field encryption, 32 bytes each, newest first."""
        given = tuple(key.get_secret_value() for key in self.encryption_master_keys)
        return tuple(_decoded_key(key) for key in given or (self._installation_secrets["encryption_master_key"],))

    @cached_property
    def forward_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks to which statements may be forwarded whatever they are."""
        return _networks("ACADEME_XAPI_FORWARD_NETWORKS", self.xapi_forward_networks)

    @cached_property
    def provider_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks in which sign-in providers are asked whatever they are."""
        return _networks("ACADEME_SIGN_IN_PROVIDER_NETWORKS", self.sign_in_provider_networks)

    @cached_property
    def webhook_reach(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks to which webhooks may be sent whatever they are."""
        return _networks("ACADEME_WEBHOOK_NETWORKS", self.webhook_networks)

    @cached_property
    def _installation_secrets(self) -> dict[str, str]:
        return _secrets_made_once(self.data_dir / "secrets.json")


def _networks(setting: str, networks: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(network) for network in networks)
    except ValueError as error:
        raise ValueError(f"{setting}: {error}") from error


def _decoded_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("ACADEME_ENCRYPTION_MASTER_KEYS: a key is not base64") from error
    if len(key) != 32:
        raise ValueError(f"ACADEME_ENCRYPTION_MASTER_KEYS: a key has {len(key)} bytes instead of 32")
    return key


def _secrets_made_once(path: Path) -> dict[str, str]:
    """Read this development installation's secrets, made at the first call; processes agree on one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {
        "secret_key": secrets.token_urlsafe(48),
        "encryption_master_key": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        draft.write_text(json.dumps(made))
        draft.chmod(0o600)
        try:
            os.link(draft, path)  # fails when another process was first; its secrets are then read below
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    stored: dict[str, str] = json.loads(path.read_text())
    return stored


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
