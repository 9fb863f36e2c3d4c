"""Why somebody sees what they see, and what admits them to a person, or that nothing does."""

import httpx
import pytest

from tests.identity.conftest import SignIn
from tests.schools import School

pytestmark = pytest.mark.anyio


async def test_who_may_ask(browser: httpx.AsyncClient, home: School, away: School, sign_in_as: SignIn) -> None:
    path = f"/people/{home.people['advisor'].id}/access"
    assert (await browser.get(path)).headers["location"].startswith("/sign-in")
    assert (await (await sign_in_as(home, "lecturer")).get(path)).status_code == 403
    assert (await (await sign_in_as(away, "administrator")).get(path)).status_code == 404
    assert (await (await sign_in_as(home, "advisor")).get(path)).status_code == 200


async def test_every_role_and_what_admits(home: School, sign_in_as: SignIn) -> None:
    client = await sign_in_as(home, "auditor")
    page = (await client.get(f"/people/{home.people['faculty_administrator'].id}/access")).text
    assert "Faculty of Science" in page
    assert "Counts there and in Department of Mathematics." in page
    student = home.people["student0"].id
    page = (await client.get(f"/people/{home.people['lecturer'].id}/access?other={student}")).text
    assert "MATH101, Autumn 2026" in page
    page = (await client.get(f"/people/{home.people['colleague'].id}/access?other={student}")).text
    assert "Nothing admits Colleague of home to Student 10000." in page
    page = (await client.get(f"/people/{home.people['student1'].id}/access?q=10000")).text
    assert "No role in force" in page
    assert f"other={student}" in page
