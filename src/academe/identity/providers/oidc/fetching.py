"""Asking a provider: bounded in time and size, without redirects, and only where requests of ours may go."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

import httpx

from academe.identity.providers.errors import ProviderFailedError
from academe.platform.http.outbound import AddressRefusedError, CheckedTransport, Reach
from academe.platform.settings import Settings

SECONDS: Final = 10
LONGEST_ANSWER: Final = 512 * 1024


async def fetched(
    settings: Settings,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    basic: tuple[str, str] | None = None,
    bearer: str | None = None,
) -> dict[str, Any]:
    """The JSON object at an address, by GET, or by POST of a form. Raises ProviderFailedError, with what is wrong."""
    reach = Reach(settings.provider_networks, "ACADEME_SIGN_IN_PROVIDER_NETWORKS", settings.is_production)
    headers = {"accept": "application/json", **({"authorization": f"Bearer {bearer}"} if bearer else {})}
    auth = httpx.BasicAuth(*basic) if basic else None
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(transport=CheckedTransport(reach), timeout=SECONDS, trust_env=False) as client,
            client.stream("GET" if form is None else "POST", url, data=form, headers=headers, auth=auth) as response,
        ):
            body = await _read(response)
            status = response.status_code
    except (httpx.HTTPError, httpx.InvalidURL, AddressRefusedError, TimeoutError) as error:
        raise ProviderFailedError(f"{_place(url)} does not answer: {_words(error)}") from error
    if status != httpx.codes.OK:
        raise ProviderFailedError(f"{_place(url)} answers with {status}{_said(body)}.")
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise ProviderFailedError(f"{_place(url)} answers with something else than JSON.") from error
    if not isinstance(answer, dict):
        raise ProviderFailedError(f"{_place(url)} answers with something else than a JSON object.")
    return answer


async def _read(response: httpx.Response) -> bytes:
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > LONGEST_ANSWER:
            raise httpx.RemoteProtocolError("the answer is too long")
    return bytes(read)


def _place(url: str) -> str:
    """The address without its query, which may hold what is not for everybody."""
    return url.partition("?")[0]


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"nothing came for {SECONDS} seconds."
    return f"{str(error).rstrip('.') or type(error).__name__}."


def _said(body: bytes) -> str:
    """The error code of OAuth 2 (RFC 6749, section 5.2) in a refusal, when there is one."""
    try:
        code = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({code})" if isinstance(code, str) and code.replace("_", "").isalnum() else ""
