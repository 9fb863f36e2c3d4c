"""Which tables administrators may edit by hand, and why the others not: every table stands in exactly one place.

Edited by hand is what merely describes: names, codes, dates, texts. What something follows from (a role, a mark, an
enrolment, an account) has a page whose verb checks, announces and dates it; what was recorded stays as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Editable:
    """The columns that may be set, and whether rows may be deleted."""

    columns: tuple[str, ...]
    may_delete: bool = False


EDITABLE: Final[Mapping[str, Editable]] = {
    "assessment": Editable(("title", "weight", "due_on")),
    "meeting": Editable(("title", "room", "starts_at", "ends_at")),
    "offering": Editable(("starts_on", "ends_on", "capacity")),
    "offering_resource": Editable(("kind", "week_from", "week_to")),
    "org_unit": Editable(("code", "name", "data_attribution")),
    "person": Editable(
        ("sourced_id", "display_name", "given_name", "middle_name", "family_name", "preferred_name"),
    ),
    "person_particulars": Editable(("contact_email", "locale", "time_zone")),
    "program": Editable(("code", "title")),
    "student_protected_attributes": Editable(
        (
            *("gender", "ethnicity", "socioeconomic_status", "special_education_status"),
            *("english_learner_status", "age_band", "region"),
        ),
        may_delete=True,
    ),
    "student_record": Editable(("number", "cohort")),
    "term": Editable(("code", "title", "starts_on", "ends_on")),
    "undeliverable_address": Editable(("reply",), may_delete=True),
    "unit": Editable(("code", "title")),
}

_SECRETS: Final = "Keys and credentials are made and ended on their own pages, and never edited."
_RECORDED: Final = "What was recorded stays as it was recorded."
_STATED: Final = "What programs have stated about people is never changed; erasure and retention have their own pages."
_FOLLOWS: Final = "Something follows from it, which its own page takes care of."
_COMPUTED: Final = "Academe computes it from other tables, and would write over any change."
_MACHINE: Final = "It is the machinery's own, and of no institution."

_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    _SECRETS: (
        *("account_session", "api_token", "destroyed_person_key", "encryption_key", "passkey", "passkey_challenge"),
        *("person_key", "provider_sign_in", "recovery_code", "seen_token", "service_account", "sign_in_identity"),
        *("sign_in_link", "totp_factor", "unfinished_sign_in", "xapi_sender", "xapi_forward", "identity_provider"),
        "webhook_endpoint",
    ),
    _RECORDED: (
        *("audit_chain_head", "audit_entry", "caught_mail", "emergency_opening", "enrollment_status_change", "erasure"),
        *("import_run", "import_step", "legal_hold", "mail_message", "notification", "outbox_message"),
        *("outbox_receipt", "people_import", "people_import_person", "roster_upload", "subject_export"),
        *("webhook_delivery", "consent_decision", "consent_text", "processing_restriction", "rectification_request"),
    ),
    _FOLLOWS: (
        *("account", "announcement", "attendance", "enrollment", "guardianship", "notification_preference"),
        *("notification_schedule", "offering_staff", "person_picture", "result", "role_grant", "second_factor_rule"),
        *("message_template", "message_template_text", "people_query", "retention_rule"),
    ),
    _COMPUTED: ("activity_day", "learner_day", "risk_model", "risk_score"),
    _MACHINE: ("job",),
}
_REASONS: Final = {table: reason for reason, tables in _KEPT.items() for table in tables}


def editable(table: str) -> Editable | None:
    """What may be edited of a table; None when nothing may."""
    return EDITABLE.get(table)


def reason_not(table: str) -> str:
    """Why a table is not edited by hand; raises KeyError for a table that nobody has decided about."""
    return _STATED if table.startswith("xapi_") and table not in _REASONS else _REASONS[table]
