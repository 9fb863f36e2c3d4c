"""Offer units in terms: the catalogue, which holds no records of people."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, touch

revision: str = "offer_units_in_terms"
down_revision: str | None = "know_people_and_their_roles"

TABLES = ("program", "unit", "term", "offering", "offering_resource", "meeting", "assessment")


def upgrade() -> None:
    create_program()
    create_unit()
    create_term()
    create_offering()
    create_offering_resource()
    create_meeting()
    create_assessment()
    for table in TABLES:
        op.execute(touch(table))
        for statement in grant(table):
            op.execute(statement)


def timestamps() -> tuple[sa.Column[datetime], sa.Column[datetime]]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def create_program() -> None:
    op.create_table(
        "program",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_unit_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        *timestamps(),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_program_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["org_unit_id"], ["org_unit.id"], name="fk_program_org_unit_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_program"),
        sa.UniqueConstraint("institution_id", "code", name="uq_program_institution_id_code"),
    )
    op.create_index("ix_program_institution_id", "program", ["institution_id"])
    op.create_index("ix_program_org_unit_id", "program", ["org_unit_id"])


def create_unit() -> None:
    op.create_table(
        "unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_unit_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("convenor_id", sa.Uuid()),
        *timestamps(),
        sa.ForeignKeyConstraint(["convenor_id"], ["person.id"], name="fk_unit_convenor_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_unit_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["org_unit_id"], ["org_unit.id"], name="fk_unit_org_unit_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_unit"),
        sa.UniqueConstraint("institution_id", "code", name="uq_unit_institution_id_code"),
    )
    op.create_index("ix_unit_convenor_id", "unit", ["convenor_id"])
    op.create_index("ix_unit_institution_id", "unit", ["institution_id"])
    op.create_index("ix_unit_org_unit_id", "unit", ["org_unit_id"])


def create_term() -> None:
    op.create_table(
        "term",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        *timestamps(),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_term_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_term_institution_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_term"),
        sa.UniqueConstraint("institution_id", "code", name="uq_term_institution_id_code"),
    )
    op.create_index("ix_term_institution_id", "term", ["institution_id"])


def create_offering() -> None:
    op.create_table(
        "offering",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("org_unit_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("capacity", sa.Integer()),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        *timestamps(),
        sa.CheckConstraint(
            "status IN ('planned', 'active', 'ended', 'cancelled')", name=op.f("ck_offering_status_known")
        ),
        sa.CheckConstraint("capacity > 0", name=op.f("ck_offering_capacity_positive")),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_offering_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_offering_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["org_unit_id"], ["org_unit.id"], name="fk_offering_org_unit_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["term_id"], ["term.id"], name="fk_offering_term_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_offering_unit_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_offering"),
        sa.UniqueConstraint("unit_id", "term_id", name="uq_offering_unit_id_term_id"),
    )
    op.create_index("ix_offering_institution_id", "offering", ["institution_id"])
    op.create_index("ix_offering_org_unit_id", "offering", ["org_unit_id"])
    op.create_index("ix_offering_term_id", "offering", ["term_id"])


def create_offering_resource() -> None:
    op.create_table(
        "offering_resource",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("sourced_id", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("week_from", sa.SmallInteger()),
        sa.Column("week_to", sa.SmallInteger()),
        *timestamps(),
        sa.CheckConstraint("week_to >= week_from", name=op.f("ck_offering_resource_weeks_in_order")),
        sa.ForeignKeyConstraint(
            ["offering_id"], ["offering.id"], name="fk_offering_resource_offering_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_offering_resource"),
        sa.UniqueConstraint("offering_id", "sourced_id", name="uq_offering_resource_offering_id_sourced_id"),
    )


def create_meeting() -> None:
    op.create_table(
        "meeting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.Text(), server_default="", nullable=False),
        *timestamps(),
        sa.CheckConstraint("kind IN ('lecture', 'tutorial', 'lab', 'exam')", name=op.f("ck_meeting_kind_known")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_meeting_ends_after_start")),
        sa.ForeignKeyConstraint(["offering_id"], ["offering.id"], name="fk_meeting_offering_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_meeting"),
        sa.UniqueConstraint("id", "offering_id", name="uq_meeting_id_offering_id"),
        sa.UniqueConstraint("offering_id", "starts_at", "title", name="uq_meeting_offering_id_starts_at_title"),
    )


def create_assessment() -> None:
    op.create_table(
        "assessment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("sourced_id", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("weight", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("max_score", sa.Numeric(precision=7, scale=2), server_default=sa.text("100"), nullable=False),
        *timestamps(),
        sa.CheckConstraint("kind IN ('assignment', 'quiz', 'exam', 'project')", name=op.f("ck_assessment_kind_known")),
        sa.CheckConstraint("max_score > 0", name=op.f("ck_assessment_max_score_positive")),
        sa.CheckConstraint("weight BETWEEN 0 AND 100", name=op.f("ck_assessment_weight_range")),
        sa.ForeignKeyConstraint(
            ["offering_id"], ["offering.id"], name="fk_assessment_offering_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_assessment"),
        sa.UniqueConstraint("id", "offering_id", "max_score", name="uq_assessment_id_offering_id_max_score"),
        sa.UniqueConstraint("offering_id", "title", name="uq_assessment_offering_id_title"),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
