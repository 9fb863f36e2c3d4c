"""Encrypted fields: unreadable in the database, bound to their column, and rotated under the eyes of readers."""

import asyncio
import base64
from uuid import UUID

import pytest
from psycopg.errors import LockNotAvailable
from pydantic import SecretStr
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Uuid, insert, select, type_coerce, update
from sqlalchemy.exc import StatementError

from academe.platform.actor import system_actor
from academe.platform.database.engine import database_url
from academe.platform.database.keyring import keyring_of
from academe.platform.database.session import Database
from academe.platform.encryption import DecryptionError, EncryptedText, PersonText
from academe.platform.encryption.columns import Owned, encrypt, header
from academe.platform.encryption.persons import destroy_person_key
from academe.platform.encryption.rotation import rotate_keys
from academe.platform.settings import Settings
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio

ACTOR = system_actor("test")
METADATA = MetaData()
SECRET = Table(
    "secret",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("content", EncryptedText()),
    Column("other", EncryptedText()),
)
STORED = type_coerce(SECRET.c.content, LargeBinary)
OLD, NEW = base64.b64encode(b"o" * 32).decode(), base64.b64encode(b"n" * 32).decode()


def with_master_keys(settings: Settings, *keys: str) -> Settings:
    return settings.model_copy(update={"encryption_master_keys": tuple(SecretStr(key) for key in keys)})


@pytest.fixture
def table(own_settings: Settings, server: ServerOfTests) -> None:
    """A table with two encrypted columns, of which the application may read and write every row."""
    with server.superuser(database_url(own_settings).database or "") as connection:
        connection.execute("CREATE TABLE secret (id integer PRIMARY KEY, content bytea, other bytea)")
        connection.execute("GRANT SELECT, INSERT, UPDATE ON secret TO academe_app")


async def write(database: Database, *contents: str | None) -> None:
    async with database.transaction(ACTOR) as session:
        rows = [{"id": number, "content": content} for number, content in enumerate(contents, start=1)]
        await session.execute(insert(SECRET), rows)


async def read(database: Database) -> list[str | None]:
    async with database.reading(ACTOR) as session:
        return list((await session.execute(select(SECRET.c.content).order_by(SECRET.c.id))).scalars())


async def stored(database: Database) -> list[bytes]:
    async with database.reading(ACTOR) as session:
        return list((await session.execute(select(STORED).order_by(SECRET.c.id))).scalars())


@pytest.mark.usefixtures("table")
class TestEncryptedText:
    async def test_comes_back_as_it_was(self, own_database: Database) -> None:
        await write(own_database, "+49 30 1234", "", "Größe ✓", None)
        assert await read(own_database) == ["+49 30 1234", "", "Größe ✓", None]

    async def test_the_database_sees_nothing_of_it(self, own_database: Database) -> None:
        await write(own_database, "+49 30 1234", "+49 30 1234")
        first, second = await stored(own_database)
        assert b"1234" not in first
        assert first != second, "equal texts must not look equal"

    async def test_a_changed_field_is_refused(self, own_database: Database) -> None:
        await write(own_database, "+49 30 1234")
        field = (await stored(own_database))[0]
        async with own_database.transaction(ACTOR) as session:
            changed = field[:-1] + bytes([field[-1] ^ 1])
            await session.execute(update(SECRET).values(content=type_coerce(changed, LargeBinary)))
        with pytest.raises(DecryptionError, match=r"secret\.content was changed"):
            await read(own_database)

    async def test_a_field_of_another_column_is_refused(self, own_database: Database) -> None:
        await write(own_database, "+49 30 1234")
        async with own_database.transaction(ACTOR) as session:
            await session.execute(update(SECRET).values(other=SECRET.c.content))
        with pytest.raises(DecryptionError, match=r"secret\.other was changed or comes from another column"):
            async with own_database.reading(ACTOR) as session:
                (await session.execute(select(SECRET.c.other))).all()

    async def test_what_is_no_field_is_refused(self, own_database: Database) -> None:
        async with own_database.transaction(ACTOR) as session:
            await session.execute(insert(SECRET).values(id=1, content=type_coerce(b"plain", LargeBinary)))
        with pytest.raises(DecryptionError, match="is not an encrypted field"):
            await read(own_database)

    async def test_two_processes_agree_on_the_first_key(self, own_settings: Settings) -> None:
        databases = [Database(own_settings) for _ in range(4)]
        numbers = await asyncio.gather(
            *(asyncio.to_thread(keyring_of(database.engine.dialect).make_key) for database in databases)
        )
        assert numbers == [1, 1, 1, 1]
        for database in databases:
            await database.close()

    async def test_without_the_master_key_nothing_opens(self, own_settings: Settings) -> None:
        writer = Database(with_master_keys(own_settings, OLD))
        await write(writer, "+49 30 1234")
        await writer.close()
        reader = Database(with_master_keys(own_settings, NEW))
        with pytest.raises(DecryptionError, match="put it back"):
            await read(reader)
        await reader.close()


