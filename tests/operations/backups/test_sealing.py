"""Of every table of people somebody has decided how its rows go into a backup; a new one fails here until it is named.

A copy that is restored forgets everybody again who was erased (`forget_person`). This list is about whoever opens the
dump by hand.
"""

from typing import Final

from academe.operations.backups.sealing import LEFT_OUT, SEALED
from academe.platform.database.base import PEOPLE, Base
from academe.platform.database.discovery import import_models

import_models()

_IDS: Final = "says by ids, days and words of vocabularies only"
_STAFF: Final = "words of staff about what they do; who wrote them is an id"
_ENCRYPTED: Final = "what is private in it is encrypted in the database already"

OPEN: Final = {
    "activity_day": _IDS,
    "announcement": _STAFF,
    "api_token": "a name that its holder chose for a program, and a hash",
    "attendance": "reasons of absences are text that other people wrote (docs/decisions/erasure-by-key.md)",
    "audit_entry": "has to stay what it was; ids and pseudonyms",
    "consent_decision": _IDS,
    "emergency_opening": _STAFF,
    "enrollment": _IDS,
    "enrollment_status_change": _STAFF,
    "erasure": _STAFF,
    "guardianship": _IDS,
    "identity_provider": "services of institutions, secrets encrypted",
    "job": "what was asked for; of whom by id",
    "learner_day": _IDS,
    "legal_hold": _STAFF,
    "message_template": _STAFF,
    "message_template_text": _STAFF,
    "notification_preference": _IDS,
    "notification_schedule": _IDS,
    "offering_staff": _IDS,
    "outbox_message": "news on their way between modules, by ids",
    "passkey": "public keys, and names that their holder gave to devices",
    "people_query": _STAFF,
    "processing_restriction": _STAFF,
    "provider_sign_in": "sign-ins under way, of nobody known yet",
    "recovery_code": "hashes",
    "rectification_request": _ENCRYPTED,
    "result": _IDS,
    "risk_score": "figures about an id",
    "role_grant": _IDS,
    "service_account": "programs",
    "totp_factor": _ENCRYPTED,
    "webhook_delivery": _IDS,
    "webhook_endpoint": "programs of others, secrets encrypted",
}
"""Tables of people whose rows are in the dump as they are, and why that may be; those of xAPI have a limit of their own
in the same document."""


def test_every_table_of_people_is_sealed_left_out_or_open_for_a_reason() -> None:
    people = {name for name, table in Base.metadata.tables.items() if table.info.get(PEOPLE)}
    people = {name for name in people if not name.startswith("xapi_")}
    decided = [*(sealed.table for sealed in SEALED), *LEFT_OUT, *OPEN]
    assert sorted(people - set(decided)) == []
    assert len(decided) == len(set(decided)), "a table is decided about twice"
    assert sorted(set(decided) - set(Base.metadata.tables) - {"alembic_version"}) == []


def test_sealed_columns_exist() -> None:
    for sealed in SEALED:
        assert set(sealed.private) <= set(Base.metadata.tables[sealed.table].columns.keys()), sealed.table
