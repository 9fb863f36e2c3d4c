"""Know more about people: language, time zone, settings and a picture, and let them say what they are called."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "know_more_about_people"
down_revision: str | None = "know_sign_in_identities"

# Whoever may know a person sees the picture (the policy of `person` is asked inside); the person and those who keep
# the list of people bring and remove it.
PICTURE = row_level_security(
    "person_picture",
    read="EXISTS (SELECT FROM person p WHERE p.id = person_picture.person_id)",
    write="person_id = (SELECT actor_person_id()) OR EXISTS (SELECT FROM person p"
    " WHERE p.id = person_picture.person_id"
    " AND p.institution_id IN (SELECT actor_institutions('{registrar,administrator}')))",
)

# A person's row is written by those who keep the list; this one field is the person's own to say.
CHOOSE = """
    CREATE FUNCTION choose_preferred_name(wanted text) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    BEGIN ATOMIC
        UPDATE person SET preferred_name = wanted WHERE id = actor_person_id();
    END
"""


def upgrade() -> None:
    op.add_column("person_particulars", sa.Column("locale", sa.Text()))
    op.add_column("person_particulars", sa.Column("time_zone", sa.Text()))
    op.add_column("person_particulars", sa.Column("start_page", sa.Text()))
    op.create_check_constraint(
        op.f("ck_person_particulars_locale_tag"),
        "person_particulars",
        "locale ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$'",
    )
    op.create_check_constraint(
        op.f("ck_person_particulars_time_zone_length"), "person_particulars", "length(time_zone) BETWEEN 1 AND 100"
    )
    op.create_check_constraint(
        op.f("ck_person_particulars_start_page_is_local"),
        "person_particulars",
        r"start_page ~ '^/([^/\\].{0,198})?$'",
    )
    op.create_table(
        "person_picture",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name=op.f("ck_person_picture_digest_shape")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_person_picture_person_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("person_id", name="pk_person_picture"),
    )
    op.create_index("ix_person_picture_digest", "person_picture", ["digest"])
    for statement in (
        *PICTURE,
        *grant("person_picture"),
        CHOOSE,
        "REVOKE EXECUTE ON FUNCTION choose_preferred_name(text) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION choose_preferred_name(text) TO academe_app",
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION choose_preferred_name(text)")
    op.drop_table("person_picture")
    for column in ("start_page", "time_zone", "locale"):
        op.drop_column("person_particulars", column)
