"""Pages of forwards: who sets them up, who keeps them going, what is told of them and what never is."""

import html
from uuid import UUID

import pytest
from sqlalchemy import update

from academe.lrs.forwarding.models import XapiForwardProgress
from academe.lrs.forwarding.types import PauseReason
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.lrs.conftest import ClientOf
from tests.lrs.forwarding.kept import ANSWER, BODY, FORM, JSON, LIST, PAGE_VERBS, SECRET, SYSTEM, VERBS, Kept, entries
from tests.schools import TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio


class TestWho:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf, kept: Kept) -> None:
        client = client_of()
        for address in (LIST, f"{LIST}/add", kept.page, f"{kept.page}/edit"):
            assert (await client.get(address)).status_code == 303, address
        for address in (JSON, kept.json, f"{kept.json}/letters"):
            assert (await client.get(address)).status_code == 401, address
        for verb in VERBS:
            assert (await client.post(f"{kept.json}/{verb}")).status_code == 401, verb
        assert (await client.post(JSON, json=BODY)).status_code == 401
        assert (await client.put(kept.json, json=BODY)).status_code == 401
        for address in (kept.json, f"{kept.json}/letters"):
            assert (await client.delete(address)).status_code == 401
        assert (await client.delete(f"{kept.json}/letters/{kept.letter}")).status_code == 401

    async def test_others_of_the_institution_may_not(
        self, client_of: ClientOf, kept: Kept, two_schools: TwoSchools
    ) -> None:
        for who in ("registrar", "faculty_administrator", "auditor", "lecturer", "student0"):
            client = client_of(two_schools.home.actor(who))
            for address in (LIST, f"{LIST}/add", kept.page, f"{kept.page}/edit", JSON, f"{kept.json}/letters"):
                assert (await client.get(address)).status_code == 403, (who, address)
            for verb in (*PAGE_VERBS, "edit", "remove"):
                assert (await client.post(f"{kept.page}/{verb}", data=FORM)).status_code == 403, (who, verb)
            for verb in VERBS:
                assert (await client.post(f"{kept.json}/{verb}")).status_code == 403, (who, verb)
            for body in (BODY, BODY | {"agents": ["nobody"]}):
                assert (await client.post(JSON, json=body)).status_code == 403
                assert (await client.put(kept.json, json=body)).status_code == 403
            assert (await client.post(f"{LIST}/add", data=FORM)).status_code == 403
            for address in (kept.json, f"{kept.json}/letters"):
                assert (await client.delete(address)).status_code == 403
            page = await client.get("/models")
            assert f'href="{LIST}"' not in page.text

    async def test_the_next_school_does_not_know_of_it(
        self, client_of: ClientOf, kept: Kept, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.away.actor("administrator"))
        assert "Analytics" not in (await client.get(LIST)).text
        assert (await client.get(JSON)).json()["items"] == []
        for address in (kept.page, f"{kept.page}/edit", kept.json, f"{kept.json}/letters"):
            assert (await client.get(address)).status_code == 404, address
        for verb in (*PAGE_VERBS, "edit", "remove", f"letters/{kept.letter}/retry", f"letters/{kept.letter}/dismiss"):
            assert (await client.post(f"{kept.page}/{verb}", data=FORM)).status_code == 404, verb
        assert (await client.put(kept.json, json=BODY)).status_code == 404
        for address in (kept.json, f"{kept.json}/letters"):
            assert (await client.delete(address)).status_code == 404

    async def test_operators_keep_it_going_and_do_not_say_what_it_carries(
        self, client_of: ClientOf, kept: Kept, operator: Actor, session: Session
    ) -> None:
        client = client_of(operator)
        listed = await client.get(LIST)
        assert "Analytics" in listed.text
        assert "Add a forward" not in listed.text
        page = (await client.get(kept.page)).text
        assert "The other store failed (500)." in page
        assert "2 agents" in page
        for hidden in (ANSWER, "ada@example.com", f"{kept.page}/edit", f"{kept.page}/remove", SECRET):
            assert hidden not in page, hidden
        (letter,) = (await client.get(f"{kept.json}/letters")).json()["items"]
        assert (letter["answer"], letter["status"]) == ("", 400)
        for address in (f"{LIST}/add", f"{kept.page}/edit"):
            assert (await client.get(address)).status_code == 403
        for address in (f"{LIST}/add", f"{kept.page}/edit", f"{kept.page}/remove"):
            assert (await client.post(address, data=FORM)).status_code == 403
        assert (await client.post(JSON, json=BODY)).status_code == 403
        assert (await client.put(kept.json, json=BODY)).status_code == 403
        assert (await client.delete(kept.json)).status_code == 403
        for verb in ("pause", "resume", "retry", "letters/retry", "skip"):
            assert (await client.post(f"{kept.page}/{verb}")).status_code == 303, verb
        made = [(each.action, each.actor_person_id) for each in await entries(session, kept.id)]
        assert made == [
            *((f"xapi_forward.{verb}", operator.person_id) for verb in ("paused", "resumed", "retried")),
            ("xapi_forward.letters_retried", operator.person_id),
            ("xapi_forward.skip_asked", operator.person_id),
            ("xapi_forward.skipped", None),
        ]


