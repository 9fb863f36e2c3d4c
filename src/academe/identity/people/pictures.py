"""Pictures of people: looked at by content, bounded, and drawn anew, so that nothing of the sender's file is kept."""

import asyncio
import io
import threading
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from PIL import Image, ImageOps
from sqlalchemy import select

from academe.identity import policy
from academe.identity.errors import PictureNotFoundError
from academe.identity.models import Person, PersonPicture
from academe.identity.service import about, known_person
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import record
from academe.platform.database.session import Database, ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.files.choice import file_store
from academe.platform.files.store import FileStore
from academe.platform.settings import Settings

AREA: Final = "pictures"
LARGEST_BYTES: Final = 8 * 2**20
MOST_PIXELS: Final = 40_000_000
"""What phones take; 120 MB while it is read."""
SIDE: Final = 512
GRACE: Final = timedelta(days=1)
MEDIA_TYPE: Final = "image/jpeg"

_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_one_at_a_time: Final = threading.Lock()


def picture_store(settings: Settings) -> FileStore:
    """Where pictures are kept."""
    return file_store(settings, AREA)


def redrawn(content: bytes) -> bytes:
    """The middle of a picture as a JPEG of 512 x 512 pixels, upright, without anything that is not seen.

    Raises InvalidInputError for what is no JPEG, PNG or WebP, is damaged, or has more bytes or pixels than allowed.
    """
    if len(content) > LARGEST_BYTES:
        raise _refused(f"The picture is larger than {LARGEST_BYTES // 2**20} MiB.")
    try:
        with _one_at_a_time, Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise _refused(f"The picture has more than {MOST_PIXELS // 10**6} million pixels.")
            image.draft("RGB", (SIDE * 2, SIDE * 2))
            upright = ImageOps.exif_transpose(image).convert("RGBA")
            fitted = ImageOps.fit(upright, (SIDE, SIDE))
            plain = Image.new("RGB", fitted.size, "white")
            plain.paste(fitted, mask=fitted.getchannel("A"))
    except InvalidInputError:
        raise
    # The readers of three formats fail in many ways; whatever they say, the file is no picture for us.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused("This is no picture in JPEG, PNG or WebP, or it is damaged.") from error
    drawn = io.BytesIO()
    plain.save(drawn, "JPEG", quality=85, optimize=True)
    return drawn.getvalue()


async def set_picture(session: Session, *, actor: Actor, person_id: UUID, content: bytes, files: FileStore) -> None:
    """Take a picture for a person; by the person or by those who register people.

    Raises PersonNotFoundError, PermissionDeniedError and what `redrawn` raises.
    """
    person = await _to_change(session, actor, person_id)
    digest = await files.put(await asyncio.to_thread(redrawn, content))
    picture = await session.get(PersonPicture, person.id)
    if picture is None:
        session.add(PersonPicture(person_id=person.id, digest=digest))
    else:
        picture.digest, picture.changed_at = digest, clock.now()
    await session.flush()
    record(session, actor=actor, action="person.picture_set", subject=about(person), summary="Picture taken")


async def remove_picture(session: Session, *, actor: Actor, person_id: UUID) -> None:
    """Remove a person's picture; its file goes within two days. Raises PictureNotFoundError."""
    person = await _to_change(session, actor, person_id)
    picture = await session.get(PersonPicture, person.id)
    if picture is None:
        raise PictureNotFoundError
    await session.delete(picture)
    await session.flush()
    record(session, actor=actor, action="person.picture_removed", subject=about(person), summary="Picture removed")


async def picture_digest(session: Session | ReadSession, *, actor: Actor, person_id: UUID) -> str:
    """The digest of the picture of a person whom the actor may know; raises PictureNotFoundError for all others."""
    policy.require(not actor.is_anonymous, actor, "")
    wanted = (
        select(PersonPicture.digest)
        .join(Person, Person.id == PersonPicture.person_id)
        .where(Person.id == person_id, policy.known_to(actor))
    )
    digest = await session.scalar(wanted)
    if digest is None:
        raise PictureNotFoundError
    return digest


async def forget_pictures(database: Database) -> int:
    """Delete the files that no row has named for a day; returns how many."""
    files, before, gone = picture_store(database.settings), clock.now() - GRACE, 0
    async for stale in files.stale(before):
        for digest in await _unnamed(database, (each.digest for each in stale)):
            gone += await files.delete_stale(digest, before)
    return gone


async def _unnamed(database: Database, digests: Iterable[str]) -> set[str]:
    asked = set(digests)
    async with database.transaction(system_actor("pictures")) as session:
        named = await session.scalars(select(PersonPicture.digest).where(PersonPicture.digest.in_(asked)))
        return asked - set(named)


async def _to_change(session: Session, actor: Actor, person_id: UUID) -> Person:
    person = await known_person(session, actor, person_id)
    permitted = person.id == actor.person_id or policy.can_register_people(actor, person.institution_id)
    policy.require(permitted, actor, "Only the person, registrars and administrators may change the picture.")
    return person


def _refused(message: str) -> InvalidInputError:
    return InvalidInputError(errors=[FieldError("picture", message)])
