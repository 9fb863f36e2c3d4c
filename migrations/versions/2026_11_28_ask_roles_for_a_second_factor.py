"""Ask roles for a second factor: which ones, an institution decides."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant

revision: str = "ask_roles_for_a_second_factor"
down_revision: str | None = "ask_for_a_second_factor"


def upgrade() -> None:
    op.create_table(
        "second_factor_rule",
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "role IN ('student', 'guardian', 'lecturer', 'convenor', 'advisor', 'expert', 'registrar',"
            " 'administrator', 'operator', 'auditor')",
            name=op.f("ck_second_factor_rule_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_second_factor_rule_institution_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("institution_id", "role", name="pk_second_factor_rule"),
    )
    for statement in grant("second_factor_rule", "SELECT, INSERT, DELETE"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("second_factor_rule")
