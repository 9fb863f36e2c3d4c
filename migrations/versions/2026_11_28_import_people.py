"""Import people from files, remember whom each has added, and undo it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from academe.platform.database.ddl import grant, row_level_security

revision: str = "import_people"
down_revision: str | None = "find_people_sooner"

REGISTERED = "institution_id IN (SELECT actor_institutions('{registrar,administrator}'))"
OF_IMPORT = "EXISTS (SELECT FROM people_import i WHERE i.id = people_import_person.import_id)"

# Whoever makes accounts has to know which addresses are taken, in other institutions too; nothing else is told.
TAKEN = """
    CREATE FUNCTION addresses_in_use(addresses text[]) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        IF actor_is_system() OR EXISTS (SELECT actor_institutions('{administrator}')) THEN
            RETURN QUERY SELECT lower(a.email) FROM account a WHERE lower(a.email) = ANY (addresses);
        END IF;
    END $$
"""

# The application may delete nobody. This removes people of one import only, and of them only those whom no row but
# their own account and the import's refers to; every foreign key of the database is asked, whatever made it.
UNDO = """
    CREATE FUNCTION undo_people_import(undone uuid, people uuid[]) RETURNS TABLE (person_id uuid, used_by text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        wanted uuid[];
        used jsonb := '{}';
        found jsonb;
        reference record;
    BEGIN
        IF NOT actor_is_system() AND NOT EXISTS (
            SELECT FROM people_import i WHERE i.id = undone
            AND i.institution_id IN (SELECT actor_institutions('{registrar,administrator}'))
        ) THEN
            RAISE insufficient_privilege;
        END IF;
        SELECT array_agg(p.id) INTO wanted FROM (
            SELECT p.id FROM person p JOIN people_import_person m ON m.person_id = p.id AND m.import_id = undone
            WHERE p.id = ANY (people) ORDER BY p.id FOR UPDATE OF p
        ) p;
        SELECT coalesce(jsonb_object_agg(p.id, 'person'), '{}') INTO found
        FROM person p WHERE p.id = ANY (wanted) AND p.updated_at > p.created_at;
        used := used || found;
        SELECT coalesce(jsonb_object_agg(a.person_id, 'account'), '{}') INTO found
        FROM account a WHERE a.person_id = ANY (wanted)
            AND (a.last_signed_in_at IS NOT NULL OR a.password_hash IS NOT NULL);
        used := used || found;
        FOR reference IN
            SELECT c.conrelid::regclass AS source, c.conrelid::regclass::text AS name, a.attname AS field,
                   c.confrelid = 'account'::regclass AS of_account
            FROM pg_constraint c
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
            WHERE c.contype = 'f' AND c.conparentid = 0
              AND c.confrelid IN ('person'::regclass, 'account'::regclass)
              AND c.conrelid NOT IN ('people_import_person'::regclass, 'account'::regclass)
        LOOP
            EXECUTE format(
                CASE WHEN reference.of_account
                    THEN 'SELECT coalesce(jsonb_object_agg(a.person_id, %1$L::text), ''{}'') FROM account a'
                         ' WHERE a.person_id = ANY ($1) AND EXISTS (SELECT FROM %2$s t WHERE t.%3$I = a.id)'
                    ELSE 'SELECT coalesce(jsonb_object_agg(w.id, %1$L::text), ''{}'') FROM unnest($1) w (id)'
                         ' WHERE EXISTS (SELECT FROM %2$s t WHERE t.%3$I = w.id)'
                END, reference.name, reference.source, reference.field)
                INTO found USING wanted;
            used := used || found;
        END LOOP;
        DELETE FROM people_import_person m
            WHERE m.import_id = undone AND m.person_id = ANY (wanted) AND NOT used ? m.person_id::text;
        DELETE FROM account a WHERE a.person_id = ANY (wanted) AND NOT used ? a.person_id::text;
        DELETE FROM person p WHERE p.id = ANY (wanted) AND NOT used ? p.id::text;
        RETURN QUERY SELECT key::uuid, value FROM jsonb_each_text(used);
    END $$
"""

FUNCTIONS = {"addresses_in_use(text[])": TAKEN, "undo_people_import(uuid, uuid[])": UNDO}


def upgrade() -> None:
    op.create_table(
        "people_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid()),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("job_id", sa.Uuid()),
        sa.Column("result", JSONB(none_as_null=True)),
        sa.Column("undo_job_id", sa.Uuid()),
        sa.Column("undo_result", JSONB(none_as_null=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("length(file_name) BETWEEN 1 AND 200", name=op.f("ck_people_import_file_name_length")),
        sa.CheckConstraint("result IS NULL OR job_id IS NOT NULL", name=op.f("ck_people_import_result_of_job")),
        sa.CheckConstraint(
            "undo_job_id IS NULL OR result IS NOT NULL", name=op.f("ck_people_import_undone_when_applied")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["org_unit.id"], name="fk_people_import_institution_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by"], ["person.id"], name="fk_people_import_uploaded_by", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_people_import"),
    )
    op.create_index("ix_people_import_institution_id_created_at", "people_import", ["institution_id", "created_at"])
    op.create_index("ix_people_import_uploaded_by", "people_import", ["uploaded_by"])
    op.create_table(
        "people_import_person",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["people_import.id"], name="fk_people_import_person_import_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_people_import_person_person_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "person_id", name="pk_people_import_person"),
    )
    op.create_index("ix_people_import_person_person_id", "people_import_person", ["person_id"])
    for statement in (
        *grant("people_import"),
        *grant("people_import_person", "SELECT, INSERT, DELETE"),
        *row_level_security("people_import", read=REGISTERED, write=REGISTERED),
        *row_level_security("people_import_person", read=OF_IMPORT, write=OF_IMPORT),
    ):
        op.execute(statement)
    for signature, body in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO academe_app")


def downgrade() -> None:
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_table("people_import_person")
    op.drop_table("people_import")
