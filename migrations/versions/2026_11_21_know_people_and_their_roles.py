"""Know people, their accounts, and the roles they hold in the organisation tree."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import grant, row_level_security, touch

revision: str = "know_people_and_their_roles"
down_revision: str | None = "encrypt_sensitive_fields"


# Days turn at midnight of the database's clock. The functions run as the owner, who is not subject to the policies that
# ask them, and are written in PL/pgSQL because its plans are kept by the connection: a call costs some 30 microseconds.
FUNCTIONS = {
    "actor_institution_id()": """
        RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
        SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            RETURN (SELECT p.institution_id FROM person p WHERE p.id = actor_person_id());
        END $$
    """,
    # The roles whose work needs to know who the people of the institution are.
    "actor_directory_id()": """
        RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
        SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            RETURN (
                SELECT p.institution_id FROM person p
                WHERE p.id = actor_person_id() AND EXISTS (
                    SELECT FROM role_grant g
                    WHERE g.person_id = p.id
                      AND g.role IN ('lecturer', 'convenor', 'advisor', 'registrar', 'administrator', 'auditor')
                      AND current_date BETWEEN g.starts_on AND coalesce(g.ends_on, 'infinity')
                )
            );
        END $$
    """,
    "actor_institutions(roles text[])": """
        RETURNS SETOF uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1
        SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            RETURN QUERY
            SELECT u.id FROM role_grant g JOIN org_unit u ON u.id = g.org_unit_id AND u.parent_id IS NULL
            WHERE g.person_id = actor_person_id() AND g.role = ANY (roles)
              AND current_date BETWEEN g.starts_on AND coalesce(g.ends_on, 'infinity');
        END $$
    """,
    "actor_org_units(roles text[])": """
        RETURNS SETOF uuid LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 20
        SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            RETURN QUERY
            WITH RECURSIVE node (id) AS (
                SELECT g.org_unit_id FROM role_grant g
                WHERE g.person_id = actor_person_id() AND g.role = ANY (roles)
                  AND current_date BETWEEN g.starts_on AND coalesce(g.ends_on, 'infinity')
                UNION
                SELECT u.id FROM org_unit u JOIN node ON u.parent_id = node.id
            )
            SELECT node.id FROM node;
        END $$
    """,
}

ADMINISTERED = "(SELECT actor_institutions('{administrator}'))"
REGISTERED = "(SELECT actor_institutions('{registrar,administrator}'))"

# Staff may know who the people of their institution are; what is private about them is in other tables.
PERSON = row_level_security(
    "person",
    read="institution_id = (SELECT actor_directory_id()) OR id = (SELECT actor_person_id())",
    write=f"institution_id IN {REGISTERED}",
)
OF_REGISTERED_PERSON = (
    f"EXISTS (SELECT FROM person p WHERE p.id = person_particulars.person_id AND p.institution_id IN {REGISTERED})"
)
PARTICULARS = row_level_security(
    "person_particulars",
    read=f"person_id = (SELECT actor_person_id()) OR {OF_REGISTERED_PERSON}",
    write=f"person_id = (SELECT actor_person_id()) OR {OF_REGISTERED_PERSON}",
)
OWN_OR_ADMINISTERED_ACCOUNT = (
    "person_id = (SELECT actor_person_id())"
    f" OR EXISTS (SELECT FROM person p WHERE p.id = account.person_id AND p.institution_id IN {ADMINISTERED})"
)
ACCOUNT = row_level_security("account", read=OWN_OR_ADMINISTERED_ACCOUNT, write=OWN_OR_ADMINISTERED_ACCOUNT)
# Whoever may see an account may see its sessions and end them: the policy of accounts is asked inside.
OF_VISIBLE_ACCOUNT = "EXISTS (SELECT FROM account a WHERE a.id = account_session.account_id)"
SESSION = row_level_security("account_session", read=OF_VISIBLE_ACCOUNT, write=OF_VISIBLE_ACCOUNT)
GRANT = row_level_security(
    "role_grant",
    read="person_id = (SELECT actor_person_id())"
    " OR org_unit_id IN (SELECT actor_org_units('{registrar,administrator,auditor}'))",
    write="org_unit_id IN (SELECT actor_org_units('{administrator}'))",
)

# People, accounts and grants are never deleted: they are deactivated or ended, and the record stays. Reporting tools
# get no password hashes and no session tokens.
ACCOUNT_COLUMNS = "(id, person_id, email, is_active, last_signed_in_at, created_at, updated_at)"
SESSION_COLUMNS = "(id, account_id, created_at, last_seen_at, expires_at, revoked_at)"
RIGHTS = (
    *grant("org_unit"),
    *grant("person", "SELECT, INSERT, UPDATE"),
    *grant("person_particulars"),
    *grant("role_grant", "SELECT, INSERT, UPDATE"),
    "GRANT SELECT, INSERT, UPDATE ON account TO academe_app",
    f"GRANT SELECT {ACCOUNT_COLUMNS} ON account TO academe_readonly",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON account_session TO academe_app",
    f"GRANT SELECT {SESSION_COLUMNS} ON account_session TO academe_readonly",
)


def upgrade() -> None:
    create_org_unit()
    create_person()
    create_person_particulars()
    create_account()
    create_account_session()
    create_role_grant()
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body}")
        op.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO academe_app, academe_readonly")
    for table in ("org_unit", "person", "person_particulars", "account", "role_grant"):
        op.execute(touch(table))
    for statement in (*RIGHTS, *PERSON, *PARTICULARS, *ACCOUNT, *SESSION, *GRANT):
        op.execute(statement)


def timestamps() -> tuple[sa.Column[datetime], sa.Column[datetime]]:
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def create_org_unit() -> None:
    op.create_table(
        "org_unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *timestamps(),
        sa.CheckConstraint(
            "(parent_id IS NULL) = (kind = 'institution')", name=op.f("ck_org_unit_root_is_institution")
        ),
        sa.CheckConstraint(
            "kind IN ('institution', 'faculty', 'department', 'school', 'campus')", name=op.f("ck_org_unit_kind_known")
        ),
        sa.CheckConstraint("(parent_id IS NULL) = (institution_id = id)", name=op.f("ck_org_unit_root_names_itself")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_org_unit_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["org_unit.id"], name="fk_org_unit_parent_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_org_unit"),
        sa.UniqueConstraint("institution_id", "code", name="uq_org_unit_institution_id_code"),
    )
    op.create_index("ix_org_unit_institution_id", "org_unit", ["institution_id"])
    op.create_index("ix_org_unit_parent_id", "org_unit", ["parent_id"])


def create_person() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("sourced_id", sa.Text()),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text()),
        sa.Column("family_name", sa.Text()),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        *timestamps(),
        sa.CheckConstraint("status IN ('active', 'deactivated')", name=op.f("ck_person_status_known")),
        sa.CheckConstraint("length(display_name) BETWEEN 1 AND 200", name=op.f("ck_person_display_name_length")),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_person_institution_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
    )
    op.create_index(
        "ix_person_display_name_trigram",
        "person",
        ["display_name"],
        postgresql_using="gin",
        postgresql_ops={"display_name": "gin_trgm_ops"},
    )
    op.create_index("ix_person_institution_id", "person", ["institution_id"])
    op.create_index("uq_person_institution_id_sourced_id", "person", ["institution_id", "sourced_id"], unique=True)


def create_person_particulars() -> None:
    op.create_table(
        "person_particulars",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("contact_email", sa.Text()),
        sa.Column("phone", sa.LargeBinary()),
        sa.Column("date_of_birth", sa.LargeBinary()),
        *timestamps(),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_person_particulars_person_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("person_id", name="pk_person_particulars"),
    )


def create_account() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_signed_in_at", sa.DateTime(timezone=True)),
        *timestamps(),
        sa.CheckConstraint("email LIKE '%_@_%'", name=op.f("ck_account_email_shape")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_account_person_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("person_id", name="uq_account_person_id"),
    )
    op.create_index("uq_account_email_lower", "account", [sa.literal_column("lower(email)")], unique=True)


def create_account_session() -> None:
    op.create_table(
        "account_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_account_session_account_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_session"),
        sa.UniqueConstraint("token_hash", name="uq_account_session_token_hash"),
    )
    op.create_index("ix_account_session_account_id", "account_session", ["account_id"])


def create_role_grant() -> None:
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("org_unit_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False),
        sa.Column("ends_on", sa.Date()),
        *timestamps(),
        sa.CheckConstraint(
            "role IN ('student', 'guardian', 'lecturer', 'convenor', 'advisor',"
            " 'expert', 'registrar', 'administrator', 'operator', 'auditor', 'service')",
            name=op.f("ck_role_grant_role_known"),
        ),
        sa.CheckConstraint("ends_on IS NULL OR ends_on >= starts_on - 1", name=op.f("ck_role_grant_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["org_unit_id"], ["org_unit.id"], name="fk_role_grant_org_unit_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_role_grant_person_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_role_grant"),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.column("org_unit_id"), "="),
            (sa.column("role"), "="),
            (sa.text("daterange(starts_on, ends_on + 1)"), "&&"),
            name="ex_role_grant_held_once",
        ),
    )
    op.create_index("ix_role_grant_org_unit_id", "role_grant", ["org_unit_id"])
    op.create_index("ix_role_grant_person_id", "role_grant", ["person_id"])


def downgrade() -> None:
    for table in ("role_grant", "account_session", "account", "person_particulars", "person", "org_unit"):
        op.drop_table(table)
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
