"""Logs are structured, carry the request's id, and hold no data of people."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy.exc import IntegrityError

from academe.platform.errors import ConflictError
from academe.platform.logging import BLANK, configure_logging, get_logger, request_id
from academe.platform.settings import Environment, Settings

SETTINGS = Settings(_env_file=None, secret_key=SecretStr("x" * 40), log_json=True)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level


def logged(out: io.StringIO) -> dict[str, Any]:
    (line,) = out.getvalue().splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def open_log(**changes: object) -> io.StringIO:
    out = io.StringIO()
    configure_logging(SETTINGS.model_copy(update=changes), stream=out)
    return out


class TestLines:
    def test_hold_the_event_its_fields_and_when(self) -> None:
        out = open_log()
        get_logger().info("roster.imported", rows=50)
        line = logged(out)
        assert (line["event"], line["rows"], line["level"]) == ("roster.imported", 50, "info")
        assert line["timestamp"].endswith("Z")

    def test_carry_the_id_of_the_request(self) -> None:
        out = open_log()
        token = request_id.set("abc")
        get_logger().info("something")
        request_id.reset(token)
        assert logged(out)["request_id"] == "abc"

    def test_of_the_standard_library_take_the_same_way(self) -> None:
        out = open_log()
        logging.getLogger("uvicorn.error").warning("port %d is busy", 8000)
        line = logged(out)
        assert (line["event"], line["logger"]) == ("port 8000 is busy", "uvicorn.error")

    def test_below_the_level_are_left_out(self) -> None:
        out = open_log(log_level="WARNING")
        get_logger().info("unimportant")
        logging.getLogger("trial").info("unimportant")
        assert out.getvalue() == ""

    def test_are_readable_without_json(self) -> None:
        out = open_log(log_json=False)
        get_logger().warning("disk.nearly_full", free=3)
        assert "disk.nearly_full" in out.getvalue()
        assert "free" in out.getvalue()

    def test_configuring_again_does_not_double_them(self) -> None:
        open_log()
        out = open_log()
        logging.getLogger("trial").warning("once")
        assert len(out.getvalue().splitlines()) == 1


class TestPersonalData:
    @pytest.mark.parametrize(
        "name", ["email", "display_name", "family_name", "ip", "cookie", "password", "query_string"]
    )
    def test_fields_with_telling_names_are_blanked(self, name: str) -> None:
        out = open_log()
        get_logger().info("person.seen", **{name: "Anna"})
        assert logged(out)[name] == BLANK

    def test_the_clients_of_http_do_not_log_addresses(self) -> None:
        out = open_log()
        logging.getLogger("httpx").info("GET http://x/people?name=anna")
        assert out.getvalue() == ""


class TestExceptions:
    def told(self, error: Exception, **changes: object) -> str:
        out = open_log(**changes)
        try:
            raise error
        except (ValueError, ConflictError, IntegrityError) as caught:
            get_logger().error("it.failed", exc_info=caught)
        text: str = logged(out)["exception"]
        return text

    def test_name_type_and_frames(self) -> None:
        text = self.told(ValueError("Anna"))
        assert "in told" in text
        assert "builtins.ValueError: Anna" in text

    def test_keep_their_message_to_themselves_in_production(self) -> None:
        text = self.told(ValueError("Anna"), environment=Environment.PRODUCTION)
        assert "ValueError" in text
        assert "Anna" not in text

    def test_of_ours_are_safe_to_tell_everywhere(self) -> None:
        text = self.told(ConflictError("The term is closed."), environment=Environment.PRODUCTION)
        assert "The term is closed." in text

    def test_of_the_database_say_where_and_never_what(self) -> None:
        cause = psycopg.errors.UniqueViolation("Key (email)=(anna@a.test) already exists. SQLSTATE")
        text = self.told(IntegrityError("INSERT", {"email": "anna@a.test"}, cause))
        assert "SQLSTATE 23505" in text
        assert "anna" not in text

    def test_tell_what_led_to_them(self) -> None:
        try:
            try:
                raise KeyError("first")
            except KeyError as error:
                raise ConflictError("second") from error
        except ConflictError as error:
            text = self.told(error)
        assert text.index("KeyError") < text.index("which led to") < text.index("second")