@pytest.mark.usefixtures("table")
class TestRotateKeys:
    async def test_every_field_gets_the_new_key_and_the_old_one_retires(self, own_database: Database) -> None:
        await write(own_database, *(f"number {number}" for number in range(1203)))
        rotation = await rotate_keys(own_database, METADATA)
        assert (rotation.key, rotation.fields, rotation.retired) == (2, 1203, (1,))
        assert {field[:5] for field in await stored(own_database)} == {header(2)}
        assert (await read(own_database))[1202] == "number 1202"

    async def test_readers_and_writers_go_on_meanwhile(self, own_settings: Settings, own_database: Database) -> None:
        await write(own_database, *(f"number {number}" for number in range(1500)))
        other = Database(own_settings)
        seen: list[list[str | None]] = []

        async def keep_reading() -> None:
            while not rotating.done():
                seen.append(await read(other))

        rotating = asyncio.create_task(rotate_keys(own_database, METADATA))
        await asyncio.gather(rotating, keep_reading())
        assert len(seen) > 1
        assert all(contents == seen[0] for contents in seen)
        await other.close()

    async def test_a_rotation_that_broke_off_goes_on(self, own_database: Database) -> None:
        await write(own_database, *(f"number {number}" for number in range(1200)))

        def break_off(place: str, fields: int) -> None:
            raise KeyboardInterrupt(f"{place} {fields}")

        with pytest.raises(KeyboardInterrupt, match=r"secret\.content 500"):
            await rotate_keys(own_database, METADATA, report=break_off)
        rotation = await rotate_keys(own_database, METADATA)
        assert (rotation.key, rotation.fields, rotation.retired) == (2, 700, (1,))
        assert len(set(await read(own_database))) == 1200

    async def test_a_process_that_missed_the_rotation_loses_nothing(
        self, own_settings: Settings, own_database: Database
    ) -> None:
        late = Database(own_settings)
        async with late.transaction(ACTOR) as session:
            await session.execute(insert(SECRET).values(id=1, content="before"))
        await rotate_keys(own_database, METADATA)
        async with late.transaction(ACTOR) as session:
            await session.execute(insert(SECRET).values(id=2, content="after"))
        assert [field[:5] for field in await stored(own_database)] == [header(2), header(1)]
        assert await read(own_database) == ["before", "after"]
        rotation = await rotate_keys(own_database, METADATA)
        assert (rotation.key, rotation.fields) == (3, 2)
        await late.close()

    async def test_data_keys_move_to_the_new_master_key(self, own_settings: Settings) -> None:
        before = Database(with_master_keys(own_settings, OLD))
        await write(before, "+49 30 1234")
        await before.close()
        both = Database(with_master_keys(own_settings, NEW, OLD))
        assert (await rotate_keys(both, METADATA)).rewrapped == (1,)
        await both.close()
        after = Database(with_master_keys(own_settings, NEW))
        assert await read(after) == ["+49 30 1234"]
        await after.close()


PEOPLE_METADATA = MetaData()
OF_PERSON = Table(
    "of_person",
    PEOPLE_METADATA,
    Column("id", Integer, primary_key=True),
    Column("person_id", Uuid()),
    Column("content", PersonText(owner="person_id")),
)
ADA, BEN = UUID(int=1), UUID(int=2)


async def write_for(database: Database, person_id: UUID, content: str) -> None:
    async with database.transaction(ACTOR) as session:
        row = {"id": person_id.int, "person_id": person_id, "content": Owned.by(person_id, content)}
        await session.execute(insert(OF_PERSON).values(row))


async def read_of(database: Database, person_id: UUID) -> str | None:
    async with database.reading(ACTOR) as session:
        return await session.scalar(select(OF_PERSON.c.content).where(OF_PERSON.c.person_id == person_id))


