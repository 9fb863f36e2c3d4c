"""Sign-in providers for tests: an independent one as a process of its own, and one that says whatever a test wants."""

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey


@contextmanager
def independent_provider() -> Iterator[str]:
    """The address of a running oidc-provider-mock, which takes any client and any user."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    environment = os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 20
        while not _answers(url):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("the provider did not start")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def tell_user(url: str, subject: str, **claims: object) -> None:
    """Let the independent provider know what to say of somebody."""
    httpx.put(f"{url}/users/{quote(subject, safe='')}", json=claims, trust_env=False).raise_for_status()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/jwks", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


Change = Callable[[dict[str, Any]], None]


@dataclass
class MadeProvider:
    """A provider on this machine that signs what a test wants and checks PKCE; `issuer` is its address."""

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}))
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    change: Change = lambda _: None
    document: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    authorization: str = ""
    redirects_to: str = ""

    def authorize(self, address: str) -> str:
        """What a browser brings back from the address that it was sent to: a query with a code."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return f"{self.asked['redirect_uri']}?code=a-code&state={quote(self.asked['state'])}"

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """A token of this provider."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, **header}, claims, self.key)

    def answer(self, path: str) -> Any:
        """The JSON of an address."""
        if path == "/.well-known/openid-configuration":
            addresses = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            found = {name: f"{self.issuer}/{where}" for name, where in addresses.items()}
            return {"issuer": self.issuer, **found, **self.document}
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        verifier = hashlib.sha256(self.form.get("code_verifier", "").encode()).digest()
        assert base64.urlsafe_b64encode(verifier).decode().rstrip("=") == self.asked["code_challenge"]
        now = int(time.time())
        access = "an-access-token"
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = {
            "iss": self.issuer,
            "aud": self.asked["client_id"],
            "nonce": self.asked["nonce"],
            "sub": "subject",
            "iat": now,
            "exp": now + 300,
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
            **self.claims,
        }
        self.change(claims)
        return {"access_token": access, "token_type": "Bearer", "id_token": self.signed(claims, **self.header)}


@contextmanager
def made_provider() -> Iterator[MadeProvider]:
    """Such a provider, running."""
    made = MadeProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if made.redirects_to:
                self.send_response(302)
                self.send_header("Location", made.redirects_to)
                self.end_headers()
                return
            body = json.dumps(made.answer(self.path)).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made.form = {name: values[0] for name, values in parse_qs(sent).items()}
            made.authorization = self.headers.get("Authorization", "")
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its signature
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
