"""Stores that had statements before institutions were told apart: what the migrations give to whom, and back."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import pytest

from academe.lrs.documents.types import Address, Context, DocumentKind
from academe.lrs.keys import key_uuid
from academe.platform.database import migrate
from academe.platform.database.engine import database_url
from academe.platform.settings import Settings
from tests.support.databases import ServerOfTests

BEFORE: Final = "tell_people_what_concerns_them"
NORTH, SOUTH, NOBODYS, INSTALLATION = UUID(int=1), UUID(int=2), None, UUID(int=0)
ADA: Final = "mbox:ada@example.com"
IRI: Final = "https://campus.example.edu/quiz/4"
STATE: Final = Context(DocumentKind.STATE, IRI, ADA)


class Store:
    """The tables of a store as they were, filled by hand, and moved on and back by migrations."""

    def __init__(self, server: ServerOfTests, settings: Settings) -> None:
        self._settings = settings
        name = database_url(settings).database or ""
        self._connection = psycopg.connect(server.conninfo(database=name), autocommit=True)

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement, if it has any."""
        cursor = self._connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def sender(self, institution: UUID | None) -> UUID:
        """A sender of an institution, or of none."""
        id_ = uuid4()
        self.run(
            "INSERT INTO xapi_sender (id, institution_id, name, key, secret_hash, authority, authority_key, scopes)"
            " VALUES (%s, %s, 'a', %s, sha256('a'), '{}', %s, '{all}')",
            *(id_, institution, f"key-{id_}", f"account:a|{id_}"),
        )
        return id_

    def statement(self, sender: UUID, seconds: int = 0, **parts: Any) -> UUID:
        """A statement of a sender, stored some seconds after now."""
        id_ = uuid4()
        self.run(
            "INSERT INTO xapi_statement (stored, id, sender_id, authority_id, verb_key, happened_at, version, kind,"
            " statement) VALUES (clock_timestamp() + make_interval(secs => %s), %s, %s, %s, %s, now(), '2.0.0', 'quiz',"
            " %s)",
            *(seconds, id_, sender, id_, id_, json.dumps(parts)),
        )
        return id_

    def state(self, id_: str) -> UUID:
        """A state of the quiz, and the words of somebody about it."""
        key = Address(STATE, id_).key
        self.run(
            "INSERT INTO xapi_document (id, kind, activity, activity_key, agent, agent_key, document_id, content,"
            " content_type, etag, changed_at) VALUES (%s, 'state', %s, %s, %s, %s, %s, '', 'text/plain', '', now())",
            *(key, IRI, key_uuid(IRI), ADA, key_uuid(ADA), id_),
        )
        return key

    def words(self) -> None:
        """What somebody said of Ada, of the quiz and of a verb."""
        self.run("INSERT INTO xapi_agent (id, key, object_type, names) VALUES (%s, %s, 'Agent', '{Ada}')", NORTH, ADA)
        self.run("INSERT INTO xapi_activity (id, iri, definition) VALUES (%s, %s, '{}')", NORTH, IRI)
        self.run("INSERT INTO xapi_verb (id, iri, display) VALUES (%s, %s, '{}')", NORTH, IRI)

    def attachment(self, content: bytes) -> str:
        """The row of an attachment; its hash."""
        sha2 = hashlib.sha256(content).hexdigest()
        self.run(
            "INSERT INTO xapi_attachment (sha2, digest, content_type, length) VALUES (%s, %s, 'text/plain', 1)",
            *(sha2, sha2),
        )
        return sha2

    def institutions(self, table: str) -> set[UUID | None]:
        """Whose the rows of a table are."""
        return {row[0] for row in self.run(f"SELECT institution_id FROM {table}")}

    def sources(self, sha2: str) -> set[UUID]:
        """Who has brought an attachment."""
        return {row[0] for row in self.run("SELECT institution_id FROM xapi_attachment_source WHERE sha2 = %s", sha2)}

    def forward(self) -> None:
        """Migrate to the newest revision."""
        migrate.upgrade(self._settings)

    def back(self) -> None:
        """Migrate back to where institutions were not told apart."""
        migrate.downgrade(self._settings, BEFORE, lose_data=True)

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


