from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.check_module_writes import check, main

IDENTITY = {
    "identity/__init__.py": "",
    "identity/models.py": """
from academe.platform.database import Base

class Person(Base):
    __tablename__ = "person"

class Account(Base):
    __tablename__: str = "account"

class ServiceAccount(Account):
    pass

membership = Table("membership", Base.metadata)

class Summary:
    pass
""",
    "identity/service.py": """
from academe.identity.models import Account, Person

async def register(session, *, name: str) -> Person:
    person = Person(name=name)
    person.name = name.strip()
    session.add(person)
    await session.execute(update(Person).values(name=name))
    await session.execute(text("UPDATE person SET name = 'x'"))
    return person

async def people(session) -> list[Person]:
    return []
""",
    "identity/api.py": "from academe.identity.service import people, register\n",
    "academics/models.py": 'class Offering(Base):\n    __tablename__ = "offering"\n',
}


@pytest.fixture
def findings(tmp_path: Path) -> Callable[[str], list[str]]:
    """Checks one file of academics beside a small identity module; says what was found as `line: what`."""

    def run(source: str, file: str = "academics/service.py") -> list[str]:
        for path, text in {**IDENTITY, file: source}.items():
            target = tmp_path / "src/academe" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        found = check(tmp_path)
        assert {str(finding.path) for finding in found} <= {f"src/academe/{file}"}
        return [f"{finding.line}: {finding.message.partition(';')[0]}" for finding in found]

    return run


IMPORT = "from academe.identity.models import Account, Person, ServiceAccount, Summary, membership\n"

GOOD = {
    "reads and joins": IMPORT + "statement = select(Person).join(Account).where(Person.name == 'x')",
    "its own models": "from academe.academics.models import Offering\n"
    "def open(session, offering: Offering):\n"
    "    offering.open = True\n"
    "    session.add(Offering())\n"
    "    session.execute(insert(Offering))\n"
    "    session.execute(text('UPDATE offering SET open = true'))",
    "the door": "from academe.identity import api as identity\n"
    "async def enrol(session):\n"
    "    person = await identity.register(session, name='x')\n"
    "    print(person.name)",
    "what is no table": IMPORT + "summary = Summary()\nsummary.total = 1",
    "sets and dictionaries": IMPORT
    + "def f(person: Person, seen):\n    seen.add(person)\n    seen.update(person=person)",
    "words about tables": '"""Update person records. INSERT INTO person is not ours."""\n'
    "def f():\n    '''DELETE FROM person happens elsewhere.'''",
    "SQL that reads": "sql = 'SELECT person.id FROM person JOIN offering ON true'",
    "words that look like SQL": "message = 'Update person to continue'",
    "SQL that writes a staging table": "sql = 'INSERT INTO staging_row SELECT * FROM person'",
    "a name used again for something else": IMPORT + "async def f(session, offering):\n"
    "    row = await session.get(Person, 1)\n"
    "    row = offering\n"
    "    row.name = 'x'",
}

