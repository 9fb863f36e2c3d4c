"""One-time codes against the vectors of the standard, and recovery codes."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from academe.identity.second_factor.codes import as_typed, code_hash, new_codes
from academe.identity.second_factor.totp import accepted_step, app_address, code_at, new_secret, picture_of, step_of

SECRET = base64.b32encode(b"12345678901234567890").decode()
NOON = datetime(2026, 11, 20, 12, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    """Appendix B, SHA-1; it prints eight digits, of which ours are the last six."""
    assert code_at(SECRET, step_of(datetime.fromtimestamp(seconds, UTC))) == code[-6:]


class TestAcceptance:
    @pytest.mark.parametrize("steps", [-1, 0, 1])
    def test_one_step_to_either_side(self, steps: int) -> None:
        present = step_of(NOON)
        assert accepted_step(SECRET, code_at(SECRET, present + steps), now=NOON) == present + steps

    @pytest.mark.parametrize("steps", [-2, 2])
    def test_no_further(self, steps: int) -> None:
        assert accepted_step(SECRET, code_at(SECRET, step_of(NOON) + steps), now=NOON) is None

    def test_nothing_up_to_the_last_one_accepted(self) -> None:
        present = step_of(NOON)
        assert accepted_step(SECRET, code_at(SECRET, present), now=NOON, after=present) is None
        assert accepted_step(SECRET, code_at(SECRET, present - 1), now=NOON, after=present) is None
        later = NOON + timedelta(seconds=30)
        assert accepted_step(SECRET, code_at(SECRET, present + 1), now=later, after=present) == present + 1

    @pytest.mark.parametrize("typed", ["", "12345", "öööööö", "1" * 40])
    def test_what_is_no_code(self, typed: str) -> None:
        assert accepted_step(SECRET, typed, now=NOON) is None


def test_secrets_are_long_and_differ() -> None:
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    assert {len(base64.b32decode(secret)) for secret in made} == {20}


def test_the_address_for_apps() -> None:
    parts = urlsplit(app_address(SECRET, holder="ann@home.example", issuer="University: of Home"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/University%20%20of%20Home%3Aann@home.example"
    assert parse_qs(parts.query) == {
        "secret": [SECRET],
        "issuer": ["University: of Home"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }


def test_the_picture_needs_no_style() -> None:
    drawn = picture_of(app_address(SECRET, holder="ann@home.example", issuer="University of Home"))
    assert drawn.startswith('<svg viewBox="0 0 ')
    assert "style" not in drawn
    assert "script" not in drawn


def test_recovery_codes_are_ten_and_read_as_people_type_them() -> None:
    codes = new_codes()
    assert len(set(codes)) == 10
    assert all(len(as_typed(code)) == 16 for code in codes)
    assert code_hash(codes[0]) == code_hash(f" {codes[0].upper().replace('-', ' ')} ")
