"""One request to the LRS and its answer, as handlers see them: read, checked and without a framework."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from academe.lrs.http.errors import ScopeError
from academe.lrs.senders.types import Scope, Sender
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database
from academe.platform.errors import AcademeError

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that named its version and whose sender is known.

    `parameters` are those of the query string, each given once; `headers` have names in lower case. A HEAD request is
    a GET here; the edge drops the body of the answer.
    """

    method: str
    resource: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    version: Version
    sender: Sender
    database: Database


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; the edge adds the version and the headers that every answer has.

    `stored` is how many statements the request brought that are now in the store.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    stored: int = 0


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Method:
    """What one method of a resource does: the handler, the parameters it knows, and the scopes that allow it.

    The edge refuses other parameters (400) and senders that hold none of the scopes (`scope_error`). With `scopes`
    empty, everybody may ask, with or without credentials.
    """

    handler: Handler
    parameters: frozenset[str]
    scopes: frozenset[Scope]
    scope_error: type[AcademeError] = ScopeError


Resource = Mapping[str, Method]
"""The methods of a resource by name; HEAD is GET."""