@pytest.fixture
def table_of_people(own_settings: Settings, server: ServerOfTests) -> None:
    """A table with a column under the keys of people, as `OF_PERSON` says."""
    with server.superuser(database_url(own_settings).database or "") as connection:
        connection.execute("CREATE TABLE of_person (id integer PRIMARY KEY, person_id uuid, content bytea)")
        connection.execute("GRANT SELECT, INSERT, UPDATE ON of_person TO academe_app")


@pytest.mark.usefixtures("table_of_people")
class TestPersonText:
    async def test_comes_back_in_another_process(self, own_database: Database, own_settings: Settings) -> None:
        await write_for(own_database, ADA, "+49 30 1234")
        other = Database(own_settings)
        assert await read_of(other, ADA) == "+49 30 1234"
        await other.close()

    async def test_a_destroyed_key_takes_its_person_and_nobody_else(
        self, own_database: Database, own_settings: Settings
    ) -> None:
        await write_for(own_database, ADA, "+49 30 1234")
        await write_for(own_database, BEN, "+49 30 5678")
        async with own_database.transaction(ACTOR) as session:
            await destroy_person_key(session, person_id=ADA)
        with pytest.raises(DecryptionError, match=r"of_person\.content was destroyed"):
            await read_of(own_database, ADA)
        assert await read_of(own_database, BEN) == "+49 30 5678"
        with pytest.raises(StatementError, match="nothing is written"):
            await write_for(own_database, ADA, "again")
        other = Database(own_settings)
        with pytest.raises(DecryptionError, match="was destroyed"):
            await read_of(other, ADA)
        await other.close()

    async def test_a_destruction_that_is_rolled_back_takes_nothing(self, own_database: Database) -> None:
        await write_for(own_database, ADA, "+49 30 1234")
        async with own_database.transaction(ACTOR) as session:
            savepoint = await session.begin_nested()
            await destroy_person_key(session, person_id=ADA)
            await savepoint.rollback()
        assert await read_of(own_database, ADA) == "+49 30 1234"

    async def test_a_key_in_somebodys_hands_is_not_waited_for_without_end(
        self, own_database: Database, own_settings: Settings, server: ServerOfTests
    ) -> None:
        with server.superuser(database_url(own_settings).database or "") as connection, connection.transaction():
            connection.execute("INSERT INTO person_key (person_id, wrapped, master_key) VALUES (%s, '', '')", [ADA])
            with pytest.raises(LockNotAvailable):
                keyring_of(own_database.engine.dialect).people.ensure([ADA])

    async def test_a_field_under_another_persons_name_is_refused(self, own_database: Database) -> None:
        await write_for(own_database, ADA, "+49 30 1234")
        await write_for(own_database, BEN, "+49 30 5678")
        content = type_coerce(OF_PERSON.c.content, LargeBinary)
        async with own_database.transaction(ACTOR) as session:
            field = await session.scalar(select(content).where(OF_PERSON.c.person_id == ADA))
            assert field is not None
            forged = field[:1] + BEN.bytes + field[17:]
            await session.execute(
                update(OF_PERSON).where(OF_PERSON.c.person_id == ADA).values(content=type_coerce(forged, LargeBinary))
            )
        with pytest.raises(DecryptionError, match="was changed"):
            await read_of(own_database, ADA)

    async def test_rotation_takes_up_old_fields_and_wraps_the_keys_anew(
        self, own_database: Database, own_settings: Settings
    ) -> None:
        before = Database(with_master_keys(own_settings, OLD))
        await write_for(before, ADA, "+49 30 1234")
        old = encrypt(keyring_of(before.engine.dialect), "+49 30 5678", place="of_person.content")
        async with before.transaction(ACTOR) as session:
            row = {"id": 2, "person_id": BEN, "content": type_coerce(old, LargeBinary)}
            await session.execute(insert(OF_PERSON).values(row))
        await before.close()
        both = Database(with_master_keys(own_settings, NEW, OLD))
        rotation = await rotate_keys(both, PEOPLE_METADATA)
        assert (rotation.fields, rotation.people) == (1, 1)
        await both.close()
        only_new = Database(with_master_keys(own_settings, NEW))
        assert [await read_of(only_new, ADA), await read_of(only_new, BEN)] == ["+49 30 1234", "+49 30 5678"]
        await only_new.close()