@pytest.fixture
def store(server: ServerOfTests, worker_id: str, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store before institutions were told apart."""
    name = f"before_{worker_id}_{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]}"
    settings = server.empty(name)
    migrate.upgrade(settings, BEFORE)
    store = Store(server, settings)
    yield store
    store.close()
    server.drop(name)


SHARED: Final = ("xapi_agent", "xapi_activity", "xapi_verb")


class TestTellingApart:
    def test_statements_go_to_the_institution_of_their_sender(self, store: Store) -> None:
        sent = {store.statement(store.sender(institution)): institution for institution in (NORTH, SOUTH, NOBODYS)}
        store.forward()
        assert dict(store.run("SELECT id, institution_id FROM xapi_statement")) == sent
        store.back()
        assert {row[0] for row in store.run("SELECT id FROM xapi_statement")} == sent.keys()

    def test_words_and_documents_go_to_the_only_institution(self, store: Store) -> None:
        store.sender(NORTH)
        store.sender(NORTH)
        key = store.state("bookmark")
        store.words()
        store.forward()
        for table in (*SHARED, "xapi_document"):
            assert store.institutions(table) == {NORTH}, table
        of_north = Context(DocumentKind.STATE, IRI, ADA, institution_id=NORTH)
        assert store.run("SELECT id FROM xapi_document") == [(Address(of_north, "bookmark").key,)]
        store.back()
        assert store.run("SELECT id FROM xapi_document") == [(key,)]
        assert store.run("SELECT names FROM xapi_agent") == [(["Ada"],)]

    @pytest.mark.parametrize("senders", [(NORTH, SOUTH), (NORTH, NOBODYS), ()])
    def test_of_several_nobody_knows_whose_they_are(self, store: Store, senders: tuple[UUID | None, ...]) -> None:
        for institution in senders:
            store.sender(institution)
        key = store.state("bookmark")
        store.words()
        store.forward()
        for table in SHARED:
            assert store.institutions(table) == {INSTALLATION}, table
        assert store.run("SELECT id, institution_id FROM xapi_document") == [(key, None)]

    def test_of_two_with_one_name_one_is_left_on_the_way_back(self, store: Store) -> None:
        store.sender(NORTH)
        key = store.state("bookmark")
        store.words()
        store.forward()
        for table in SHARED:
            columns = {"xapi_agent": "key, object_type, names", "xapi_verb": "iri, display"}.get(
                table, "iri, definition"
            )
            store.run(
                f"INSERT INTO {table} (id, institution_id, {columns}) SELECT id, %s, {columns} FROM {table}",
                SOUTH,
            )
        of_south = Address(Context(DocumentKind.STATE, IRI, ADA, institution_id=SOUTH), "bookmark").key
        store.run(
            "INSERT INTO xapi_document SELECT (jsonb_populate_record(d, jsonb_build_object('id', %s::uuid,"
            " 'institution_id', %s::uuid))).* FROM xapi_document d",
            *(of_south, SOUTH),
        )
        store.back()
        assert store.run("SELECT id FROM xapi_document") == [(key,)]
        for table in SHARED:
            assert store.run(f"SELECT id FROM {table}") == [(NORTH,)], table


class TestAttachments:
    def test_contents_go_to_those_who_must_have_brought_them(self, store: Store) -> None:
        north, south, installation = (store.sender(each) for each in (NORTH, SOUTH, NOBODYS))
        essay, picture, film, own, left = (store.attachment(name) for name in (b"e", b"p", b"f", b"o", b"l"))

        def named(sha2: str, url: str = "") -> dict[str, str]:
            return {"sha2": sha2.upper()} | ({"fileUrl": url} if url else {})

        store.statement(north, 1, attachments=[named(essay), named(picture, "https://example.com/p")])
        store.statement(south, 2, attachments=[named(essay, "https://example.com/e"), named(film)], object={"id": IRI})
        # Before the picture came somebody had named it; whoever named it next has brought it.
        store.statement(south, -60, attachments=[named(picture, "https://example.com/p")])
        store.statement(north, 3, attachments=[named(film)])
        store.statement(north, 4, object={"objectType": "SubStatement", "attachments": [named(own)]})
        store.statement(installation, 5, attachments=[named(own)])
        store.forward()
        assert store.sources(essay) == {NORTH}
        assert store.sources(picture) == {NORTH}
        assert store.sources(film) == {NORTH, SOUTH}
        assert store.sources(own) == {INSTALLATION}
        assert store.sources(left) == {INSTALLATION}
