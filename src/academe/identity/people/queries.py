"""The directory: people by name, searched and filtered, as far as the actor may know them."""

import json
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    Uuid,
    any_,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array

from academe.identity.models import Account, Person, PersonPicture, RoleGrant
from academe.identity.policy import institutions_of_staff, known_to, listed_for
from academe.identity.queries import in_force, subtree
from academe.identity.types import PersonStatus, Role
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.pagination import Edge, Page, PageRequest, SortKey, edge_of, fetch_page

PersonFinder = Callable[[ReadSession | Session, Actor, str], Awaitable[Sequence[UUID]]]
"""Finds people by what another module knows of them, such as a student number; at most some hundred of them."""

BY_NAME: Final = (SortKey("name", Person.display_name), SortKey("id", Person.id))
"""The order of the directory."""


@dataclass(frozen=True, slots=True)
class ProgramFilter:
    """How another module tells who studies in a programme: the programmes to choose from, and the people of one."""

    options: Callable[[ReadSession | Session, Actor], Awaitable[Sequence[tuple[str, str]]]]
    people: Callable[[UUID], Select[UUID]]


MOST_FOUND: Final = 1_000
"""How many people are looked up before a list of them all is made. Of more, it is read through as a whole."""

CHOICES: Final = 20
"""How many people a form that chooses one of them shows."""

_WHOLE_TRIGRAM: Final = 3
"""Letters of a word that is found anywhere in a name; a shorter one is found where a name begins."""

_finders: Final[dict[str, PersonFinder]] = {}
_programs: Final[list[ProgramFilter]] = []


@dataclass(frozen=True, slots=True)
class DirectoryFilter:
    """What was asked for: words that must all occur in the names, a role held today, a node, a status, a programme."""

    search: str = ""
    role: Role | None = None
    org_unit_id: UUID | None = None
    status: PersonStatus | None = None
    program_id: UUID | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words to search for, without accents and capitals."""
        return tuple(fold(self.search).split())


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person as the directory shows them. `roles` are those that the reader may know of."""

    id: UUID
    name: str
    preferred_name: str | None
    sourced_id: str | None
    status: PersonStatus
    roles: tuple[str, ...]
    is_restricted: bool = False


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """A person's account, for those who manage accounts."""

    id: UUID
    email: str
    is_active: bool
    has_password: bool
    last_signed_in_at: Any


def add_person_finder(key: str, finder: PersonFinder) -> None:
    """Register a finder; for the composition root. The same key replaces."""
    _finders[key] = finder


def filter_by_program(programs: ProgramFilter) -> None:
    """Register who knows programmes; for the composition root. Another one replaces it."""
    _programs[:] = [programs]


async def programs_to_choose(session: ReadSession | Session, actor: Actor) -> Sequence[tuple[str, str]]:
    """The programmes by which the actor may filter, as ids and titles."""
    return [option for programs in _programs for option in await programs.options(session, actor)]


