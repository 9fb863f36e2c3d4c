"""Tables of signing in beyond the password."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, SmallInteger, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from academe.identity.types import SIGNING_IN, Role
from academe.platform.database.base import PEOPLE, Base, Identified, Vocabulary, one_of
from academe.platform.encryption import EncryptedText


class TotpFactor(Base):
    """The secret that an account shares with an authenticator app (base 32), encrypted by the application.

    It counts from `confirmed_at` on. `last_step` is the time step of the last code accepted: no code up to it is
    accepted again.
    """

    __tablename__ = "totp_factor"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(EncryptedText())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("(confirmed_at IS NULL) = (last_step IS NULL)", name="confirmed_by_a_code"),
        {"info": {PEOPLE: True}},
    )


class RecoveryCode(Identified, Base):
    """One code that stands in for the app once; kept only as its SHA-256."""

    __tablename__ = "recovery_code"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    used_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("account_id", "code_hash"), {"info": {PEOPLE: True}})


class UnfinishedSignIn(Identified, Base):
    """A browser that has shown the password of an account and not yet its second factor. It gives access to nothing.

    The cookie's token is kept only as its SHA-256. After `failures` wrong codes, or at `expires_at`, it is worthless.
    """

    __tablename__ = "unfinished_sign_in"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (CheckConstraint("failures BETWEEN 0 AND 5", name="failures_bounded"), {"info": {PEOPLE: True}})


class SecondFactorRule(Base):
    """That whoever holds a role in an institution needs a second factor."""

    __tablename__ = "second_factor_rule"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(Vocabulary(Role), primary_key=True)

    __table_args__ = (one_of("role", SIGNING_IN),)
