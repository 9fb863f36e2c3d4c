"""The cards on the page about a person that others bring: sub-concepts of identity, and the modules above it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from academe.identity.models import Person
from academe.platform.actor import Actor
from academe.platform.database.session import Session


@dataclass(frozen=True, slots=True)
class PersonCard:
    """A card: the template that draws it, which sees `context` as `card`."""

    template: str
    context: object


CardSource = Callable[[Session, Actor, Person], Awaitable[PersonCard | None]]
"""Makes the card about a person for whoever looks; None for those who may not see it. Reading leaves its own entry."""

_sources: Final[dict[str, CardSource]] = {}


def add_person_card(key: str, source: CardSource) -> None:
    """Register a card; for the composition root, in the order in which they are shown. The same key replaces."""
    _sources[key] = source


async def cards_about(session: Session, actor: Actor, person: Person) -> Sequence[PersonCard]:
    """The cards about a person that the actor may see."""
    made = [await source(session, actor, person) for source in _sources.values()]
    return [card for card in made if card is not None]
