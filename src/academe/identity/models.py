"""Tables of identity: the organisation tree, people, their accounts and the roles they hold."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, LargeBinary, UniqueConstraint, column, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from academe.identity.types import AT_NODE, OrgUnitKind, PersonStatus, Role
from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped, Vocabulary, one_of
from academe.platform.encryption import PersonText

_SEARCHED: Final = (
    "fold_name(' ' || display_name || coalesce(' ' || preferred_name, '') || coalesce(' ' || given_name, '')"
    " || coalesce(' ' || middle_name, '') || coalesce(' ' || family_name, ''))"
)


class OrgUnit(Identified, Timestamped, Base):
    """A node of the organisation tree. The root is the institution; `institution_id` of every node names the root.

    `data_attribution`, of an institution only, names source and licence of data that was not collected there. A closed
    node keeps what it has and gets nothing new. A trigger keeps the tree free of circles.
    """

    __tablename__ = "org_unit"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[OrgUnitKind] = mapped_column(Vocabulary(OrgUnitKind))
    code: Mapped[str]
    name: Mapped[str]
    data_attribution: Mapped[str | None]
    closed_on: Mapped[date | None]

    __table_args__ = (
        one_of("kind", OrgUnitKind),
        UniqueConstraint("institution_id", "code"),
        CheckConstraint("(parent_id IS NULL) = (kind = 'institution')", name="root_is_institution"),
        CheckConstraint("(parent_id IS NULL) = (institution_id = id)", name="root_names_itself"),
        CheckConstraint("closed_on IS NULL OR parent_id IS NOT NULL", name="root_stays_open"),
    )


class Person(Identified, Timestamped, Base):
    """A human being, known once to an institution. `display_name` is what every page shows ("Student 11391").

    `preferred_name` is what the person wants to be called. `search_text` has all names without accents and capitals
    (`fold_name`). The row is the institution's directory: its staff may read it. What is private is in
    `PersonParticulars`. Whoever was found to be somebody else leads to them by `merged_into_id`.

    `is_restricted`: the data are kept and not used (`privacy.restriction`, whose table it follows). `is_unlisted`: the
    person wants not to be found in the directory (`privacy.directory`).
    """

    __tablename__ = "person"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    sourced_id: Mapped[str | None]
    display_name: Mapped[str]
    given_name: Mapped[str | None]
    family_name: Mapped[str | None]
    middle_name: Mapped[str | None]
    preferred_name: Mapped[str | None]
    search_text: Mapped[str] = mapped_column(Computed(_SEARCHED, persisted=True))
    status: Mapped[PersonStatus] = mapped_column(Vocabulary(PersonStatus), server_default=PersonStatus.ACTIVE.value)

    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    is_restricted: Mapped[bool] = mapped_column(server_default=text("false"))
    is_unlisted: Mapped[bool] = mapped_column(server_default=text("false"))

    account: Mapped["Account | None"] = relationship(back_populates="person", lazy="raise")

    __table_args__ = (
        one_of("status", PersonStatus),
        CheckConstraint("merged_into_id IS NULL OR status = 'deactivated'", name="merged_takes_no_part"),
        CheckConstraint("merged_into_id <> id", name="merged_into_another"),
        CheckConstraint("length(display_name) BETWEEN 1 AND 200", name="display_name_length"),
        *(
            CheckConstraint(f"length({part}) BETWEEN 1 AND 100", name=f"{part}_length")
            for part in ("given_name", "middle_name", "family_name", "preferred_name")
        ),
        Index("uq_person_institution_id_sourced_id", "institution_id", "sourced_id", unique=True),
        Index("ix_person_restricted", "id", postgresql_where=text("is_restricted")),
        Index("ix_person_institution_id_display_name", "institution_id", "display_name", "id"),
        Index(
            "ix_person_deactivated",
            "institution_id",
            "display_name",
            "id",
            postgresql_where=text("status = 'deactivated'"),
        ),
        Index(
            "ix_person_search_text_trigram",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
        {"info": {PEOPLE: True}},
    )


class PersonParticulars(Timestamped, Base):
    """How to reach a person, when they were born, and how they want Academe: for the person and who looks after them.

    Phone and date of birth (`YYYY-MM-DD`) are encrypted by the application with the key of the person.
    """

    __tablename__ = "person_particulars"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), primary_key=True)
    contact_email: Mapped[str | None]
    phone: Mapped[str | None] = mapped_column(PersonText(owner="person_id"))
    date_of_birth: Mapped[str | None] = mapped_column(PersonText(owner="person_id"))

    locale: Mapped[str | None]
    time_zone: Mapped[str | None]
    start_page: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("locale ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$'", name="locale_tag"),
        CheckConstraint("length(time_zone) BETWEEN 1 AND 100", name="time_zone_length"),
        CheckConstraint(r"start_page ~ '^/([^/\\].{0,198})?$'", name="start_page_is_local"),
        {"info": {PEOPLE: True}},
    )


class PersonPicture(Base):
    """A person's picture: the digest of a JPEG file of ours, which nobody else's row names in most cases."""

    __tablename__ = "person_picture"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), primary_key=True)
    digest: Mapped[str] = mapped_column(index=True)
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest_shape"),
        {"info": {PEOPLE: True}},
    )


class Account(Identified, Timestamped, Base):
    """A person's means to sign in; `email` is stored as typed and unique without regard to case."""

    __tablename__ = "account"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), unique=True)
    email: Mapped[str]
    password_hash: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    last_signed_in_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(back_populates="account", lazy="raise")

    __table_args__ = (
        Index("uq_account_email_lower", func.lower(text("email")), unique=True),
        Index(
            "ix_account_email_trigram",
            func.lower(text("email")).label("lower_email"),
            postgresql_using="gin",
            postgresql_ops={"lower_email": "gin_trgm_ops"},
        ),
        Index(
            "ix_account_email_beginning",
            func.lower(text("email")).label("beginning"),
            postgresql_ops={"beginning": "text_pattern_ops"},
        ),
        CheckConstraint("email LIKE '%_@_%'", name="email_shape"),
        {"info": {PEOPLE: True}},
    )


