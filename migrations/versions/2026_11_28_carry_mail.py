"""Carry mail: letters with their states, preferences and quiet hours, and what could not be delivered."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import grant, row_level_security, touch

revision: str = "carry_mail"
down_revision: str | None = "set_statements_aside"

TIME = sa.DateTime(timezone=True)
KINDS = "kind IN ('attendance', 'fees', 'event', 'grade', 'enrolment', 'ticket', 'risk', 'announcement', 'system')"
STATUSES = "status IN ('waiting', 'claimed', 'handing_over', 'sent', 'unknown', 'failed', 'suppressed')"

# Whoever keeps the service running sees what does not arrive; letters are written by Academe alone, and
# keepers decide what becomes of one in trouble.
KEEPERS = "institution_id IN (SELECT actor_institutions('{administrator,operator}'))"
SYSTEM = "(SELECT actor_is_system())"
OWN = "person_id = (SELECT actor_person_id())"
KEPT = f"{SYSTEM} OR {KEEPERS}"
POLICIES = (
    "ALTER TABLE mail_message ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY actor_reads ON mail_message FOR SELECT USING ({SYSTEM} OR {OWN} OR {KEEPERS})",
    f"CREATE POLICY actor_inserts ON mail_message FOR INSERT WITH CHECK ({SYSTEM})",
    f"CREATE POLICY actor_updates ON mail_message FOR UPDATE USING ({KEPT}) WITH CHECK ({KEPT})",
    f"CREATE POLICY actor_deletes ON mail_message FOR DELETE USING ({SYSTEM})",
    *row_level_security("undeliverable_address", read=KEEPERS, write=KEEPERS),
    *row_level_security("caught_mail", read=KEEPERS),
    *row_level_security("notification_schedule", read=OWN, write=OWN),
)
RIGHTS = (
    *grant("mail_message"),
    *grant("undeliverable_address"),
    *grant("caught_mail", "SELECT, INSERT, DELETE"),
    *grant("notification_schedule"),
    "GRANT UPDATE (digest_due) ON notification TO academe_app",
)

# When a letter may leave that is ready at a moment: at once, or when the person's quiet hours are over.
END_OF_QUIET = """
    CREATE FUNCTION end_of_quiet(ready timestamptz, zone text, starts time, ends time) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT CASE
            WHEN starts < ends AND here::time >= starts AND here::time < ends THEN (here::date + ends) AT TIME ZONE zone
            WHEN starts > ends AND here::time >= starts THEN (here::date + 1 + ends) AT TIME ZONE zone
            WHEN starts > ends AND here::time < ends THEN (here::date + ends) AT TIME ZONE zone
            ELSE ready
        END
        FROM (SELECT ready AT TIME ZONE zone AS here) place
    $$
"""


def upgrade() -> None:
    prefer()
    create_mail_message()
    create_undeliverable_address()
    create_caught_mail()
    op.execute(END_OF_QUIET)
    op.execute("REVOKE EXECUTE ON FUNCTION end_of_quiet FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION end_of_quiet TO academe_app, academe_readonly")
    for statement in (touch("mail_message"), *RIGHTS, *POLICIES):
        op.execute(statement)


def prefer() -> None:
    no = sa.text("false")
    op.add_column("notification", sa.Column("digest_due", sa.Boolean(), server_default=no, nullable=False))
    due = sa.text("digest_due")
    op.create_index("ix_notification_digest_due", "notification", ["person_id"], postgresql_where=due)
    op.add_column("notification_preference", sa.Column("email", sa.Text()))
    op.create_check_constraint(
        op.f("ck_notification_preference_email_known"),
        "notification_preference",
        "email IN ('off', 'at_once', 'daily')",
    )
    op.create_table(
        "notification_schedule",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("quiet_from", sa.Time()),
        sa.Column("quiet_until", sa.Time()),
        sa.Column("digest_at", sa.Time(), server_default=sa.text("'07:00'::time"), nullable=False),
        sa.CheckConstraint(
            "(quiet_from IS NULL) = (quiet_until IS NULL)", name=op.f("ck_notification_schedule_quiet_has_both_ends")
        ),
        sa.CheckConstraint("quiet_from <> quiet_until", name=op.f("ck_notification_schedule_quiet_is_not_always")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_notification_schedule_person_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name="pk_notification_schedule"),
    )


def create_mail_message() -> None:
    op.create_table(
        "mail_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("not_before", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", TIME),
        sa.Column("address", sa.Text()),
        sa.Column("handed_over_at", TIME),
        sa.Column("has_copy", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("copy_seen_at", TIME),
        sa.Column("settle_at", TIME),
        sa.Column("sent_at", TIME),
        sa.Column("bounced_at", TIME),
        sa.Column("reply_code", sa.SmallInteger()),
        sa.Column("reply", sa.Text()),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("template IN ('notification', 'digest')", name=op.f("ck_mail_message_template_known")),
        sa.CheckConstraint(KINDS, name=op.f("ck_mail_message_kind_known")),
        sa.CheckConstraint(STATUSES, name=op.f("ck_mail_message_status_known")),
        sa.CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_mail_message_sent_has_time")),
        sa.CheckConstraint(
            "(status IN ('claimed', 'handing_over')) = (lease_until IS NOT NULL)",
            name=op.f("ck_mail_message_lease_while_in_hand"),
        ),
        sa.CheckConstraint(
            "(status = 'unknown') = (settle_at IS NOT NULL)", name=op.f("ck_mail_message_settles_while_unknown")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_mail_message_attempts_not_negative")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_mail_message_person_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_mail_message_institution_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mail_message"),
        sa.UniqueConstraint("person_id", "idempotency_key", name="uq_mail_message_person_id_idempotency_key"),
        sa.UniqueConstraint("token", name="uq_mail_message_token"),
    )
    op.create_index("ix_mail_message_institution_id", "mail_message", ["institution_id"])
    op.create_index("ix_mail_message_handed_over_at", "mail_message", ["handed_over_at"])
    waiting, in_hand = sa.text("status = 'waiting'"), sa.text("lease_until IS NOT NULL")
    op.create_index("ix_mail_message_waiting", "mail_message", ["not_before"], postgresql_where=waiting)
    op.create_index("ix_mail_message_in_hand", "mail_message", ["lease_until"], postgresql_where=in_hand)
    op.create_index(
        "ix_mail_message_in_trouble",
        "mail_message",
        ["institution_id", "id"],
        postgresql_where=sa.text("status IN ('unknown', 'failed', 'suppressed')"),
    )


def create_undeliverable_address() -> None:
    op.create_table(
        "undeliverable_address",
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("since", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.CheckConstraint("address = lower(address)", name=op.f("ck_undeliverable_address_address_lower")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_undeliverable_address_institution_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("institution_id", "address", name="pk_undeliverable_address"),
    )


def create_caught_mail() -> None:
    op.create_table(
        "caught_mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("caught_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mail_message.id"], name="fk_caught_mail_mail_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_caught_mail_institution_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_caught_mail"),
        sa.UniqueConstraint("mail_id", name="uq_caught_mail_mail_id"),
    )
    op.create_index("ix_caught_mail_institution_id_id", "caught_mail", ["institution_id", "id"])


def downgrade() -> None:
    for table in ("caught_mail", "undeliverable_address", "mail_message", "notification_schedule"):
        op.drop_table(table)
    op.execute("DROP FUNCTION end_of_quiet")
    op.drop_column("notification_preference", "email")
    op.drop_column("notification", "digest_due")
