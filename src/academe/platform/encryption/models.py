"""The table of data keys."""

from datetime import datetime

from sqlalchemy import LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import Base


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
