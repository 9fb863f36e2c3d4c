"""The tables of keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base


class EncryptionKey(Base):
    """A data key, wrapped by a master key that the database never sees.

    The newest key that is not retired encrypts; a retired one still decrypts. `master_key` is the fingerprint of the
    master key: the first 16 hexadecimal digits of its SHA-256.
    """

    __tablename__ = "encryption_key"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    master_key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retired_at: Mapped[datetime | None]


class PersonKey(Base):
    """The key of a person's fields, wrapped by a master key. `academe backup` leaves these rows out.

    Whoever deletes the row makes the fields unreadable wherever they were copied to.
    """

    __tablename__ = "person_key"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    master_key: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = ({"info": {PEOPLE: True}},)


class DestroyedPersonKey(Base):
    """That a person's key was destroyed: it is never made again, and what a backup brings back of them goes again."""

    __tablename__ = "destroyed_person_key"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    destroyed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = ({"info": {PEOPLE: True}},)
