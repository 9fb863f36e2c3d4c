"""Count the changes of a meeting's attendance, so that nobody overwrites marks that they have not seen."""

import sqlalchemy as sa
from alembic import op

revision: str = "count_changes_of_attendance"
down_revision: str | None = "keep_roster_files"


def upgrade() -> None:
    op.add_column("meeting", sa.Column("attendance_version", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    op.drop_column("meeting", "attendance_version")
