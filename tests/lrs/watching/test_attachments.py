"""Attachments that are downloaded: by whom, as what, and what is left."""

import hashlib
from uuid import UUID

import pytest

from academe.lrs.statements.attachments import keep_attachments
from academe.lrs.watching.downloads import file_name
from academe.lrs.watching.shown import ShownAttachment
from academe.lrs.xapi.multipart import Attachment
from academe.platform.database.session import Session
from academe.platform.files.choice import file_store
from tests.lrs.conftest import ClientOf
from tests.lrs.statements.kept import Keeper, statement
from tests.lrs.watching.conftest import SYSTEM, Sent
from tests.lrs.watching.test_watching import entries
from tests.schools import TwoSchools
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

CONTENT = b"<script>alert('from a sender')</script>"
SHA2 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
async def page(session: Session, database: JoinedDatabase, keeper: Keeper, home: Sent) -> str:
    """The path, below that of pages or of JSON, of an attachment of the first school."""
    described = {
        "usageType": "https://example.com/essay",
        "display": {"en": 'An "essay"\r\n/../x'},
        "contentType": "text/html",
        "length": len(CONTENT),
        "sha2": SHA2.upper(),
    }
    async with as_actor(session, SYSTEM):
        (id_,) = await keeper.keep(statement(attachments=[described]), sender=home.sender)
        await keep_attachments(
            session,
            file_store(database.settings),
            [Attachment(SHA2, "text/html", CONTENT)],
            home.sender.institution_id,
        )
    return f"/lrs/statements/{id_}/attachments/{SHA2}"


class TestDownload:
    async def test_nobody(self, client_of: ClientOf, page: str) -> None:
        assert (await client_of().get(page)).status_code == 303
        assert (await client_of().get(f"/api/v1{page}")).status_code == 401

    async def test_who_may_not_read_statements(self, client_of: ClientOf, page: str, two_schools: TwoSchools) -> None:
        for address in (page, f"/api/v1{page}"):
            for who in ("registrar", "faculty_administrator", "lecturer", "student0"):
                assert (await client_of(two_schools.home.actor(who)).get(address)).status_code == 403, who
            stranger = client_of(two_schools.away.actor("administrator"))
            assert (await stranger.get(address)).status_code == 404

    async def test_who_reads_the_statement(
        self, client_of: ClientOf, page: str, session: Session, two_schools: TwoSchools
    ) -> None:
        auditor = two_schools.home.actor("auditor")
        for address in (page, f"/api/v1{page}"):
            answer = await client_of(auditor).get(address)
            assert (answer.status_code, answer.content) == (200, CONTENT)
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in answer.headers["content-security-policy"]
            disposition = answer.headers["content-disposition"]
            assert disposition.startswith('attachment; filename="An _essay____.._x.html"; filename*=UTF-8')
        statement_id = UUID(page.split("/")[3])
        told = ("xapi_statement.read", "xapi_statement", statement_id, "downloading an attachment of a statement")
        assert await entries(session, auditor) == [told, told]

    async def test_the_page_leads_to_it(self, client_of: ClientOf, page: str, two_schools: TwoSchools) -> None:
        shown = await client_of(two_schools.home.actor("auditor")).get(page.partition("/attachments")[0])
        assert f'href="{page}" download' in shown.text

    async def test_another_school_that_names_its_hash(
        self, client_of: ClientOf, page: str, session: Session, keeper: Keeper, away: Sent, two_schools: TwoSchools
    ) -> None:
        described = {
            "usageType": "https://example.com/essay",
            "display": {"en": "Theirs"},
            "contentType": "text/html",
            "length": len(CONTENT),
            "sha2": SHA2,
            "fileUrl": "https://example.com/theirs",
        }
        async with as_actor(session, SYSTEM):
            (id_,) = await keeper.keep(statement(attachments=[described]), sender=away.sender)
        client = client_of(two_schools.away.actor("administrator"))
        for address in ("", "/api/v1"):
            assert (await client.get(f"{address}/lrs/statements/{id_}/attachments/{SHA2}")).status_code == 404
        shown = (await client.get(f"/lrs/statements/{id_}")).text
        assert "https://example.com/theirs" in shown
        assert "Download Theirs" not in shown

    async def test_what_the_statement_does_not_name(
        self, client_of: ClientOf, page: str, home: Sent, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.home.actor("auditor"))
        missing = (f"/lrs/statements/{home.quiz}/attachments/{'a' * 64}", f"/lrs/statements/{home.quiz}/attachments/x")
        for address in (f"/lrs/statements/{home.quiz}/attachments/{SHA2}", *missing):
            assert (await client.get(address)).status_code == 404
        assert (await client.get(f"/api/v1/lrs/statements/{home.quiz}/attachments/x")).status_code == 422


@pytest.mark.parametrize(
    ("name", "content_type", "expected"),
    [
        ("Essay", "application/pdf", "Essay.pdf"),
        ("Essay.PDF", "application/pdf", "Essay.PDF"),
        ("Aufsatz über Ä", "text/plain; charset=utf-8", "Aufsatz über Ä.txt"),
        (" .. ", "made/up", "b" * 12),
        ("n" * 300, "", "n" * 100),
    ],
)
def test_file_names(name: str, content_type: str, expected: str) -> None:
    assert file_name(ShownAttachment(name, content_type, 1, "b" * 64, None)) == expected
