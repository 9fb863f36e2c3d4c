"""What each filter finds, in which order, and through which references (XAPI-00152 to XAPI-00182, 2.1.3)."""

from datetime import timedelta
from typing import Any

import pytest

from academe.lrs.senders.types import Scope
from academe.platform.ids import new_id
from tests.lrs.statements.kept import (
    ADA,
    BOB,
    CID,
    COURSE,
    FIRST,
    QUIZ,
    VERB,
    VOIDED,
    Keeper,
    Reader,
    about,
    agent,
    sender_named,
    statement,
    voiding,
)

pytestmark = pytest.mark.anyio

REGISTRATION = "ec531277-b57b-4c15-8d91-d292c5b2b8f7"
GROUP = {
    "objectType": "Group",
    "account": {"homePage": "https://campus.example.edu", "name": "tutors"},
    "member": [CID],
}
SOMEBODY = {"objectType": "Agent", "mbox_sha1sum": "cd9b00a5611f94eaa7b1661edab976068e364975"}


def sub_statement(**parts: Any) -> dict[str, Any]:
    return {"objectType": "SubStatement", "actor": SOMEBODY, "verb": {"id": VERB}, "object": {"id": QUIZ}, **parts}


# Where an agent stands, and whether `agent` alone finds it; `related_agents` always does.
AGENTS: list[tuple[str, dict[str, Any], bool]] = [
    ("actor", {"actor": CID}, True),
    ("member of the actor", {"actor": {"objectType": "Group", "member": [ADA, CID]}}, True),
    ("member of an identified group", {"actor": GROUP}, True),
    ("object", {"object": CID}, True),
    ("member of the object", {"object": {**GROUP, "member": [CID]}}, True),
    ("instructor", {"context": {"instructor": CID}}, False),
    ("member of the instructor", {"context": {"instructor": GROUP}}, False),
    ("member of the team", {"context": {"team": GROUP}}, False),
    ("actor of a SubStatement", {"object": sub_statement(actor=CID)}, False),
    ("object of a SubStatement", {"object": sub_statement(object=CID)}, False),
    ("instructor of a SubStatement", {"object": sub_statement(context={"instructor": CID})}, False),
    ("context agent", {"context": {"contextAgents": [{"objectType": "contextAgent", "agent": CID}]}}, False),
    ("context group", {"context": {"contextGroups": [{"objectType": "contextGroup", "group": GROUP}]}}, False),
]
# The same for activities.
ACTIVITIES: list[tuple[str, dict[str, Any], bool]] = [
    ("object", {"object": {"id": COURSE}}, True),
    *(
        (kind, {"context": {"contextActivities": {kind: [{"id": COURSE}]}}}, False)
        for kind in ("parent", "grouping", "category", "other")
    ),
    ("object of a SubStatement", {"object": sub_statement(object={"id": COURSE})}, False),
    (
        "context of a SubStatement",
        {"object": sub_statement(context={"contextActivities": {"parent": {"id": COURSE}}})},
        False,
    ),
]


