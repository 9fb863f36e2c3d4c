"""What every page about an offering shows at its top: its name, its days, and the tabs that lead to its other pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol
from uuid import UUID

from academe.academics import policy
from academe.academics.types import OfferingStatus
from academe.platform.actor import Actor


class _Coded(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def title(self) -> str: ...


class Headed(policy.Placed, Protocol):
    """What the head of a page needs of an offering, however it was loaded."""

    @property
    def unit(self) -> _Coded: ...
    @property
    def term(self) -> _Coded: ...
    @property
    def starts_on(self) -> date: ...
    @property
    def ends_on(self) -> date: ...
    @property
    def status(self) -> OfferingStatus: ...


@dataclass(frozen=True, slots=True)
class OfferingTab:
    """A page of an offering that another module brings: shown after ours, to those for whom `visible` is true.

    `suffix` is the last step of its address, `/offerings/<id>/<suffix>`.
    """

    label: str
    suffix: str
    visible: Callable[[Actor], bool]


_further: Final[list[OfferingTab]] = []


def add_offering_tab(tab: OfferingTab) -> None:
    """Register a tab; for the composition root, once per process. A second tab of the same address replaces it."""
    _further[:] = [known for known in _further if known.suffix != tab.suffix] + [tab]


@dataclass(frozen=True, slots=True)
class OfferingHead:
    """An offering as its pages name it, with what the actor may do there."""

    id: UUID
    unit_code: str
    unit_title: str
    term_title: str
    starts_on: date
    ends_on: date
    status: OfferingStatus
    can_enrol: bool
    can_take_attendance: bool
    can_appoint: bool
    tabs: Sequence[tuple[str, str, bool, None]]

    @property
    def href(self) -> str:
        """Where the offering's first page is."""
        return f"/offerings/{self.id}"

    @property
    def name(self) -> str:
        """What it is called on its pages."""
        return f"{self.unit_code} {self.unit_title}"


def head_of(offering: Headed, actor: Actor, *, tab: str) -> OfferingHead:
    """The head of a page whose tab is `tab`: `overview`, `roster`, `meetings` or the suffix of another module's."""
    base = f"/offerings/{offering.id}"
    tabs = [("Overview", base, "overview"), ("Roster", f"{base}/roster", "roster")]
    tabs.append(("Meetings", f"{base}/meetings", "meetings"))
    tabs += [(more.label, f"{base}/{more.suffix}", more.suffix) for more in _further if more.visible(actor)]
    return OfferingHead(
        id=offering.id,
        unit_code=offering.unit.code,
        unit_title=offering.unit.title,
        term_title=offering.term.title,
        starts_on=offering.starts_on,
        ends_on=offering.ends_on,
        status=offering.status,
        can_enrol=policy.can_enrol(actor, offering),
        can_take_attendance=policy.can_take_attendance(actor, offering),
        can_appoint=bool(policy.roles_to_appoint(actor, offering)),
        tabs=[(label, href, key == tab, None) for label, href, key in tabs],
    )
