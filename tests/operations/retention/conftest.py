"""Browsers of the school at home, as the tests of identity have them."""

from tests.identity.conftest import app, away, browser, home, password_hash, sign_in_as

__all__ = ["app", "away", "browser", "home", "password_hash", "sign_in_as"]
