"""Structured logs without personal data.

Every line carries the id of the request it belongs to. Lines go to standard error, readable or as JSON; the
standard library's loggers (uvicorn, the jobs library) take the same way. Personal data stays out by three
rules: callers log ids and route templates only, fields with telling names are blanked here, and of an
exception only its type, its frames and what is certain to hold no data are kept.
"""

import io
import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, TextIO, cast

import structlog
from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import FilteringBoundLogger, Processor

from academe.platform.errors import AcademeError
from academe.platform.settings import Settings

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request being answered, empty outside of one."""

BLANK: Final = "[left out]"
_PERSONAL: Final = frozenset(
    (
        "address",
        "authorization",
        "body",
        "client",
        "cookie",
        "cookies",
        "display_name",
        "email",
        "family_name",
        "given_name",
        "headers",
        "host",
        "ip",
        "label",
        "login",
        "name",
        "parameters",
        "params",
        "password",
        "path",
        "person",
        "phone",
        "preferred_name",
        "query",
        "query_string",
        "secret",
        "student_number",
        "token",
        "url",
        "user",
        "username",
    )
)
_CHATTY: Final = ("asyncio", "catboost", "httpcore", "httpx", "procrastinate", "urllib3")
"""Libraries that say too much below a warning; the clients of HTTP would log whole addresses."""

_DEEPEST: Final = 30

Event = MutableMapping[str, Any]
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class _StandardError(io.TextIOBase):
    """Standard error as it is at the moment of writing, whoever has put something else in its place since."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


class _Handler(logging.StreamHandler[TextIO]):
    """The way of the standard library's loggers; told apart from the handlers of others, which stay."""


def configure_logging(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send every log line of this process to standard error (or `stream`), as the settings say."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    out = stream or cast(TextIO, _StandardError())
    shared = _shared_processors(show_messages=not settings.is_production)
    rendering = _rendering(out, as_json=settings.log_json)
    _configure_structlog(level, out, [*shared, rendering])
    handler = _Handler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, rendering],
        )
    )
    root = logging.getLogger()
    for other in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _shared_processors(*, show_messages: bool) -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        _add_request_id,
        _blank_personal_fields,
        _ExceptionsWithoutData(show_messages=show_messages),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _rendering(out: TextIO, *, as_json: bool) -> Processor:
    return structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=out.isatty())


def _configure_structlog(level: int, out: TextIO, processors: list[Processor]) -> None:
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
    )


def get_logger() -> FilteringBoundLogger:
    """A logger: `log.info("roster.imported", rows=50)`; the event is dotted and in the past tense."""
    return cast(FilteringBoundLogger, structlog.get_logger())


def _add_request_id(_logger: object, _method: str, event: Event) -> Event:
    current = request_id.get()
    if current:
        event.setdefault("request_id", current)
    return event


def _add_logger_name(_logger: object, _method: str, event: Event) -> Event:
    record: logging.LogRecord | None = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event


def _blank_personal_fields(_logger: object, _method: str, event: Event) -> Event:
    for key in _PERSONAL & event.keys():
        event[key] = BLANK
    return event


class _ExceptionsWithoutData:
    """Replaces `exc_info` by the exception's type and frames, and its message where that holds no data."""

    def __init__(self, *, show_messages: bool) -> None:
        self._show_messages = show_messages

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        given = event.pop("exc_info", None)
        error = given if isinstance(given, BaseException) else None
        if isinstance(given, tuple):
            error = given[1]
        elif given and error is None:
            error = sys.exc_info()[1]
        if error is not None:
            event["exception"] = "\n".join(self._lines(error))
        return event

    def _lines(self, error: BaseException) -> list[str]:
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        lines = [*self._lines(cause), "which led to"] if cause is not None else []
        frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
        lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        return [*lines, f"{type(error).__module__}.{type(error).__qualname__}: {self._message(error)}"]

    def _message(self, error: BaseException) -> str:
        if isinstance(error, AcademeError):
            return error.message
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        if state is not None or isinstance(error, SQLAlchemyError):
            diagnosis = getattr(getattr(error, "orig", error), "diag", None)
            places = [getattr(diagnosis, f"{what}_name", None) for what in ("table", "column", "constraint")]
            return " ".join(["SQLSTATE", str(state), *(place for place in places if place)])
        return str(error) if self._show_messages else BLANK


def _configure_until_settings_are_read() -> None:
    """The library's own default would print the local variables of every frame of an exception."""
    out = cast(TextIO, _StandardError())
    _configure_structlog(
        logging.WARNING, out, [*_shared_processors(show_messages=False), _rendering(out, as_json=False)]
    )


_configure_until_settings_are_read()
