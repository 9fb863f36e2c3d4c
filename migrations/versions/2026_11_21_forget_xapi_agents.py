"""Forget xAPI agents: let Academe put a pseudonym in the place of an agent, wherever statements name it."""

from alembic import op

revision: str = "forget_xapi_agents"
down_revision: str | None = "follow_xapi_statements"

# The key of an agent as the application makes it (`lrs.xapi.identity.key_of`); null for what is identified by nothing.
AGENT_KEY = """
    CREATE FUNCTION xapi_agent_text(agent jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, public, pg_temp
    RETURN CASE
        WHEN jsonb_typeof(agent -> 'account') = 'object'
            THEN 'account:' || (agent #>> '{account,homePage}') || '|' || (agent #>> '{account,name}')
        WHEN agent ->> 'mbox' LIKE 'mailto:%@%'
            THEN 'mbox:' || substring(agent ->> 'mbox' FROM '^mailto:(.*@)')
                || lower(substring(agent ->> 'mbox' FROM '@([^@]*)$'))
        WHEN jsonb_typeof(agent -> 'mbox_sha1sum') = 'string' THEN 'sha1:' || lower(agent ->> 'mbox_sha1sum')
        WHEN jsonb_typeof(agent -> 'openid') = 'string' THEN 'openid:' || (agent ->> 'openid')
    END
"""

# At every depth, for agents stand in actor, object, members, context, sub-statement and sometimes in extensions.
PSEUDONYMISED = """
    CREATE FUNCTION xapi_pseudonymised(value jsonb, agent text, account jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        CASE jsonb_typeof(value)
        WHEN 'array' THEN
            RETURN coalesce((SELECT jsonb_agg(xapi_pseudonymised(item, agent, account) ORDER BY place)
                             FROM jsonb_array_elements(value) WITH ORDINALITY AS e(item, place)), '[]');
        WHEN 'object' THEN
            IF xapi_agent_text(value) = agent THEN
                value := value - '{name,mbox,mbox_sha1sum,openid,account}'::text[]
                    || jsonb_build_object('account', account);
            END IF;
            RETURN coalesce((SELECT jsonb_object_agg(key, xapi_pseudonymised(item, agent, account))
                             FROM jsonb_each(value) AS e(key, item)), '{}');
        ELSE
            RETURN value;
        END CASE;
    END $$
"""

# The application may add statements and change none. This is the only door: it runs as the owner, opens to Academe
# itself alone, and can put in nothing but a pseudonym. Writers wait meanwhile, so that no statement slips past.
ERASE = """
    CREATE FUNCTION erase_xapi_agent(
        agent text, old_key uuid, pseudonym text, new_key uuid, salt bytea,
        OUT statements bigint, OUT before text, OUT after text, OUT signatures text[])
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        account jsonb := jsonb_build_object('homePage', 'urn:academe:erased', 'name', pseudonym);
        kept record;
        put jsonb;
        was bytea := '';
        became bytea := '';
    BEGIN
        IF NOT actor_is_system() THEN
            RAISE EXCEPTION 'only Academe itself erases agents' USING ERRCODE = 'insufficient_privilege';
        END IF;
        PERFORM pg_advisory_xact_lock(7246913550115);
        statements := 0;
        signatures := '{}';
        FOR kept IN
            SELECT s.stored, s.statement FROM xapi_statement s
            JOIN (SELECT o.stored FROM xapi_statement o WHERE o.agent_key = old_key
                  UNION SELECT m.stored FROM xapi_statement_agent m WHERE m.agent_key = old_key) named USING (stored)
            ORDER BY s.stored
        LOOP
            put := xapi_pseudonymised(kept.statement, agent, account);
            IF put = kept.statement THEN
                RAISE EXCEPTION 'the statement stored at % names the agent in a way that is not known', kept.stored;
            END IF;
            was := sha256(was || salt || sha256(salt || convert_to(kept.statement::text, 'UTF8')));
            became := sha256(became || convert_to(put::text, 'UTF8'));
            statements := statements + 1;
            signatures := signatures || ARRAY(
                SELECT lower(a ->> 'sha2') FROM jsonb_array_elements(kept.statement -> 'attachments') a
                WHERE a ->> 'usageType' = 'http://adlnet.gov/expapi/attachments/signature');
            UPDATE xapi_statement s
            SET statement = put, agent_key = CASE WHEN s.agent_key = old_key THEN new_key ELSE s.agent_key END
            WHERE s.stored = kept.stored;
        END LOOP;
        before := encode(was, 'hex');
        after := encode(became, 'hex');
        UPDATE xapi_statement_agent m SET agent_key = new_key WHERE m.agent_key = old_key;
        PERFORM rename_xapi_agent(agent, old_key, account, new_key);
    END $$
"""