class TestFilters:
    @pytest.mark.parametrize(("place", "parts", "is_narrow"), AGENTS, ids=[row[0] for row in AGENTS])
    async def test_agent(self, keeper: Keeper, two: Reader, place: str, parts: dict[str, Any], is_narrow: bool) -> None:
        found = await keeper.keep(statement(**parts), statement())
        assert await two.ids(agent=agent(CID)) == (found[:1] if is_narrow else [])
        assert await two.ids(agent=agent(CID), related_agents="true") == found[:1]
        assert await two.ids(agent=agent(CID), related_agents="true", verb=VERB) == found[:1]
        assert await two.ids(agent=agent(CID), related_agents="true", verb=VOIDED) == []

    async def test_group(self, keeper: Keeper, two: Reader) -> None:
        """An identified group is found by its identifier, and not by its members alone."""
        found = await keeper.keep(statement(actor=GROUP), statement(actor={"objectType": "Group", "member": [CID]}))
        assert await two.ids(agent=agent({**GROUP, "member": []})) == found[:1]

    async def test_authority(self, keeper: Keeper, two: Reader) -> None:
        other = sender_named("other")
        found = [*await keeper.keep(statement(), sender=other), *await keeper.keep(statement(actor=other.authority))]
        await keeper.keep(statement())
        authority = agent(other.authority)
        assert await two.ids(agent=authority) == [found[1]]
        assert await two.ids(agent=authority, related_agents="true") == found[::-1]
        assert (
            await two.ids(agent=authority, related_agents="true", activity=QUIZ, related_activities="true")
            == (found[::-1])
        )
        assert await two.ids(agent=authority, related_agents="true", activity=COURSE) == []

    @pytest.mark.parametrize(("place", "parts", "is_narrow"), ACTIVITIES, ids=[row[0] for row in ACTIVITIES])
    async def test_activity(
        self, keeper: Keeper, two: Reader, place: str, parts: dict[str, Any], is_narrow: bool
    ) -> None:
        found = await keeper.keep(statement(**parts), statement())
        assert await two.ids(activity=COURSE) == (found[:1] if is_narrow else [])
        assert await two.ids(activity=COURSE, related_activities="true") == found[:1]
        both = {"agent": agent(ADA), "activity": COURSE, "related_activities": "true"}
        assert await two.ids(**both) == found[:1]
        assert await two.ids(**both, related_agents="true") == found[:1]
        assert await two.ids(**both | {"agent": agent(BOB)}) == []

    async def test_mentions_of_both_kinds(self, keeper: Keeper, two: Reader) -> None:
        """Agent and activity both stand beside actor and object."""
        context = {"instructor": CID, "contextActivities": {"parent": [{"id": COURSE}]}}
        found = await keeper.keep(statement(context=context), statement(context={"instructor": CID}))
        related = {"related_agents": "true", "related_activities": "true"}
        assert await two.ids(agent=agent(CID), activity=COURSE, **related) == found[:1]
        assert await two.ids(agent=agent(CID), activity=COURSE, related_activities="true") == []

    async def test_verb_and_registration(self, keeper: Keeper, reader: Reader) -> None:
        found = await keeper.keep(
            statement(verb={"id": "http://example.com/failed"}, context={"registration": REGISTRATION.upper()}),
            statement(context={"registration": REGISTRATION}),
            statement(),
        )
        assert await reader.ids(verb="http://example.com/failed") == found[:1]
        assert await reader.ids(registration=REGISTRATION) == found[1::-1]
        assert await reader.ids(registration=REGISTRATION, verb=VERB) == found[1:2]

    async def test_related_alone(self, keeper: Keeper, reader: Reader) -> None:
        found = await keeper.keep(statement())
        assert await reader.ids(related_activities="true", related_agents="true") == found

    async def test_since_and_until(self, keeper: Keeper, reader: Reader) -> None:
        """XAPI-00163, XAPI-00164: after `since`, up to `until`."""
        found = await keeper.keep(*(statement() for _ in range(4)))
        since, until = FIRST.isoformat(), (FIRST + timedelta(seconds=2)).isoformat()
        assert await reader.ids(since=since) == found[:0:-1]
        assert await reader.ids(until=until) == found[2::-1]
        assert await reader.ids(since=since, until=until, ascending="true") == found[1:3]
        assert await reader.ids(since=until, until=since) == []


