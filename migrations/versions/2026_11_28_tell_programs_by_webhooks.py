"""Tell programs by webhooks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import grant, row_level_security, touch

revision: str = "tell_programs_by_webhooks"
down_revision: str | None = "find_a_page_of_people"

TIME = sa.DateTime(timezone=True)
ADMINISTERED = "institution_id IN (SELECT actor_institutions('{administrator}'))"
# Reporting tools get no secrets, encrypted or not.
READABLE_COLUMNS = (
    "(id, institution_id, name, url, events, previous_until, switched_off_at, switched_off, failures, failing_since,"
    " not_before, created_at, updated_at)"
)
RIGHTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoint TO academe_app",
    f"GRANT SELECT {READABLE_COLUMNS} ON webhook_endpoint TO academe_readonly",
    *grant("webhook_delivery"),
)
SECURITY = (
    *row_level_security("webhook_endpoint", read=ADMINISTERED, write=ADMINISTERED),
    *row_level_security("webhook_delivery", read=ADMINISTERED, write=ADMINISTERED),
)


def upgrade() -> None:
    _make_endpoints()
    _make_deliveries()
    for statement in (*RIGHTS, *SECURITY):
        op.execute(statement)


def _make_endpoints() -> None:
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary()),
        sa.Column("previous_until", TIME),
        sa.Column("switched_off_at", TIME),
        sa.Column("switched_off", sa.Text()),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since", TIME),
        sa.Column("not_before", TIME),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False),
        _check("webhook_endpoint", "switched_off_known", "switched_off IN ('person', 'failing', 'gone')"),
        _check("webhook_endpoint", "name_length", "length(name) BETWEEN 1 AND 200"),
        _check("webhook_endpoint", "url_form", "url ~ '^https?://' AND length(url) <= 2000"),
        _check("webhook_endpoint", "previous_secret_ends", "(previous_secret IS NULL) = (previous_until IS NULL)"),
        _check("webhook_endpoint", "switched_off_has_reason", "(switched_off IS NULL) = (switched_off_at IS NULL)"),
        _check(
            "webhook_endpoint",
            "failing_since_failure",
            "failures >= 0 AND (failures = 0) = (failing_since IS NULL)",
        ),
        _key("webhook_endpoint", "institution_id", "org_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoint"),
    )
    op.create_index("ix_webhook_endpoint_institution_id", "webhook_endpoint", ["institution_id"])
    op.execute(touch("webhook_endpoint"))


def _make_deliveries() -> None:
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid()),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("link", sa.Text(), server_default="", nullable=False),
        sa.Column("occurred_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", TIME),
        sa.Column("tried_at", TIME),
        sa.Column("milliseconds", sa.Integer()),
        sa.Column("status", sa.SmallInteger()),
        sa.Column("response", sa.Text(), server_default="", nullable=False),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        _check("webhook_delivery", "state_known", "state IN ('waiting', 'delivered', 'dead')"),
        _check("webhook_delivery", "waits_for_an_attempt", "(state = 'waiting') = (next_attempt_at IS NOT NULL)"),
        _check("webhook_delivery", "attempts_not_negative", "attempts >= 0"),
        _check("webhook_delivery", "link_within", "link = '' OR (link LIKE '/%' AND link NOT LIKE '//%')"),
        _key("webhook_delivery", "endpoint_id", "webhook_endpoint", ondelete="CASCADE"),
        _key("webhook_delivery", "institution_id", "org_unit"),
        _key("webhook_delivery", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
    )
    op.create_index("ix_webhook_delivery_endpoint_id_id", "webhook_delivery", ["endpoint_id", "id"])
    op.create_index(
        "ix_webhook_delivery_waiting",
        "webhook_delivery",
        ["endpoint_id", "next_attempt_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_webhook_delivery_dead", "webhook_delivery", ["endpoint_id"], postgresql_where=sa.text("state = 'dead'")
    )
    op.create_index(
        "ix_webhook_delivery_person_id",
        "webhook_delivery",
        ["person_id"],
        postgresql_where=sa.text("person_id IS NOT NULL"),
    )


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _key(table: str, column: str, target: str, *, ondelete: str = "RESTRICT") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)


def downgrade() -> None:
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_endpoint")
