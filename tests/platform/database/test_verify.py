"""`academe db verify` finds what is wrong with a database and says what would mend it."""

from collections.abc import Callable

import pytest
from pydantic import PostgresDsn

from academe.platform.database.discovery import import_models
from academe.platform.database.engine import database_url
from academe.platform.database.verify import Check, verify
from academe.platform.settings import Settings
from tests.support.databases import ServerOfTests

DROP_POLICIES = """
    DO $$ DECLARE name name; BEGIN
        FOR name IN SELECT polname FROM pg_policy WHERE polrelid = 'job'::regclass
        LOOP EXECUTE format('DROP POLICY %I ON job', name); END LOOP;
    END $$
"""

Harm = Callable[[str], None]


@pytest.fixture
def harm(server: ServerOfTests, own_settings: Settings) -> Harm:
    """Runs statements as a superuser."""

    def run(statements: str) -> None:
        with server.superuser(database_url(own_settings).database or "") as connection:
            connection.execute(statements.encode())

    return run


def faults(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in verify(settings, import_models()) if not check.ok}


def test_a_migrated_database_is_fit(own_settings: Settings) -> None:
    checks = verify(own_settings, import_models())
    assert [check for check in checks if not check.ok or check.fix] == []
    assert {"connection", "version", "migrations", "role academe_app", "row-level security"} <= {
        check.name for check in checks
    }


def test_a_server_that_does_not_answer(own_settings: Settings) -> None:
    nowhere = PostgresDsn("postgresql+psycopg://academe_app@127.0.0.1:1/academe")
    found = faults(own_settings.model_copy(update={"database_url": nowhere}))
    assert list(found) == ["connection"]
    assert "DATABASE_URL" in found["connection"].fix


@pytest.mark.parametrize(
    ("statements", "name", "detail"),
    [
        ("UPDATE alembic_version SET version_num = 'say_who_acts'", "migrations", "at say_who_acts, this release"),
        ("ALTER TABLE job DISABLE ROW LEVEL SECURITY", "row-level security", "job has no row-level security"),
        (
            DROP_POLICIES,
            "row-level security",
            "job has no policy",
        ),
        ("ALTER TABLE outbox_receipt OWNER TO academe_app", "role academe_app", "owns outbox_receipt"),
        ("GRANT CREATE ON SCHEMA public TO academe_app", "role academe_app", "may create tables"),
        ("DROP EXTENSION pg_trgm CASCADE", "extension pg_trgm", "missing"),
    ],
)
def test_harm_is_found(own_settings: Settings, harm: Harm, statements: str, name: str, detail: str) -> None:
    harm(statements)
    found = faults(own_settings)
    assert detail in found[name].detail
    assert found[name].fix


def test_rights_on_a_partition_are_found(own_settings: Settings, harm: Harm) -> None:
    harm(
        "DO $$ BEGIN EXECUTE (SELECT 'GRANT SELECT ON ' || max(relname) || ' TO academe_app' FROM pg_class"
        " WHERE relname LIKE 'audit\\_entry\\_y%m__'); END $$"
    )
    assert "academe_app may use audit_entry_y" in faults(own_settings)["rights on partitions"].detail


def test_partitions_that_end_are_found(own_settings: Settings, harm: Harm) -> None:
    harm(
        "DO $$ DECLARE part regclass; BEGIN FOR part IN SELECT inhrelid FROM pg_inherits"
        " WHERE inhparent = 'audit_entry'::regclass LOOP EXECUTE 'DROP TABLE ' || part; END LOOP; END $$"
    )
    assert faults(own_settings)["partitions of audit_entry"].detail == "the last is none"
