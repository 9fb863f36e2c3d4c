"""Score students at risk: models with their cards, scores that are never changed, and the rollup that features read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from academe.platform.database.ddl import append_only, grant, row_level_security, touch

revision: str = "score_students_at_risk"
down_revision: str | None = "remember_the_runs_of_imports"

# Those who may read a student's record in an offering, and the student. Only Academe itself scores.
READ = (
    "offering_id IN (SELECT actor_offerings('{lecturer,convenor}', '{advisor,registrar,administrator,auditor}'))"
    " OR {own}"
)
SCORE = row_level_security("risk_score", read=READ.replace("{own}", "student_id = (SELECT actor_student_id())"))
LEARNER_DAY = row_level_security(
    "learner_day",
    read=READ.replace(
        "{own}",
        "EXISTS (SELECT FROM enrollment e WHERE e.id = learner_day.enrollment_id"
        " AND e.student_id = (SELECT actor_student_id()))",
    ),
)
PARTS = ("clicks", "sites", "new_sites", "content", "resource", "forum", "quiz", "page", "homepage", "together")


def upgrade() -> None:
    create_risk_model()
    create_risk_score()
    create_learner_day()
    for statement in (
        touch("risk_model"),
        *append_only("risk_score"),
        *grant("risk_model", "SELECT, INSERT, UPDATE"),
        *grant("risk_score", "SELECT, INSERT"),
        *grant("learner_day"),
        *SCORE,
        *LEARNER_DAY,
    ):
        op.execute(statement)


def create_risk_model() -> None:
    op.create_table(
        "risk_model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("features", JSONB(), nullable=False),
        sa.Column("card", JSONB(), nullable=False),
        sa.Column("calibration", JSONB(), nullable=False),
        sa.Column("artifact", sa.LargeBinary(), nullable=False),
        sa.Column("artifact_sha256", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('candidate', 'active', 'retired')", name=op.f("ck_risk_model_status_known")),
        sa.PrimaryKeyConstraint("id", name="pk_risk_model"),
        sa.UniqueConstraint("name", "version", name="uq_risk_model_name_version"),
    )
    op.create_index(
        "uq_risk_model_active", "risk_model", ["status"], unique=True, postgresql_where=sa.text("status = 'active'")
    )


def create_risk_score() -> None:
    op.create_table(
        "risk_score",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("lower", sa.Double(), nullable=False),
        sa.Column("upper", sa.Double(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("factors", JSONB(), nullable=False),
        sa.Column("features", JSONB(), nullable=False),
        sa.CheckConstraint("band IN ('low', 'medium', 'high', 'critical')", name=op.f("ck_risk_score_band_known")),
        sa.CheckConstraint("probability BETWEEN 0 AND 1", name=op.f("ck_risk_score_probability_range")),
        sa.CheckConstraint(
            "lower BETWEEN 0 AND probability AND upper BETWEEN probability AND 1",
            name=op.f("ck_risk_score_interval_order"),
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_risk_score_{column}", ondelete="RESTRICT")
            for column, table in (
                ("enrollment_id", "enrollment"),
                ("student_id", "student_record"),
                ("offering_id", "offering"),
                ("model_id", "risk_model"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name="pk_risk_score"),
        sa.UniqueConstraint("enrollment_id", "as_of", "model_id", name="uq_risk_score_enrollment_id_as_of_model_id"),
    )
    op.create_index("ix_risk_score_band", "risk_score", ["band"])
    op.create_index("ix_risk_score_model_id", "risk_score", ["model_id"])
    op.create_index("ix_risk_score_offering_id_as_of", "risk_score", ["offering_id", "as_of"])
    op.create_index("ix_risk_score_student_id_scored_at", "risk_score", ["student_id", "scored_at"])


def create_learner_day() -> None:
    op.create_table(
        "learner_day",
        sa.Column("enrollment_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        *(sa.Column(part, sa.Integer(), nullable=False) for part in PARTS),
        sa.CheckConstraint("clicks > 0 AND sites > 0", name=op.f("ck_learner_day_something_done")),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollment.id"], name="fk_learner_day_enrollment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["offering_id"], ["offering.id"], name="fk_learner_day_offering_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("enrollment_id", "day", name="pk_learner_day"),
    )
    op.create_index("ix_learner_day_offering_id_day", "learner_day", ["offering_id", "day"])


def downgrade() -> None:
    for table in ("learner_day", "risk_score", "risk_model"):
        op.drop_table(table)