class TestReferences:
    async def test_chain(self, keeper: Keeper, two: Reader) -> None:
        """XAPI-00162: whoever refers to what is found is found, at whatever distance, in the order of storing."""
        target = statement(verb={"id": "http://example.com/failed"}, context={"instructor": CID})
        near = about(target["id"])
        far = about(near["id"])
        found = await keeper.keep(target, near, far, statement())
        failed = found[2::-1]
        assert await two.ids(verb="http://example.com/failed") == failed
        assert await two.ids(agent=agent(ADA), verb="http://example.com/failed") == failed
        assert await two.ids(agent=agent(CID)) == []
        assert await two.ids(agent=agent(CID), related_agents="true", activity=QUIZ) == failed
        assert await two.ids(activity=QUIZ, related_activities="true", agent=agent(ADA)) == [found[3], *failed]
        assert await two.ids(verb="http://example.com/failed", ascending="true", limit="2") == failed[::-1]

    async def test_target_that_comes_later(self, keeper: Keeper, two: Reader) -> None:
        target = statement(context={"registration": REGISTRATION})
        found = await keeper.keep(about(target["id"]), target)
        assert await two.ids(registration=REGISTRATION) == found[::-1]

    async def test_one_statement_meets_all(self, keeper: Keeper, two: Reader) -> None:
        """No statement of the chain has both the verb and the actor."""
        target = statement()
        await keeper.keep(target, about(target["id"], verb="http://example.com/liked"))
        assert await two.ids(agent=agent(ADA), verb="http://example.com/liked") == []

    async def test_several_targets_count_once(self, keeper: Keeper, two: Reader) -> None:
        chain = [statement(actor=BOB)]
        for _ in range(5):
            chain.append(about(chain[-1]["id"]))
        found = await keeper.keep(*chain)
        assert await two.ids(agent=agent(BOB)) == found[::-1]
        assert await two.ids(agent=agent(BOB), limit="2", ascending="true") == found

    async def test_times_are_of_the_referring_one(self, keeper: Keeper, two: Reader) -> None:
        target = statement()
        found = await keeper.keep(target, about(target["id"]))
        assert await two.ids(verb=VERB, since=FIRST.isoformat()) == found[1:]

    async def test_target_that_never_comes(self, keeper: Keeper, reader: Reader) -> None:
        """A statement about one that is not there is found by what it says itself."""
        found = await keeper.keep(about(str(new_id())))
        assert await reader.ids(agent=agent(BOB)) == found

    async def test_circle(self, keeper: Keeper, two: Reader) -> None:
        first, second = str(new_id()), str(new_id())
        found = await keeper.keep(about(second) | {"id": first}, about(first) | {"id": second})
        assert await two.ids(agent=agent(BOB)) == found[::-1]


class TestVoided:
    async def test_in_no_list(self, keeper: Keeper, two: Reader) -> None:
        """The voided statement is in no list, and the voiding one in those that would have found it."""
        target = statement(verb={"id": "http://example.com/failed"}, context={"instructor": CID})
        other = about(target["id"])
        found = await keeper.keep(target, other, voiding(target["id"]))
        for parameters in (
            {},
            {"verb": "http://example.com/failed"},
            {"agent": agent(ADA)},
            {"agent": agent(CID), "related_agents": "true"},
            {"activity": QUIZ},
        ):
            assert await two.ids(**parameters) == found[:0:-1], parameters

    async def test_voiding_statements_stay(self, keeper: Keeper, two: Reader) -> None:
        """XAPI-00016: whoever voids a voiding statement changes nothing."""
        target = statement()
        first = voiding(target["id"])
        found = await keeper.keep(target, first, voiding(first["id"]))
        assert await two.ids() == found[:0:-1]

    async def test_before_it_comes(self, keeper: Keeper, two: Reader) -> None:
        target = statement()
        found = await keeper.keep(voiding(target["id"]), target)
        assert await two.ids() == found[:1]


class TestOwn:
    """Senders with `statements/read/mine` alone read what they sent themselves."""

    async def test_own(self, keeper: Keeper, two: Reader) -> None:
        mine = sender_named("mine", Scope.READ_OWN_STATEMENTS, Scope.WRITE_STATEMENTS)
        target = statement()
        await keeper.keep(target, statement())
        found = await keeper.keep(statement(), about(target["id"]), voiding(target["id"]), sender=mine)
        own = Reader(two.database, sender=mine)
        assert await own.ids() == found[::-1]
        assert await own.ids(verb=VERB) == found[::-1]
        assert await own.ids(agent=agent(ADA), activity=QUIZ, related_agents="true") == found[::-1]

    @pytest.mark.parametrize("scope", [Scope.ALL, Scope.READ_ALL, Scope.READ_STATEMENTS])
    async def test_everything(self, keeper: Keeper, two: Reader, scope: Scope) -> None:
        found = await keeper.keep(statement(), statement())
        everything = Reader(two.database, sender=sender_named("reader", Scope.READ_OWN_STATEMENTS, scope))
        assert await everything.ids() == found[::-1]

    async def test_same_authority(self, keeper: Keeper, two: Reader) -> None:
        """Two senders may stand for the same authority; each has its own statements."""
        mine = sender_named("twin", Scope.READ_OWN_STATEMENTS)
        twin = sender_named("twin", Scope.READ_OWN_STATEMENTS)
        found = [*await keeper.keep(statement(), sender=mine), *await keeper.keep(statement(), sender=twin)]
        assert await Reader(two.database, sender=mine).ids() == found[:1]
