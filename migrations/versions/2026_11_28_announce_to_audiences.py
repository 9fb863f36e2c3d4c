"""Announce something to an audience, at once or at a time."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, touch

revision: str = "announce_to_audiences"
down_revision: str | None = "carry_mail"

TIME = sa.DateTime(timezone=True)
SYSTEM = "(SELECT actor_is_system())"
OWN = "author_id = (SELECT actor_person_id())"
ADMINISTERED = "institution_id IN (SELECT actor_institutions('{administrator}'))"
SEEN = f"{SYSTEM} OR {OWN} OR {ADMINISTERED}"

# An author writes in their own name; an administrator may cancel what somebody else has planned. Nothing is deleted.
POLICIES = (
    "ALTER TABLE announcement ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY actor_reads ON announcement FOR SELECT USING ({SEEN})",
    f"CREATE POLICY actor_inserts ON announcement FOR INSERT WITH CHECK ({SYSTEM} OR {OWN})",
    f"CREATE POLICY actor_updates ON announcement FOR UPDATE USING ({SEEN}) WITH CHECK ({SEEN})",
    f"CREATE POLICY actor_deletes ON announcement FOR DELETE USING ({SYSTEM})",
)


def upgrade() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("audience_kind", sa.Text(), nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.Column("audience_label", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("send_at", TIME, nullable=False),
        sa.Column("status", sa.Text(), server_default="planned", nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("told", sa.Integer()),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("status IN ('planned', 'sent', 'cancelled')", name=op.f("ck_announcement_status_known")),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 200", name=op.f("ck_announcement_title_length")),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 4000", name=op.f("ck_announcement_body_length")),
        sa.CheckConstraint(
            "(status = 'sent') = (sent_at IS NOT NULL AND told IS NOT NULL)", name=op.f("ck_announcement_sent_has_time")
        ),
        sa.CheckConstraint("told >= 0", name=op.f("ck_announcement_told_not_negative")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_announcement_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name="fk_announcement_author_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_announcement"),
    )
    op.create_index("ix_announcement_institution_id", "announcement", ["institution_id"])
    op.create_index("ix_announcement_author_id_id", "announcement", ["author_id", "id"])
    announced = sa.text("kind = 'announcement'")
    op.create_index("ix_notification_announced", "notification", ["dedup_key"], postgresql_where=announced)
    for statement in (touch("announcement"), *grant("announcement", "SELECT, INSERT, UPDATE"), *POLICIES):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_notification_announced", "notification")
    op.drop_table("announcement")