BAD = {
    "a constructor": (IMPORT + "person = Person(name='x')", ["2: academics constructs identity.Person"]),
    "a constructor through the door": (
        "from academe.identity import api as identity\nidentity.Person()",
        ["2: academics constructs identity.Person"],
    ),
    "a constructor under another name": (
        "from academe.identity.models import Person as P\nQ = P\nQ()",
        ["3: academics constructs identity.Person"],
    ),
    "a constructor through the whole path": (
        "import academe.identity.models\nacademe.identity.models.Account()",
        ["2: academics constructs identity.Account"],
    ),
    "a model that inherits its table": (
        IMPORT + "ServiceAccount()",
        ["2: academics constructs identity.ServiceAccount"],
    ),
    "insert": (IMPORT + "session.execute(insert(Person))", ["2: academics calls insert on identity.Person"]),
    "insert of the dialect": (
        IMPORT
        + "from sqlalchemy.dialects.postgresql import insert as upsert\n"
        + "upsert(Person).on_conflict_do_nothing()",
        ["3: academics calls insert on identity.Person"],
    ),
    "update": (IMPORT + "sa.update(Person).values(x=1)", ["2: academics calls update on identity.Person"]),
    "delete": (IMPORT + "delete(Person.__table__)", ["2: academics calls delete on identity.Person"]),
    "a table's own method": (
        IMPORT + "Person.__table__.insert()",
        ["2: academics calls insert on identity.Person"],
    ),
    "a bare table": (IMPORT + "insert(membership)", ["2: academics calls insert on identity.membership"]),
    "an attribute of an argument": (
        IMPORT + "def f(person: Person | None):\n    person.name = 'x'",
        ["3: academics assigns name of identity.Person"],
    ),
    "an attribute of what was fetched": (
        IMPORT + "async def f(session):\n    person = await session.get(Person, 1)\n    person.visits += 1",
        ["4: academics assigns visits of identity.Person"],
    ),
    "an attribute of what was selected": (
        IMPORT + "async def f(session):\n"
        "    statement = select(Person).where(Person.name == 'x')\n"
        "    person = (await session.scalars(statement)).one()\n"
        "    del person.name",
        ["5: academics assigns name of identity.Person"],
    ),
    "an attribute in a loop": (
        IMPORT + "async def f(session):\n"
        "    for person in (await session.scalars(select(Person))).all():\n"
        "        person.name, x = 'x', 1",
        ["4: academics assigns name of identity.Person"],
    ),
    "an attribute of what the door returned": (
        """
from academe.identity.api import people, register
async def f(session):
    person = await register(session, name='x')
    person.name = 'y'
    for other in await people(session):
        setattr(other, 'name', 'z')""",
        [
            "5: academics assigns name of identity.Person",
            "7: academics assigns an attribute of identity.Person",
        ],
    ),
    "the session": (
        IMPORT
        + "def f(session, person: Person, more: list[Person]):\n"
        + "    session.add(person)\n"
        + "    session.add_all(more)",
        [
            "3: academics gives identity.Person to session.add",
            "4: academics gives identity.Person to session.add_all",
        ],
    ),
    "a collection": (
        IMPORT + "def f(person: 'Person'):\n    person.accounts.append(1)",
        ["3: academics changes accounts of identity.Person"],
    ),
    "SQL in a string": (
        "sql = '''\n    INSERT INTO public.person (name) VALUES (1)\n'''",
        ["2: academics writes person in SQL"],
    ),
    "SQL in an f-string": (
        "sql = f'DELETE FROM \"account\" WHERE id = {x}'",
        ["1: academics writes account in SQL"],
    ),
    "UPDATE": ("sql = 'update person as p set name = 1'", ["1: academics writes person in SQL"]),
    "COPY": ("sql = 'COPY membership (a, b) FROM STDIN'", ["1: academics writes membership in SQL"]),
    "TRUNCATE": ("sql = 'TRUNCATE person'", ["1: academics writes person in SQL"]),
}


@pytest.mark.parametrize("source", GOOD.values(), ids=GOOD.keys())
def test_what_a_module_may_do_is_silent(findings: Callable[[str], list[str]], source: str) -> None:
    assert findings(source) == []


@pytest.mark.parametrize(("source", "expected"), BAD.values(), ids=BAD.keys())
def test_what_writes_another_module_is_found(
    findings: Callable[[str], list[str]], source: str, expected: list[str]
) -> None:
    assert findings(source) == expected


def test_sql_files_are_read_too(findings: Callable[[str, str], list[str]]) -> None:
    assert findings("SELECT 1;\nDELETE FROM person;\n", "academics/sql/load.sql") == [
        "2: academics writes person in SQL"
    ]


def test_composition_roots_own_nothing(findings: Callable[[str, str], list[str]]) -> None:
    assert findings(IMPORT + "Person()", "cli.py") == ["2: the composition root constructs identity.Person"]


def test_the_message_names_the_door_and_the_command_fails(
    tmp_path: Path, findings: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    findings(IMPORT + "Person()")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[0] == (
        "src/academe/academics/service.py:2: academics constructs identity.Person;"
        " only identity writes its tables, go through academe.identity.api"
    )
