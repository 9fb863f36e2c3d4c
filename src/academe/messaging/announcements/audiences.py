"""Who can be addressed: kinds of audiences, supplied by the modules above and registered by the composition roots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import Select

from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session


@dataclass(frozen=True, slots=True)
class Audience:
    """Some people who can be told something together: a kind, the id of what they have in common, and its name."""

    kind: str
    id: UUID
    label: str
    institution_id: UUID


class AudienceSource(Protocol):
    """One kind of audience."""

    kind: str
    words: str
    """Who is in one, for whoever chooses: "Everybody in an offering"."""

    async def offered_to(self, session: Session | ReadSession, actor: Actor) -> Sequence[Audience]:
        """The audiences that the actor may address, by name, a few hundred at most."""

    async def find(self, session: Session | ReadSession, actor: Actor, audience_id: UUID) -> Audience | None:
        """One that the actor may address."""

    def members(self, audience_id: UUID) -> Select[UUID]:
        """The ids of the people in it now; asked as the system."""


_sources: Final[dict[str, AudienceSource]] = {}


def register_audience(source: AudienceSource) -> None:
    """Make a kind known; for composition roots."""
    _sources[source.kind] = source


def source_of(kind: str) -> AudienceSource | None:
    """The source of a kind."""
    return _sources.get(kind)


async def audiences_for(session: Session | ReadSession, actor: Actor) -> Sequence[tuple[AudienceSource, Audience]]:
    """Every audience that an actor may address, kind by kind."""
    found: list[tuple[AudienceSource, Audience]] = []
    for source in _sources.values():
        found.extend((source, audience) for audience in await source.offered_to(session, actor))
    return found
