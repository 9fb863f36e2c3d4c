"""What many statements share: agents with their names, verbs, activities with their definitions, authorities.

All but the authorities are kept for each institution: what its senders say of them is told to nobody else.

A process remembers what it has written, so that the hundredth statement about an activity costs nothing here. Two
processes may each remember an older definition of the same activity; which one wins was left to chance anyway.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from pydantic_core import from_json, to_json
from sqlalchemy.ext.asyncio import AsyncConnection

from academe.lrs.keys import key_text
from academe.lrs.statements.incoming import Batch, agents_named
from academe.lrs.statements.models import INSTALLATION
from academe.lrs.xapi.formats import merged_definition
from academe.platform.database.driver import DriverStatement

_REMEMBERED: Final = 100_000
_LONGEST_REMEMBERED: Final = 512
"""Characters. Senders choose names and IRIs, and must not choose how much memory a process takes."""

_AUTHORITIES: Final = DriverStatement(
    """
    WITH made AS (
        INSERT INTO xapi_authority (id, agent_key, agent)
        SELECT id, id, agent FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id uuid, agent jsonb) ORDER BY id
        ON CONFLICT DO NOTHING RETURNING 1
    ) SELECT count(*) FROM made
    """,
    operation="insert",
    table="xapi_authority",
)

_AGENTS: Final = DriverStatement(
    """
    WITH made AS (
        INSERT INTO xapi_agent AS a (id, institution_id, key, object_type, names)
        SELECT id, of, key, min(type), coalesce(array_agg(name ORDER BY name) FILTER (WHERE name <> ''), '{}')
        FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id uuid, of uuid, key text, type text, name text)
        GROUP BY id, of, key ORDER BY id, of
        ON CONFLICT (id, institution_id) DO UPDATE
        SET names = ARRAY(SELECT DISTINCT n FROM unnest(a.names || excluded.names) n ORDER BY n)
        WHERE NOT excluded.names <@ a.names
        RETURNING 1
    ) SELECT count(*) FROM made
    """,
    operation="insert",
    table="xapi_agent",
)


def _known(table: str, words: str) -> DriverStatement:
    return DriverStatement(
        f"SELECT id, institution_id, {words}::text FROM {table} WHERE id = ANY(%(ids)s::uuid[])",  # noqa: S608 - names from below
        operation="select",
        table=table,
    )


def _merge(table: str, words: str) -> DriverStatement:
    return DriverStatement(
        f"""
        WITH made AS (
            INSERT INTO {table} (id, institution_id, iri, {words})
            SELECT id, of, iri, words
            FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id uuid, of uuid, iri text, words jsonb)
            ORDER BY id, of
            ON CONFLICT (id, institution_id) DO UPDATE SET {words} = excluded.{words}
            RETURNING 1
        ) SELECT count(*) FROM made
        """,  # noqa: S608 - names from below
        operation="insert",
        table=table,
    )


_ACTIVITIES: Final = (_known("xapi_activity", "definition"), _merge("xapi_activity", "definition"))
_VERBS: Final = (_known("xapi_verb", "display"), _merge("xapi_verb", "display"))

Words = Mapping[str, Any]
_Said = tuple[str, str, Words]
"""What a sender of an institution said of an IRI."""


class Shared:
    """What one process knows to be written. Forget it when a transaction fails, for then it was not."""

    def __init__(self) -> None:
        self._authorities: set[Hashable] = set()
        self._agents: set[Hashable] = set()
        self._words: dict[tuple[str, str, str], bytes] = {}

    def forget(self) -> None:
        """Ask the database again about everything."""
        self._authorities.clear()
        self._agents.clear()
        self._words.clear()

    def knows(self, batches: Sequence[Batch]) -> bool:
        """Whether the batches bring nothing that `note` would have to write or to ask about."""
        return (
            not self._new_authorities(batches)
            and not self._new_agents(batches)
            and not any(self._new_words(kind, said) for kind, said in _said(batches).items())
        )

    async def note(self, connection: AsyncConnection, batches: Sequence[Batch]) -> None:
        """Write what the batches bring that is new."""
        await self._note_authorities(connection, batches)
        await self._note_agents(connection, batches)
        said = _said(batches)
        await self._note_words(connection, "activity", said["activity"], _ACTIVITIES, merged_definition)
        await self._note_words(connection, "verb", said["verb"], _VERBS, lambda known, new: {**(known or {}), **new})

    async def _note_authorities(self, connection: AsyncConnection, batches: Iterable[Batch]) -> None:
        rows = self._new_authorities(batches)
        if rows:
            await _AUTHORITIES.rows(connection, {"rows": to_json(list(rows.values())).decode()})
            self._authorities.update(rows)

    def _new_authorities(self, batches: Iterable[Batch]) -> dict[str, Words]:
        return {
            key: {"id": key, "agent": batch.sender.authority}
            for batch in batches
            if (key := key_text(batch.sender.authority_key)) not in self._authorities
        }

    async def _note_agents(self, connection: AsyncConnection, batches: Iterable[Batch]) -> None:
        rows = []
        for (of, key, name), kind in self._new_agents(batches).items():
            if len(key) + len(name) <= _LONGEST_REMEMBERED:
                _add(self._agents, (of, key, name))
            rows.append({"id": key_text(key), "of": of, "key": key, "type": kind, "name": name})
        if rows:
            await _AGENTS.rows(connection, {"rows": to_json(rows).decode()})

    def _new_agents(self, batches: Iterable[Batch]) -> dict[tuple[str, str, str], str]:
        named = {
            (_institution_of(batch), *agent): kind
            for batch in batches
            for agent, kind in agents_named(batch.statements).items()
        }
        return {agent: kind for agent, kind in named.items() if agent not in self._agents}

    async def _note_words(
        self,
        connection: AsyncConnection,
        kind: str,
        said: Iterable[_Said],
        statements: tuple[DriverStatement, DriverStatement],
        merged: Callable[[Words | None, Words], Words],
    ) -> None:
        """Merge what was said of IRIs into what is known of them; an IRI of which nothing is said is only noted."""
        new = self._new_words(kind, said)
        if not new:
            return
        find, write = statements
        ids = sorted({key_text(iri) for _, iri in new})
        found = {(row[1].hex, row[0].hex): from_json(row[2]) for row in await find.rows(connection, {"ids": ids})}
        rows = []
        for (of, iri), texts in new.items():
            before = now = found.get((of, key_text(iri)))
            for words, _ in texts:
                now = merged(now, words)
            if before is None or now != before:
                rows.append({"id": key_text(iri), "of": of, "iri": iri, "words": now})
            if len(self._words) >= _REMEMBERED:
                self._words.clear()
            if len(iri) <= _LONGEST_REMEMBERED:
                self._words[kind, of, iri] = next((text for _, text in reversed(texts) if text), b"")
        if rows:
            await write.rows(connection, {"rows": to_json(rows).decode()})

    def _new_words(self, kind: str, said: Iterable[_Said]) -> dict[tuple[str, str], list[tuple[Words, bytes]]]:
        """What was said of IRIs and is not remembered, with its digest."""
        new: dict[tuple[str, str], list[tuple[Words, bytes]]] = {}
        for of, iri, words in said:
            remembered = self._words.get((kind, of, iri))
            text = _digest(to_json(words)) if words else b""
            if remembered is None or (text and text != remembered):
                new.setdefault((of, iri), []).append((words, text))
        return new


def _said(batches: Iterable[Batch]) -> dict[str, list[_Said]]:
    """What batches say of activities and verbs; nothing but their IRIs, where the sender may not define them."""
    activities: list[_Said] = []
    verbs: list[_Said] = []
    for batch in batches:
        of = _institution_of(batch)
        for one in batch.statements:
            if batch.may_define:
                activities += [(of, iri, words) for iri, words in one.found.definitions]
            activities += [(of, iri, {}) for iri in one.found.related_activities]
            verb = one.statement["verb"]
            verbs.append((of, verb["id"], verb.get("display", {}) if batch.may_define else {}))
    return {"activity": activities, "verb": verbs}


def _institution_of(batch: Batch) -> str:
    return (batch.sender.institution_id or INSTALLATION).hex


def _digest(text: bytes) -> bytes:
    """What is remembered of a text in its place."""
    return blake2b(text, digest_size=16).digest()


def _add(known: set[Hashable], key: Hashable) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known.add(key)
