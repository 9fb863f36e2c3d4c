"""What pages of signing in know of the browser: where it is, what cookies it has, and where it may be sent."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from academe.identity.sign_in.sessions import OpenedSession
from academe.identity.sign_in.unfinished import LIFETIME, SecondStep
from academe.platform.http.cookies import session_cookie_name, step_cookie_name
from academe.platform.http.rate_limit import network_of
from academe.platform.settings import Settings


@dataclass(frozen=True, slots=True)
class CameFrom:
    """Where a request to sign in comes from; `session_token` is of the session that the browser has at present."""

    network: str
    user_agent: str
    session_token: str | None

    @classmethod
    def of(cls, request: Request) -> "CameFrom":
        """Read it from a request."""
        network = network_of(request.client.host) if request.client else ""
        token = request.cookies.get(session_cookie_name(_settings(request)))
        return cls(network, request.headers.get("user-agent", ""), token)


def keep_session(request: Request, response: Response, opened: OpenedSession) -> None:
    """Give the browser its session; whatever step it was in is over."""
    set_cookie(
        request, response, session_cookie_name(_settings(request)), opened.token, opened.lifetime.total_seconds()
    )
    if step_token(request) is not None:
        forget_step(request, response)


def keep_step(request: Request, response: Response, step: SecondStep) -> None:
    """Let the browser remember that it has shown the password."""
    set_cookie(request, response, step_cookie_name(_settings(request)), step.token, LIFETIME.total_seconds())


def step_token(request: Request) -> str | None:
    """The token of the step that the browser is in."""
    return request.cookies.get(step_cookie_name(_settings(request)))


def forget_session(request: Request, response: Response) -> None:
    """Take the browser's session away from it."""
    _delete(request, response, session_cookie_name(_settings(request)))


def forget_step(request: Request, response: Response) -> None:
    """Let the browser begin again."""
    _delete(request, response, step_cookie_name(_settings(request)))


def local_path(address: str) -> str:
    """The address when it is a path of this application, else `/`: a sign-in must not lead to another site."""
    parts = urlsplit(address)
    elsewhere = parts.scheme or parts.netloc or address.startswith("//") or "\\" in address
    if elsewhere or not address.startswith("/") or not address.isprintable() or address.startswith("/sign-in"):
        return "/"
    return address


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: float) -> None:
    """A cookie that scripts cannot read and other sites do not send."""
    secure = _settings(request).cookies_need_https
    response.set_cookie(name, value, max_age=int(seconds), path="/", secure=secure, httponly=True, samesite="lax")


def _delete(request: Request, response: Response, name: str) -> None:
    secure = _settings(request).cookies_need_https
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
