"""Tables of signing in beyond the password."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
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
    """A browser that has shown the password of an account, or a link, and not yet its second factor; it opens nothing.

    The cookie's token is kept only as its SHA-256. After `failures` wrong codes, or at `expires_at`, it is worthless.
    `identity_id` and `provider_session` are for the session that may come of it, as in `AccountSession`.
    """

    __tablename__ = "unfinished_sign_in"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    means: Mapped[str] = mapped_column(server_default="password")
    identity_id: Mapped[UUID | None] = mapped_column(ForeignKey("sign_in_identity.id", ondelete="CASCADE"), index=True)
    provider_session: Mapped[str | None]
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (CheckConstraint("failures BETWEEN 0 AND 5", name="failures_bounded"), {"info": {PEOPLE: True}})


class SignInLink(Identified, Base):
    """A link that was asked for, removed by its use; `account_id` is empty when nobody has the address.

    Its token is made of the id with the installation's key (`sign_in.links`) and kept nowhere.
    """

    __tablename__ = "sign_in_link"

    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = ({"info": {PEOPLE: True}},)


class SecondFactorRule(Base):
    """That whoever holds a role in an institution needs a second factor."""

    __tablename__ = "second_factor_rule"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(Vocabulary(Role), primary_key=True)

    __table_args__ = (one_of("role", SIGNING_IN),)


class Passkey(Identified, Base):
    """The public half of a key of an account; `name` is what its holder calls it ("my phone").

    `sign_count` is the counter of the device, 0 for good when it keeps none (WebAuthn Level 3, section 6.1.1).
    """

    __tablename__ = "passkey"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
        CheckConstraint("length(credential_id) BETWEEN 1 AND 1023", name="credential_id_length"),
        CheckConstraint("sign_count >= 0", name="sign_count_positive"),
        {"info": {PEOPLE: True}},
    )


class PasskeyChallenge(Identified, Base):
    """A question to one browser, removed by its answer. The cookie's token is kept only as its SHA-256.

    `account_id` is whose passkey must answer it, or for whom one is made; empty when that is not known yet.
    """

    __tablename__ = "passkey_challenge"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = ({"info": {PEOPLE: True}},)


class SignInIdentity(Identified, Base):
    """A person as a provider of sign-ins knows them: its code, and what it calls them there, for good.

    That is the `sub` of OpenID Connect (Core 1.0, section 2) or the persistent NameID of SAML 2.0 (Core, section
    8.3.7), never an address, which can change hands. A person may have several, of one provider too. `provider_id` is
    the provider by which it signs in here; it is empty for one that another system has told of, which opens nothing.
    """

    __tablename__ = "sign_in_identity"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    provider_id: Mapped[UUID | None] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"))
    auth_provider: Mapped[str]
    auth_provider_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("provider_id", "auth_provider_id"),
        Index(
            "uq_sign_in_identity_told",
            "auth_provider",
            "auth_provider_id",
            unique=True,
            postgresql_where=text("provider_id IS NULL"),
        ),
        CheckConstraint("length(auth_provider) BETWEEN 1 AND 100", name="provider_length"),
        CheckConstraint("length(auth_provider_id) BETWEEN 1 AND 255", name="id_length"),
        {"info": {PEOPLE: True}},
    )
