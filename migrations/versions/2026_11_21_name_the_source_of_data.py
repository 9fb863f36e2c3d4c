"""Let an institution name the source and licence of its data, which pages show beside it."""

import sqlalchemy as sa
from alembic import op

revision: str = "name_the_source_of_data"
down_revision: str | None = "score_students_at_risk"


def upgrade() -> None:
    op.add_column("org_unit", sa.Column("data_attribution", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("org_unit", "data_attribution")
