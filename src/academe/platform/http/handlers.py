"""Which error becomes which answer. Bad input is told in full; our own faults are logged and told by number
only.
"""

from collections.abc import Sequence
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from academe.platform.errors import AcademeError, FieldError
from academe.platform.http.database_errors import explained
from academe.platform.http.problems import (
    UNEXPECTED,
    Failure,
    failure_of,
    failure_of_status,
    respond,
    wants_page,
)
from academe.platform.logging import get_logger

_log = get_logger()


def install_handlers(app: FastAPI) -> None:
    """Let every error of a route end in an answer; what is not listed here ends in `answer_unexpected`."""
    app.add_exception_handler(AcademeError, _academe_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(SQLAlchemyError, _database_error)


def answer_unexpected(request: Request, error: Exception) -> Response:
    """Log a fault of ours with the request's id and answer without a word about it."""
    _log.error("request.failed", exc_info=error)
    return respond(request, UNEXPECTED)


async def _academe_error(request: Request, error: Exception) -> Response:
    known = cast(AcademeError, error)
    if known.status >= 500:
        _log.error("request.failed", exc_info=known)
    return respond(request, failure_of(known))


async def _database_error(request: Request, error: Exception) -> Response:
    told = explained(cast(SQLAlchemyError, error))
    if told is None:
        return answer_unexpected(request, error)
    log = _log.error if told.status >= 500 else _log.info
    log("database.refused", exc_info=error)
    return respond(request, failure_of(told))


async def _http_exception(request: Request, error: Exception) -> Response:
    known = cast(HTTPException, error)
    return respond(request, failure_of_status(known.status_code, headers=known.headers))


async def _validation_error(request: Request, error: Exception) -> Response:
    faults = cast(RequestValidationError, error).errors()
    if wants_page(request) and any(fault["loc"][0] == "path" for fault in faults):
        return respond(request, failure_of_status(404))  # an address that cannot exist, to a person: nothing there
    in_body = all(fault["loc"][0] == "body" for fault in faults)
    fields = [FieldError(_field_name(fault), _message(fault)) for fault in faults]
    detail = "; ".join(f"{each.field or 'body'}: {each.message}" for each in fields[:3])
    return respond(
        request,
        Failure(422, "invalid-input", "Please correct the input", detail, fields, in_body=in_body),
    )


def _field_name(fault: dict[str, Any]) -> str:
    location: Sequence[str | int] = fault["loc"]
    if fault["type"] == "json_invalid":
        return ""
    return ".".join(str(step) for step in location[1:])


def _message(fault: dict[str, Any]) -> str:
    message: str = fault["msg"]
    if fault["type"] == "json_invalid":
        return f"is not JSON: {fault['ctx']['error']} at character {fault['loc'][1]}"
    return message[:1].lower() + message[1:]
