"""Say which institution has brought which attachment: its readers get the content, others do not."""

import sqlalchemy as sa
from alembic import op

from academe.platform.database.ddl import grant, row_level_security

revision: str = "say_who_brought_attachments"
down_revision: str | None = "announce_to_audiences"

# Like the attachments: only the store itself reads and writes.
POLICIES = row_level_security("xapi_attachment_source", read="false")

# Nobody had noted who brought what. Without a fileUrl, a statement was taken with its content only; of others, the
# first that was stored with the content or after it. What no statement names is the installation's.
GIVE = """
    INSERT INTO xapi_attachment_source (sha2, institution_id)
    WITH holder AS (
        SELECT stored, institution_id, statement -> 'attachments' AS attachments, true AS is_outer
        FROM xapi_statement WHERE statement ? 'attachments'
        UNION ALL SELECT stored, institution_id, statement #> '{object,attachments}', false
        FROM xapi_statement WHERE statement -> 'object' ? 'attachments'
    ), named AS (
        SELECT k.sha2, h.stored,
            coalesce(h.institution_id, '00000000-0000-0000-0000-000000000000') AS institution_id,
            h.is_outer AND NOT a.described ? 'fileUrl' AS is_brought,
            h.stored >= k.kept_at AS is_later
        FROM holder h
        CROSS JOIN LATERAL jsonb_array_elements(h.attachments) AS a(described)
        JOIN xapi_attachment k ON k.sha2 = lower(a.described ->> 'sha2')
    ), given AS (
        SELECT DISTINCT sha2, institution_id FROM named WHERE is_brought
    ), first AS (
        SELECT DISTINCT ON (sha2) sha2, institution_id FROM named
        WHERE is_later AND sha2 NOT IN (SELECT sha2 FROM given) ORDER BY sha2, stored
    )
    SELECT k.sha2, coalesce(g.institution_id, f.institution_id, '00000000-0000-0000-0000-000000000000')
    FROM xapi_attachment k LEFT JOIN given g ON g.sha2 = k.sha2 LEFT JOIN first f ON f.sha2 = k.sha2
"""


def upgrade() -> None:
    op.create_table(
        "xapi_attachment_source",
        sa.Column("sha2", sa.Text(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha2"],
            ["xapi_attachment.sha2"],
            name="fk_xapi_attachment_source_sha2",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sha2", "institution_id", name="pk_xapi_attachment_source"),
    )
    for statement in (*grant("xapi_attachment_source", "SELECT, INSERT"), *POLICIES):
        op.execute(statement)
    op.execute(GIVE)


def downgrade() -> None:
    op.drop_table("xapi_attachment_source")
