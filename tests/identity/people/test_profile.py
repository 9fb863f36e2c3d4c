"""One's own profile, and pictures of people."""

import io
from datetime import timedelta

import httpx
import pytest
from PIL import Image

from academe.identity.models import Person, PersonParticulars, PersonPicture
from academe.identity.people.pictures import SIDE, forget_pictures, picture_store, redrawn
from academe.platform import clock
from academe.platform.database.session import Session
from academe.platform.errors import InvalidInputError
from academe.platform.settings import Settings
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


def picture(kind: str = "JPEG", size: tuple[int, int] = (800, 600), **more: object) -> bytes:
    """A picture of one colour, red above and blue below."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (0, size[1] // 2, size[0], size[1]))
    content = io.BytesIO()
    image.save(content, kind, **more)
    return content.getvalue()


class TestRedrawn:
    def test_nothing_of_the_file_is_kept_but_what_is_seen(self) -> None:
        exif = Image.Exif()
        exif[0x010F] = "Spy camera"
        exif[0x0112] = 3  # upside down
        exif.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
        sent = picture(exif=exif, comment=b"secret words")
        assert b"Spy camera" in sent
        drawn = redrawn(sent)
        assert b"Spy" not in drawn
        assert b"secret" not in drawn
        with Image.open(io.BytesIO(drawn)) as image:
            assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (SIDE, SIDE), {})
            pixel = image.getpixel((SIDE // 2, 10))
        assert isinstance(pixel, tuple)
        assert pixel[2] > 200, "the picture stands upright: blue is above"

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_other_formats(self, kind: str) -> None:
        with Image.open(io.BytesIO(redrawn(picture(kind)))) as image:
            assert image.size == (SIDE, SIDE)

    @pytest.mark.parametrize(
        "content",
        [
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            picture("GIF"),
            picture()[:600],
            b"\xff\xd8\xff" + b"x" * 100,
            picture("PNG", (7000, 6000)),
            picture("PNG", (30_000, 10_000)),
            b"\x89PNG" + b"0" * (8 * 2**20),
        ],
        ids=["svg", "gif", "cut off", "noise", "too many pixels", "a bomb", "too many bytes"],
    )
    def test_what_is_no_picture_is_refused(self, content: bytes) -> None:
        with pytest.raises(InvalidInputError) as refused:
            redrawn(content)
        assert refused.value.errors[0].field == "picture"


class TestPicture:
    async def test_anonymous_signs_in_first(self, browser: httpx.AsyncClient, home: School) -> None:
        address = f"/people/{home.people['student0'].id}/picture"
        assert (await browser.get(address)).headers["location"].startswith("/sign-in")
        assert (await browser.put(f"/api/v1{address}", content=picture(), headers=JSON)).status_code == 401

    async def test_brought_seen_and_removed(
        self, session: Session, home: School, away: School, sign_in_as: SignIn, settings: Settings
    ) -> None:
        student = home.people["student0"]
        address = f"/people/{student.id}/picture"
        own = await sign_in_as(home, "student0")
        wrong = await own.post(address, files={"picture": ("me.jpg", b"no picture", "image/jpeg")})
        assert wrong.status_code == 422
        assert "This is no picture" in wrong.text
        assert (await own.post(address, files={"picture": ("me.jpg", picture(), "image/jpeg")})).status_code == 303
        assert "Your picture" in (await own.get("/account/profile")).text
        seen = await (await sign_in_as(home, "lecturer")).get(address)
        assert (seen.status_code, seen.headers["content-type"]) == (200, "image/jpeg")
        assert seen.headers["cache-control"].startswith("private")
        again = await own.get(address, headers={"If-None-Match": seen.headers["etag"]})
        assert again.status_code == 304
        for school, who in ((home, "student1"), (away, "administrator")):
            other = await sign_in_as(school, who)
            assert (await other.get(address)).status_code == 404
            sent = await other.put(f"/api/v1{address}", content=picture(), headers=JSON)
            assert sent.status_code == 404
        lecturer = await sign_in_as(home, "lecturer")
        assert (await lecturer.put(f"/api/v1{address}", content=picture(), headers=JSON)).status_code == 403
        row = await session.get(PersonPicture, student.id)
        assert row is not None
        assert await picture_store(settings).exists(row.digest)
        registrar = await sign_in_as(home, "registrar")
        assert "Picture of" in (await registrar.get(f"/people/{student.id}")).text
        assert (await registrar.post(f"{address}/remove")).status_code == 303
        assert (await own.get(address)).status_code == 404

    async def test_files_that_no_row_names_go(
        self,
        database: JoinedDatabase,
        home: School,
        sign_in_as: SignIn,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        own = await sign_in_as(home, "student0")
        address = f"/api/v1/people/{home.people['student0'].id}/picture"
        files = picture_store(settings)
        before = clock.now()
        assert (await own.put(address, content=picture(), headers=JSON)).status_code == 204
        first = (await own.get(address)).headers["etag"].strip('"')
        assert (await own.put(address, content=picture("PNG", (90, 90)), headers=JSON)).status_code == 204
        second = (await own.get(address)).headers["etag"].strip('"')
        assert await forget_pictures(database) == 0
        monkeypatch.setattr(clock, "now", lambda: before + timedelta(days=2))
        assert await forget_pictures(database) >= 1
        assert [await files.exists(digest) for digest in (first, second)] == [False, True]


class TestProfile:
    async def test_anonymous_signs_in_first(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/account/profile")).headers["location"].startswith("/sign-in")

    async def test_people_say_what_they_are_called_and_want(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        lecturer = await sign_in_as(home, "lecturer")
        person = home.people["lecturer"].id
        said = {
            "preferred_name": "Ada",
            "phone": "+44 20 7946 0000",
            "date_of_birth": "1990-02-28",
            "locale": "de-AT",
            "time_zone": "Europe/Vienna",
            "start_page": "/people",
        }
        assert (await lecturer.post("/account/profile", data=said)).status_code == 303
        kept = await session.get(PersonParticulars, person, populate_existing=True)
        assert kept is not None
        assert (kept.phone, kept.locale, kept.time_zone) == ("+44 20 7946 0000", "de-AT", "Europe/Vienna")
        named = await session.get(Person, person, populate_existing=True)
        assert named is not None
        assert named.preferred_name == "Ada"
        assert 'value="Ada"' in (await lecturer.get("/account/profile")).text
        assert (await lecturer.get("/")).headers["location"] == "/people"

    async def test_wrong_ones_are_named_and_nothing_is_saved(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        student = await sign_in_as(home, "student0")
        wrong = {"locale": "Klingon", "time_zone": "Moon/Base", "start_page": "//evil.example"}
        answer = await student.post("/account/profile", data=wrong | {"preferred_name": "Somebody"})
        assert answer.status_code == 422
        assert all(f'id="error-{field}"' in answer.text for field in wrong)
        named = await session.get(Person, home.people["student0"].id, populate_existing=True)
        assert named is not None
        assert named.preferred_name is None

    async def test_programs_set_preferences(self, home: School, sign_in_as: SignIn) -> None:
        address = f"/api/v1/people/{home.people['student0'].id}/preferences"
        lecturer = await sign_in_as(home, "lecturer")
        assert (await lecturer.put(address, json={"locale": "de"}, headers=JSON)).status_code == 403
        registrar = await sign_in_as(home, "registrar")
        assert (await registrar.put(address, json={"locale": "de"}, headers=JSON)).json()["locale"] == "de"
        refused = await registrar.put(address, json={"time_zone": "Moon/Base"}, headers=JSON)
        assert refused.json()["errors"][0]["field"] == "time_zone"
        assert (await registrar.get(address, headers=JSON)).json()["locale"] == "de"
