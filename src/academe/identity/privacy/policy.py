"""Who may read the audit of an institution."""

from collections.abc import Sequence
from uuid import UUID

from academe.identity.types import Role
from academe.platform.actor import Actor

AUDITING = (Role.AUDITOR, Role.ADMINISTRATOR)
"""Who reads what was done to the records of an institution."""

AUDITORS_ONLY = "The audit is for the auditors and administrators of the institution."
"""What whoever may not read it is told."""


def can_audit(actor: Actor, institution_id: UUID) -> bool:
    """Read the audit of an institution: its auditors and administrators."""
    return actor.is_system or institution_id in actor.org_unit_ids(*AUDITING)


def institutions_to_audit(actor: Actor) -> Sequence[UUID]:
    """The institutions for which `can_audit` is true, in a fixed order."""
    return sorted({s.institution_id for s in actor.scopes if s.role in AUDITING and s.org_unit_id == s.institution_id})


def audits(actor: Actor) -> bool:
    """Whether somebody may read the audit of any institution."""
    return bool(institutions_to_audit(actor))