def fold(text: str) -> str:
    """The text without accents and capitals, as the database's `fold_name` writes it."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not "\u0300" <= one <= "\u036f")
    for letter, written in (("ß", "ss"), ("Æ", "Ae"), ("æ", "ae"), ("Œ", "Oe"), ("œ", "oe")):
        plain = plain.replace(letter, written)
    return plain.translate(_UNDECOMPOSED).lower()


_UNDECOMPOSED: Final = str.maketrans("ØøŁłĐđÐðÞþĦħıŦŧ", "OoLlDdDdTtHhiTt")


async def found(
    session: ReadSession | Session,
    actor: Actor,
    wanted: DirectoryFilter,
    *,
    most: int | None = None,
    edge: Edge | None = None,
) -> Sequence[UUID] | None:
    """Whom a list of `most` people beyond an edge may hold; None when nothing narrows it.

    Without `most` that is everybody found, and None when those are more than `MOST_FOUND`.

    Row-level security asks its own questions before those about names, so that it is faster to look people up and then
    to ask for those. Found by names are the first in the order of the list; by address, key and number some hundred,
    wherever they stand in it.
    """
    narrows = wanted.words or wanted.role or wanted.org_unit_id or wanted.status or wanted.program_id
    if not narrows or not institutions_of_staff(actor):
        return None
    search = wanted.search.strip()
    several: list[UUID] = []
    if wanted.words:
        has_key = select(Person.id).where(
            Person.institution_id.in_(institutions_of_staff(actor)), Person.sourced_id == search
        )
        several += await session.scalars(has_key)
        for finder in _finders.values():
            several += await finder(session, actor, search)
    if "@" in search:
        several += await session.scalars(select(func.find_people_by_address(search).column_valued()))
    else:
        several += await session.scalars(select(_named(wanted, MOST_FOUND + 1 if most is None else most, edge)))
    return None if most is None and len(several) > MOST_FOUND else several


def _named(wanted: DirectoryFilter, most: int, edge: Edge | None) -> ColumnElement[UUID]:
    """The call of the function that searches names, beyond the edge of a page in the order `BY_NAME`."""
    name, person_id = edge.values if edge else (None, None)
    ids: ColumnElement[UUID] = func.find_people(
        cast(array([_pattern(word) for word in wanted.words]), ARRAY(Text)),
        cast(wanted.role, Text),
        cast(wanted.org_unit_id, Uuid),
        cast(wanted.status, Text),
        cast(wanted.program_id, Uuid),
        clock.now().date(),
        cast(name, Text),
        cast(person_id, Uuid),
        edge is not None and edge.backward,
        most,
    ).column_valued()
    return ids


async def page_of_people(
    session: ReadSession | Session, actor: Actor, wanted: DirectoryFilter, paging: PageRequest
) -> Page[ListedPerson]:
    """A page of the directory. Raises InvalidCursorError."""
    some = await found(session, actor, wanted, most=paging.limit + 1, edge=edge_of(BY_NAME, paging))
    return await fetch_page(session, people(actor, wanted, some), BY_NAME, paging, listed)


def people(actor: Actor, wanted: DirectoryFilter, some: Sequence[UUID] | None = None) -> Select[*tuple[Any, ...]]:
    """The people for a filter, for `listed`; `some` is what `found` answered."""
    statement = select(*_shown_columns()).where(known_to(actor), listed_for(actor))
    institutions = sorted(institutions_of_staff(actor))
    if len(institutions) == 1:
        # Nothing is left out by it: it is the first column of the index in the order of the list.
        statement = statement.where(Person.institution_id == institutions[0])
    if some is not None:
        statement = statement.where(Person.id == any_(_listed_ids(some)))
    elif wanted.words:
        statement = statement.where(*(Person.search_text.like(_pattern(word)) for word in wanted.words))
    if wanted.status is not None:
        statement = statement.where(Person.status == wanted.status)
    if wanted.role is not None or wanted.org_unit_id is not None:
        statement = statement.where(_holding(wanted))
    if wanted.program_id is not None:
        members = [programs.people(wanted.program_id) for programs in _programs]
        statement = statement.where(or_(false(), *(Person.id.in_(each) for each in members)))
    return statement


def similar_people(actor: Actor, wanted: DirectoryFilter) -> Select[*tuple[Any, ...]]:
    """People with names like what was typed, the most alike first, for `listed`: for a search that found nobody."""
    near = func.find_similar_people(fold(wanted.search)).table_valued(column("person_id"), column("similarity"))
    return (
        select(*_shown_columns())
        .join(near, near.c.person_id == Person.id)
        .where(known_to(actor), listed_for(actor))
        .order_by(near.c.similarity.desc(), Person.display_name, Person.id)
        .limit(10)
    )


def _shown_columns() -> list[Any]:
    return [
        Person.id, Person.display_name, Person.preferred_name, Person.sourced_id, Person.status, _roles(),
        Person.is_restricted,
    ]  # fmt: skip


def listed(row: Row[*tuple[Any, ...]]) -> ListedPerson:
    """What a row of `people` shows."""
    identifier, name, preferred, sourced_id, status, roles, is_restricted = row[:7]
    return ListedPerson(identifier, name, preferred, sourced_id, status, tuple(roles), is_restricted)


async def choices_of(session: ReadSession | Session, actor: Actor, search: str) -> Sequence[tuple[str, str, str]]:
    """The first active people found by a search, for a form that chooses one: id, name, key and roles."""
    if not search.strip():
        return ()
    wanted = DirectoryFilter(search.strip(), status=PersonStatus.ACTIVE)
    statement = people(actor, wanted, await found(session, actor, wanted, most=CHOICES))
    rows = await session.execute(statement.order_by(Person.display_name, Person.id).limit(CHOICES))
    listed_rows = [listed(row) for row in rows]
    return [(str(each.id), each.name, ", ".join(filter(None, (each.sourced_id, *each.roles)))) for each in listed_rows]


async def person_listed(session: ReadSession | Session, person: Person) -> ListedPerson:
    """A person who is loaded already, as the directory shows them."""
    roles = (await session.execute(select(_roles()).select_from(Person).where(Person.id == person.id))).scalar_one()
    return ListedPerson(
        person.id, person.display_name, person.preferred_name, person.sourced_id, person.status, tuple(roles)
    )


async def has_picture(session: ReadSession | Session, person_id: UUID) -> bool:
    """Whether there is a picture of a person, as far as the reader may know."""
    return await session.scalar(select(PersonPicture.person_id).where(PersonPicture.person_id == person_id)) is not None


async def account_of(session: ReadSession | Session, person_id: UUID) -> ShownAccount | None:
    """The account of a person, as far as the reader may see it."""
    row = (
        await session.execute(
            select(
                Account.id,
                Account.email,
                Account.is_active,
                Account.password_hash.is_not(None),
                Account.last_signed_in_at,
            ).where(Account.person_id == person_id)
        )
    ).one_or_none()
    return None if row is None else ShownAccount(*row)


def _listed_ids(some: Sequence[UUID]) -> ColumnElement[Any]:
    """The ids as an array, sent as one document: a list of parameters costs more than the search."""
    each = func.jsonb_array_elements_text(cast(literal(json.dumps([str(one) for one in some])), JSONB))
    return func.array(select(cast(each.column_valued(), Uuid)).scalar_subquery())


def _holding(wanted: DirectoryFilter) -> ColumnElement[bool]:
    grants = select(RoleGrant.id).where(RoleGrant.person_id == Person.id, in_force(clock.now().date()))
    if wanted.role is not None:
        grants = grants.where(RoleGrant.role == wanted.role)
    if wanted.org_unit_id is not None:
        grants = grants.where(RoleGrant.org_unit_id.in_(subtree(wanted.org_unit_id)))
    return exists(grants)


def _roles() -> ColumnElement[Any]:
    """The roles held today, as far as the reader may know of them."""
    held = (
        select(RoleGrant.role)
        .where(RoleGrant.person_id == Person.id, in_force(clock.now().date()))
        .distinct()
        .order_by(RoleGrant.role)
        .correlate(Person)
    )
    return func.array(held.scalar_subquery())


def _pattern(word: str) -> str:
    """For LIKE, in which the word's own wildcards stand for themselves."""
    return f"%{_literally(word)}%" if len(word) >= _WHOLE_TRIGRAM else f"% {_literally(word)}%"


def _literally(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