# What is said of an agent beside the statements: in aliases, authorities, senders, and what the agent is called.
RENAME = """
    CREATE FUNCTION rename_xapi_agent(agent text, old_key uuid, account jsonb, new_key uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        UPDATE xapi_alias a
        SET agent_keys = array_replace(a.agent_keys, old_key, new_key),
            related_agent_keys = array_replace(a.related_agent_keys, old_key, new_key),
            keys = array_replace(a.keys, old_key, new_key)
        FROM xapi_alias_key k
        WHERE k.key = old_key AND a.stored = k.stored AND a.target_id = k.target_id;
        UPDATE xapi_alias_key k SET key = new_key WHERE k.key = old_key;
        INSERT INTO xapi_authority (id, agent_key, agent)
        SELECT new_key, new_key, xapi_pseudonymised(a.agent, rename_xapi_agent.agent, account)
        FROM xapi_authority a WHERE a.id = old_key;
        IF FOUND THEN
            UPDATE xapi_statement s SET authority_id = new_key WHERE s.authority_id = old_key;
            DELETE FROM xapi_authority a WHERE a.id = old_key;
        END IF;
        UPDATE xapi_sender s
        SET authority = xapi_pseudonymised(s.authority, rename_xapi_agent.agent, account),
            authority_key = xapi_agent_text(jsonb_build_object('account', account))
        WHERE s.authority_key = rename_xapi_agent.agent;
        INSERT INTO xapi_agent (id, key, object_type, names)
        SELECT new_key, xapi_agent_text(jsonb_build_object('account', account)), a.object_type, '{}'
        FROM xapi_agent a WHERE a.id = old_key;
        DELETE FROM xapi_agent a WHERE a.id = old_key;
    END $$
"""

# A signature is made over the statement as it was, identifier and all, so it goes. The digests that are returned name
# files that nothing else needs.
SIGNATURES = """
    CREATE FUNCTION forget_xapi_signatures(hashes text[]) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        IF NOT actor_is_system() THEN
            RAISE EXCEPTION 'only Academe itself forgets signatures' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN QUERY
        WITH gone AS (DELETE FROM xapi_attachment a WHERE a.sha2 = ANY(hashes) RETURNING a.digest)
        SELECT DISTINCT g.digest FROM gone g
        WHERE NOT EXISTS (SELECT FROM xapi_attachment a WHERE a.digest = g.digest AND a.sha2 <> ALL(hashes));
    END $$
"""

DOORS = (
    "erase_xapi_agent(text, uuid, text, uuid, bytea)",
    "forget_xapi_signatures(text[])",
)
INNER = ("rename_xapi_agent(text, uuid, jsonb, uuid)",)


def upgrade() -> None:
    for function in (AGENT_KEY, PSEUDONYMISED, RENAME, ERASE, SIGNATURES):
        op.execute(function)
    for function in (*DOORS, *INNER):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
    for function in DOORS:
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO academe_app")


def downgrade() -> None:
    for function in (*DOORS, *INNER, "xapi_pseudonymised(jsonb, text, jsonb)", "xapi_agent_text(jsonb)"):
        op.execute(f"DROP FUNCTION {function}")
