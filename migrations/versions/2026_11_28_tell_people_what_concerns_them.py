"""Tell people what concerns them, and let them choose what they are told."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "tell_people_what_concerns_them"
down_revision: str | None = "find_people_by_name"

KINDS = "kind IN ('attendance', 'fees', 'event', 'grade', 'enrolment', 'ticket', 'risk', 'announcement', 'system')"
OWN = "person_id = (SELECT actor_person_id())"
SYSTEM_OR_OWN = f"(SELECT actor_is_system()) OR {OWN}"

# What somebody was told is written and removed by Academe itself; its reader changes nothing of it but whether it was
# read, so the application may update that column alone.
NOTIFICATION = (
    "ALTER TABLE notification ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY actor_reads ON notification FOR SELECT USING ({SYSTEM_OR_OWN})",
    "CREATE POLICY actor_inserts ON notification FOR INSERT WITH CHECK ((SELECT actor_is_system()))",
    f"CREATE POLICY actor_updates ON notification FOR UPDATE USING ({SYSTEM_OR_OWN}) WITH CHECK ({SYSTEM_OR_OWN})",
    "CREATE POLICY actor_deletes ON notification FOR DELETE USING ((SELECT actor_is_system()))",
)
PREFERENCE = row_level_security("notification_preference", read=OWN, write=OWN)
RIGHTS = (
    "GRANT SELECT, INSERT, DELETE, UPDATE (read_at) ON notification TO academe_app",
    "GRANT SELECT ON notification TO academe_readonly",
    *grant("notification_preference"),
)


def upgrade() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column("link", sa.Text(), server_default="", nullable=False),
        sa.Column("dedup_key", sa.Text()),
        sa.Column("in_bell", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(KINDS, name=op.f("ck_notification_kind_known")),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 200", name=op.f("ck_notification_title_length")),
        sa.CheckConstraint("length(body) <= 4000", name=op.f("ck_notification_body_length")),
        sa.CheckConstraint(r"link = '' OR link ~ '^/([^/\\].*)?$'", name=op.f("ck_notification_link_is_local")),
        sa.CheckConstraint("length(dedup_key) BETWEEN 1 AND 200", name=op.f("ck_notification_dedup_key_length")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_notification_person_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
    )
    op.create_index("ix_notification_person_id_id", "notification", ["person_id", "id"])
    op.create_index("ix_notification_created_at", "notification", ["created_at"])
    unread = sa.text("read_at IS NULL AND in_bell")
    op.create_index("ix_notification_unread", "notification", ["person_id"], postgresql_where=unread)
    op.create_index(
        "uq_notification_person_id_dedup_key",
        "notification",
        ["person_id", "dedup_key"],
        unique=True,
        postgresql_where=sa.text("dedup_key IS NOT NULL"),
    )
    op.create_table(
        "notification_preference",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("in_bell", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_notification_preference_kind_known")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_notification_preference_person_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "kind", name="pk_notification_preference"),
    )
    for statement in (*RIGHTS, *NOTIFICATION, *PREFERENCE):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("notification_preference")
    op.drop_table("notification")
