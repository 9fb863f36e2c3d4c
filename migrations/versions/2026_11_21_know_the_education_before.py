"""Know the education that students had completed when they enrolled: of the enrolment, and by an international scale.

Until now the student's newest level lay among the protected attributes in the words of the source, where no model may
read it; the words cannot be turned into levels without the source, so an import fills the new column.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "know_the_education_before"
down_revision: str | None = "count_changes_of_attendance"


def upgrade() -> None:
    op.add_column("enrollment", sa.Column("prior_education_level", sa.SmallInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_enrollment_prior_education_is_a_level"), "enrollment", "prior_education_level BETWEEN 0 AND 8"
    )
    op.drop_column("student_protected_attributes", "prior_education")


def downgrade() -> None:
    op.add_column("student_protected_attributes", sa.Column("prior_education", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_enrollment_prior_education_is_a_level"), "enrollment")
    op.drop_column("enrollment", "prior_education_level")
