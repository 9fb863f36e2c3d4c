"""Random requests to every route of the application, with objects of both schools in their addresses and bodies."""

import inspect
import random
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from urllib.parse import urlencode
from uuid import UUID

from fastapi.routing import APIRoute
from pydantic import BaseModel

NOT_ASKED: Final[Mapping[str, str]] = {
    "/health/ready": "asks for several transactions at a time, which a test that is rolled back has not",
    "/metrics": "figures of the machine, behind a token of its own",
    "/models": "the matrix has models without a card; cards hold nobody's data",
    "/models/{model_id}": "the matrix has models without a card; cards hold nobody's data",
    "/models/{model_id}/fairness": "the matrix has models without a card; cards hold nobody's data",
    "/notifications/stream": "never ends; tests/messaging asks it",
    "/sign-in/providers/{provider_id}": "asks a provider on the network",
    "/sign-in/providers/{provider_id}/callback": "asks a provider on the network",
    "/account/security/providers/{provider_id}/connect": "asks a provider on the network",
    "/settings/providers/{provider_id}/try": "asks a provider on the network",
    "/api/v1/sign-in-providers/{provider_id}/try": "asks a provider on the network",
}
"""Routes that are left out, each with its reason."""

_TABLE_OF: Final = {
    "other_id": "person",
    "student_id": "student_record",
    "entry_id": "audit_entry",
    "caught_id": "caught_mail",
    "identity_id": "sign_in_identity",
    "mail_id": "mail_message",
    "sender_id": "xapi_sender",
    "hold_id": "legal_hold",
    "provider_id": "identity_provider",
    "grant_id": "role_grant",
    "token_id": "api_token",
    "letter_id": "xapi_forward_letter",
    "model_id": "risk_model",
    "institution_id": "org_unit",
    "upload_id": "roster_upload",
    "statement_id": "xapi_statement",
    "session_id": "account_session",
    "forward_id": "xapi_forward",
    "import_id": "people_import",
    "staff_id": "offering_staff",
    "export_id": "subject_export",
    "set_aside_id": "xapi_set_aside",
    "node": "org_unit",
    "parent_id": "org_unit",
    "program": "program",
    "guardian_id": "person",
    "opening_id": "emergency_opening",
    "form": "",
}
_WORDS: Final = (
    "",
    "a",
    "student",
    "zq",
    "of away",
    "of home",
    "100",
    "e",
    "2026-10-01",
    "csv",
    "1",
    "true",
    "x@y.example",
)
_CSV: Final = b"sourced_id,display_name,given_name\nnew1,Ada New,Ada\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what httpx needs."""

    method: str
    url: str
    json: Any = None
    form: Mapping[str, str] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] | None = None


class Requests:
    """Makes requests. `ids` are keys of rows by table, of both schools; `tables` every name of a table."""

    def __init__(
        self, chance: random.Random, routes: Sequence[APIRoute], ids: Mapping[str, Sequence[str]], tables: Sequence[str]
    ) -> None:
        self._chance = chance
        self._routes = [route for route in routes if route.path not in NOT_ASKED]
        self._ids = ids
        self._all = [each for ids_of_table in ids.values() for each in ids_of_table]
        self._tables = tables

    def any(self) -> tuple[APIRoute, Asked]:
        """One more request."""
        route = self._chance.choice(self._routes)
        method = self._chance.choice(sorted((route.methods or {"GET"}) - {"HEAD"}))
        path = re.sub(r"{(\w+)(?::\w+)?}", lambda found: self._part(found.group(1)), route.path)
        query = {name: self._word(name, kind) for name, kind in _query(route) if self._chance.random() < 0.4}
        if route.path.endswith("/row"):
            query["key"] = self._chance.choice(self._all)
        url = f"{path}?{urlencode(query)}" if query else path
        accept = "application/json" if "/api/" in route.path else "text/html"
        headers = {"Accept": accept, "Sec-Fetch-Site": "same-origin"}
        if self._chance.random() < 0.3:
            headers["HX-Request"] = "true"
        if method == "GET":
            return route, Asked(method, url, headers=headers)
        if route.body_field is not None:
            kind = route.body_field.field_info.annotation
            if kind is bytes:
                return route, Asked(method, url, content=_CSV, headers={**headers, "Content-Type": "text/csv"})
            return route, Asked(method, url, json=self._json(kind, ""), headers=headers)
        form = {name: self._word(name, str) for name in _form_fields(route) if self._chance.random() < 0.8}
        return route, Asked(method, url, form=form, headers=headers)

    def _part(self, name: str) -> str:
        if name == "name":
            return self._chance.choice(self._tables)
        if name == "form":
            return self._chance.choice(("csv", "json", "jsonl"))
        return self._id(name)

    def _id(self, name: str) -> str:
        table = _TABLE_OF.get(name, re.sub(r"_ids?$", "", name))
        return self._chance.choice((self._ids.get(table) if self._chance.random() < 0.95 else None) or self._all)

    def _word(self, name: str, kind: Any) -> str:
        value = self._json(kind, name)
        return str(value if not isinstance(value, list) else (value or [""])[0]) if value is not None else ""

    def _json(self, kind: Any, name: str) -> Any:
        """A value that JSON can carry, of a type of Python or near it."""
        origin, parts = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return self._json(parts[0], name)
        if origin in (Union, types.UnionType):
            return self._json(self._chance.choice(parts), name)
        if origin is Literal:
            return self._chance.choice(parts)
        if origin in (list, tuple, set, frozenset) or kind in (list, tuple):
            return [self._json(parts[0] if parts else str, name)] if self._chance.random() < 0.8 else []
        if origin is dict or kind is dict:
            return {}
        if not inspect.isclass(kind) or kind is type(None):
            return None
        if issubclass(kind, BaseModel):
            return {
                field: self._json(info.annotation, field)
                for field, info in kind.model_fields.items()
                if info.is_required() or self._chance.random() < 0.6
            }
        return self._plain(kind, name)

    def _plain(self, kind: type, name: str) -> Any:
        chance = self._chance
        if issubclass(kind, Enum):
            return chance.choice(list(kind)).value
        if issubclass(kind, bool):
            return chance.choice((True, False))
        if issubclass(kind, int | float | Decimal):
            return chance.choice((0, 1, 3, 50))
        if issubclass(kind, datetime):
            return chance.choice(("2026-10-06T10:00:00Z", "2030-01-01T00:00:00Z"))
        if issubclass(kind, date):
            return chance.choice(("2026-10-06", "2030-01-01"))
        looks_like_id = issubclass(kind, UUID) or name.endswith(("_id", "_ids")) or name in _TABLE_OF
        return self._id(name) if looks_like_id else chance.choice(_WORDS)


def _query(route: APIRoute) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    waiting = [route.dependant]
    while waiting:
        one = waiting.pop()
        found += [(field.alias, field.field_info.annotation) for field in one.query_params if field.alias != "cursor"]
        waiting += one.dependencies
    return found


def _form_fields(route: APIRoute) -> list[str]:
    """The names that a form may have: of the form classes beside the endpoint, and those that it reads itself."""
    endpoint = inspect.unwrap(route.endpoint)
    beside = [each for name, each in endpoint.__globals__.items() if name.endswith("Form") and inspect.isclass(each)]
    named = [field for each in beside if issubclass(each, BaseModel) for field in each.model_fields]
    return sorted({*named, *re.findall(r"(?:get|getlist)\(\"(\w+)\"", inspect.getsource(endpoint))})