class TestPages:
    async def test_a_forward_is_added_changed_and_removed(
        self, client_of: ClientOf, two_schools: TwoSchools, session: Session
    ) -> None:
        administrator = two_schools.home.actor("administrator")
        client = client_of(administrator)
        assert "Nothing is forwarded" in (await client.get(LIST)).text
        form = FORM | {"agents": "ada@example.com\n\nhttps://campus.example.edu|7", "verbs": "http://example.com/did"}
        done = await client.post(f"{LIST}/add", data=form | {"start": "day", "since": "2026-01-02"})
        assert done.status_code == 303, done.text
        address = done.headers["location"]
        page = html.unescape((await client.get(address)).text)
        for told in (
            "https://lrs.example.org/xapi",
            "http://example.com/did",
            "2 Jan 2026, 00:00",
            "kept, never shown",
        ):
            assert told in page, told
        edit = (await client.get(f"{address}/edit")).text
        assert "http://example.com/did" in edit
        for shown in (page, edit, (await client.get(LIST)).text):
            assert SECRET not in shown
        changed = FORM | {"name": "Warehouse & co", "key": "", "secret": "", "version": "2.0"}
        assert (await client.post(f"{address}/edit", data=changed)).status_code == 303
        page = (await client.get(address)).text
        assert "Warehouse &amp; co" in page
        assert "http://example.com/did" not in page
        assert (await client.post(f"{address}/remove")).headers["location"] == LIST
        assert (await client.get(address)).status_code == 404
        made = await entries(session, UUID(address.rpartition("/")[2]))
        assert [(each.action, each.actor_person_id) for each in made] == [
            (f"xapi_forward.{what}", administrator.person_id) for what in ("created", "changed", "removed")
        ]
        changes = [each.changes or {} for each in made]
        assert changes[0]["agents"] == 2
        assert changes[1]["agents"] == [2, 0]
        assert SECRET not in str(changes)

    async def test_what_is_wrong_stands_beside_its_field(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        for wrong, said in (
            ({"name": ""}, "Please fill this in."),
            ({"endpoint": "lrs.example.org"}, "Please give an address, such as"),
            ({"endpoint": "ftp://lrs.example.org"}, "Please give an address, such as"),
            ({"endpoint": "https://a:b@lrs.example.org/xapi"}, "credentials are not part of it"),
            ({"endpoint": "https://169.254.169.254/xapi"}, "is not an address of the public internet"),
            ({"key": ""}, "Please give both the key and the secret"),
            ({"key": "a:b"}, "A key has no colon"),
            ({"verbs": "did"}, "did: Please give the whole IRI"),
            ({"agents": "nobody"}, "nobody: "),
            ({"registration": "7"}, "Please give a UUID, such as "),
            ({"senders": str(new_id())}, "Please choose senders of the institution."),
            ({"start": "day"}, "Please give the day."),
            ({"start": "never"}, "Please choose one of"),
        ):
            page = await client.post(f"{LIST}/add", data=FORM | wrong)
            assert page.status_code == 422, wrong
            assert said in html.unescape(page.text), wrong
            assert SECRET not in page.text
            assert 'value="Analytics"' in page.text or "name" in wrong

    async def test_one_with_trouble_says_it_and_what_can_be_done(
        self, client_of: ClientOf, kept: Kept, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        page = html.unescape((await client.get(kept.page)).text)
        for told in ("The other store failed (500).", "after 3 failures", ANSWER, str(kept.refused), "ada@example.com"):
            assert told in page, told
        # Another institution's senders have named the second agent, ours have not.
        assert "somebody-elses@example.com" not in page
        part = await client_of(two_schools.home.actor("administrator"), htmx=True).get(f"{kept.page}?part=figures")
        assert part.text.lstrip().startswith('<div id="figures"')
        assert "part=figures&amp;seen=failing" in part.text
        page_of_letters = await client_of(two_schools.home.actor("administrator"), htmx=True).get(kept.page)
        assert page_of_letters.text.lstrip().startswith('<div id="letters"')
        other = await client.get(f"{kept.page}?part=figures&seen=active")
        assert (other.status_code, other.headers["hx-refresh"]) == (204, "true")
        assert "Dead letters" not in part.text

    async def test_dead_letters_are_sent_again_or_dismissed(
        self, client_of: ClientOf, kept: Kept, two_schools: TwoSchools, session: Session
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        letter = f"{kept.page}/letters/{kept.letter}"
        assert (await client.post(f"{letter}/retry")).headers["location"] == kept.page
        assert "will be sent again" in (await client.get(kept.page)).text
        assert (await client.post(f"{letter}/dismiss")).status_code == 303
        assert "The other store has taken everything." in (await client.get(kept.page)).text
        for verb in ("retry", "dismiss"):
            assert (await client.post(f"{letter}/{verb}")).status_code == 404
        made = [each.action for each in await entries(session, kept.id)]
        assert made == ["xapi_forward.letters_retried", "xapi_forward.letters_dismissed"]

    async def test_all_are_dismissed_but_those_on_their_way(
        self, client_of: ClientOf, kept: Kept, two_schools: TwoSchools, session: Session
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        for _ in range(2):
            assert (await client.post(f"{kept.page}/skip")).status_code == 303
        assert (await client.post(f"{kept.page}/letters/{kept.letter}/retry")).status_code == 303
        assert (await client.post(f"{kept.page}/letters/dismiss")).status_code == 303
        assert (await client.delete(f"{kept.json}/letters")).json() == {"count": 0}
        (left,) = (await client.get(f"{kept.json}/letters")).json()["items"]
        assert left["id"] == str(kept.letter)
        (entry,) = (each for each in await entries(session, kept.id) if each.action.endswith("letters_dismissed"))
        assert entry.changes == {"letters": 1}

    async def test_the_next_one_is_skipped(
        self, client_of: ClientOf, kept: Kept, two_schools: TwoSchools, session: Session
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        assert f"{kept.page}/skip" in (await client.get(kept.page)).text
        for id_ in (kept.refused, kept.next):
            assert (await client.post(f"{kept.page}/skip")).status_code == 303
            assert str(id_) in (await client.get(kept.page)).text
        assert (await client.post(f"{kept.page}/skip")).status_code == 409
        letters = (await client.get(f"{kept.json}/letters")).json()["items"]
        assert {each["statement_id"]: each["status"] for each in letters} == {
            str(kept.refused): None,
            str(kept.next): None,
        }

    async def test_why_it_is_paused_is_said(
        self, client_of: ClientOf, kept: Kept, two_schools: TwoSchools, session: Session
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        for reason, said in (
            (PauseReason.CREDENTIALS, "does not accept its credentials"),
            (PauseReason.EVERYTHING_REFUSED, "refuses one statement after the other"),
            (PauseReason.PERSON, "Somebody has paused it."),
        ):
            async with as_actor(session, SYSTEM):
                await session.execute(update(XapiForwardProgress).values(paused_at=clock.now(), pause_reason=reason))
            page = (await client.get(kept.page)).text
            assert said in page
            assert f"{kept.page}/resume" in page
            assert f'action="{kept.page}/pause"' not in page
