"""Chain the audit: every entry carries the hash of the one before, and none can be changed or taken out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from academe.platform.database.ddl import append_only

revision: str = "chain_the_audit"
down_revision: str | None = "announce_facts"

# One text for one entry: jsonb writes its keys in one order, and the time is written in UTC to the microsecond.
HASH_FUNCTION = """
    CREATE FUNCTION audit_entry_hash(
        prev_hash bytea, seq bigint, id uuid, at timestamptz, kind text, action text, actor_kind text,
        actor_person_id uuid, actor_label text, subject_kind text, subject_id uuid, institution_id uuid,
        person_id uuid, purpose text, summary text, changes jsonb
    ) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256(prev_hash || convert_to(jsonb_build_array(
        seq, id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), kind, action, actor_kind,
        actor_person_id, actor_label, subject_kind, subject_id, institution_id, person_id, purpose, summary, changes
    )::text, 'UTF8'))
"""

# The head is locked until the commit, so numbers have no gap and the order of the chain is the order of the commits.
CHAIN_FUNCTION = """
    CREATE FUNCTION chain_audit_entry() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        IF NEW.at IS DISTINCT FROM now() THEN
            RAISE EXCEPTION 'an audit entry has the time of its transaction' USING ERRCODE = 'restrict_violation';
        END IF;
        LOOP
            UPDATE audit_chain_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash INTO NEW.seq, NEW.prev_hash;
            EXIT WHEN FOUND;
            INSERT INTO audit_chain_head (id, seq, hash) VALUES (1, 0, sha256('')) ON CONFLICT DO NOTHING;
        END LOOP;
        NEW.hash := audit_entry_hash(
            NEW.prev_hash, NEW.seq, NEW.id, NEW.at, NEW.kind, NEW.action, NEW.actor_kind, NEW.actor_person_id,
            NEW.actor_label, NEW.subject_kind, NEW.subject_id, NEW.institution_id, NEW.person_id, NEW.purpose,
            NEW.summary, NEW.changes
        );
        UPDATE audit_chain_head SET hash = NEW.hash WHERE id = 1;
        RETURN NEW;
    END $$
"""

# Nobody writes an entry in the name of another; the person concerned and the one who acted may read it.
POLICIES = (
    "ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY",
    (
        "CREATE POLICY actor_reads ON audit_entry FOR SELECT USING ((SELECT actor_is_system())"
        " OR person_id = (SELECT actor_person_id()) OR actor_person_id = (SELECT actor_person_id()))"
    ),
    (
        "CREATE POLICY actor_inserts ON audit_entry FOR INSERT WITH CHECK ("
        " actor_kind = (SELECT current_setting('academe.actor_kind', true))"
        " AND actor_person_id IS NOT DISTINCT FROM (SELECT actor_person_id()))"
    ),
)


def upgrade() -> None:
    op.create_table(
        "audit_chain_head",
        sa.Column("id", sa.SmallInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain_head")),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_chain_head_single")),
    )
    create_entries()
    op.execute(HASH_FUNCTION)
    op.execute(CHAIN_FUNCTION)
    op.execute("REVOKE EXECUTE ON FUNCTION chain_audit_entry() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER chain_audit_entry BEFORE INSERT ON audit_entry"
        " FOR EACH ROW EXECUTE FUNCTION chain_audit_entry()"
    )
    for statement in (*append_only("audit_entry"), *POLICIES):
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT ON audit_entry TO academe_app")
    op.execute("GRANT SELECT ON audit_entry, audit_chain_head TO academe_readonly")
    op.execute("GRANT SELECT ON audit_chain_head TO academe_app")
    op.execute(
        "SELECT ensure_month_partitions('audit_entry', current_date, (current_date + interval '3 months')::date)"
    )


def create_entries() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_person_id", sa.Uuid()),
        sa.Column("actor_label", sa.Text()),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid()),
        sa.Column("person_id", sa.Uuid()),
        sa.Column("purpose", sa.Text()),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("changes", postgresql.JSONB()),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", "at", name=op.f("pk_audit_entry")),
        sa.CheckConstraint("kind IN ('write', 'read')", name=op.f("ck_audit_entry_kind_known")),
        sa.CheckConstraint(
            "actor_kind IN ('anonymous', 'person', 'system')", name=op.f("ck_audit_entry_actor_kind_known")
        ),
        sa.CheckConstraint(
            "(actor_kind = 'person') = (actor_person_id IS NOT NULL)", name=op.f("ck_audit_entry_person_acts_by_id")
        ),
        sa.CheckConstraint("kind <> 'read' OR purpose IS NOT NULL", name=op.f("ck_audit_entry_read_has_purpose")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_audit_entry_seq", "audit_entry", ["seq"])
    for column in ("person_id", "actor_person_id", "institution_id", "subject_id"):
        op.create_index(f"ix_audit_entry_{column}_at", "audit_entry", [column, "at"])


def downgrade() -> None:
    op.drop_table("audit_entry")
    op.drop_table("audit_chain_head")
    op.execute("DROP FUNCTION chain_audit_entry()")
    op.execute(
        "DROP FUNCTION audit_entry_hash(bytea, bigint, uuid, timestamptz, text, text, text, uuid, text, text, uuid,"
        " uuid, uuid, text, text, jsonb)"
    )