class AccountSession(Identified, Base):
    """One signed-in browser. The cookie's token is kept only as its SHA-256.

    `privileges` says, as a SHA-256, what the browser could do when its token was last made; when that changes, a new
    token takes the place of `previous_token_hash`, at `renewed_at` (`sign_in.renewal`).

    `identity_id` is the sign-in identity by which the browser came in, `provider_session` what the provider calls its
    own session, and `factor_vouched` whether the provider has asked for a second factor and is believed (`providers`).

    `masquerades_as` is whom its administrator acts as, until `masquerade_until` (`access.masquerade`).
    """

    __tablename__ = "account_session"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(server_default="")
    privileges: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_token_hash: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    renewed_at: Mapped[datetime | None]
    masquerades_as: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    masquerade_until: Mapped[datetime | None]
    identity_id: Mapped[UUID | None] = mapped_column(ForeignKey("sign_in_identity.id", ondelete="SET NULL"), index=True)
    provider_session: Mapped[str | None]
    factor_vouched: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        CheckConstraint("(previous_token_hash IS NULL) = (renewed_at IS NULL)", name="renewed_with_its_time"),
        CheckConstraint("(masquerades_as IS NULL) = (masquerade_until IS NULL)", name="masquerade_is_bounded"),
        {"info": {PEOPLE: True}},
    )


class RoleGrant(Identified, Timestamped, Base):
    """A role held at a node of the organisation tree, and so at every node below it, from `starts_on` to `ends_on`.

    Both days are inclusive; an empty end is open, and an end on the day before the start means that it never held.
    `granted_by` is empty when Academe itself gave it. Roles in one offering are `academics.OfferingStaff`.
    """

    __tablename__ = "role_grant"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    org_unit_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    role: Mapped[Role] = mapped_column(Vocabulary(Role))
    starts_on: Mapped[date] = mapped_column(server_default=func.current_date())
    ends_on: Mapped[date | None]
    granted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)

    __table_args__ = (
        one_of("role", AT_NODE),
        Index("ix_role_grant_org_unit_id_role", "org_unit_id", "role"),
        # Held once at a time; the range is empty for a grant that was taken back before it held.
        ExcludeConstraint(
            (column("person_id"), "="),
            (column("org_unit_id"), "="),
            (column("role"), "="),
            (text("daterange(starts_on, ends_on + 1)"), "&&"),
            name="ex_role_grant_held_once",
        ),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on - 1", name="ends_after_start"),
        {"info": {PEOPLE: True}},
    )


class EmergencyOpening(Identified, Base):
    """That somebody opened the record of a person in an emergency, until `until` at the latest.

    Begin and end are the database's own time. It is over at `closed_at` when somebody ended it before. Somebody other
    than who opened it reviews it then.
    """

    __tablename__ = "emergency_opening"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    until: Mapped[datetime] = mapped_column(server_default=text("now() + interval '1 hour'"))
    closed_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    review_note: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("length(reason) BETWEEN 10 AND 1000", name="reason_length"),
        CheckConstraint("until <= opened_at + interval '1 hour'", name="an_hour_at_most"),
        CheckConstraint("opened_by <> person_id", name="of_another"),
        CheckConstraint("reviewed_by <> opened_by", name="reviewed_by_another"),
        CheckConstraint("(reviewed_at IS NULL) = (review_note IS NULL)", name="reviewed_with_a_note"),
        CheckConstraint("length(review_note) BETWEEN 1 AND 1000", name="review_note_length"),
        {"info": {PEOPLE: True}},
    )
