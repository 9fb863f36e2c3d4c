"""The door of identity for other modules, the demo and the commands."""

from academe.identity.access.explanation.queries import Reason
from academe.identity.access.guardians.queries import ShownGuardianship, guardianships
from academe.identity.bulk import ensure_institution, ensure_org_unit, load_people
from academe.identity.people.cards import PersonCard
from academe.identity.people.queries import ProgramFilter, choices_of
from academe.identity.policy import (
    can_administer,
    can_know,
    can_manage_accounts,
    can_register_people,
    institution_to_administer,
    institutions_to_administer,
    known_to,
    require,
)
from academe.identity.privacy.consents.queries import consenting_to, consenting_to_text, has_consented
from academe.identity.privacy.emergency.queries import own_opening
from academe.identity.privacy.erasing import addresses_of, forget_identity, merged_into
from academe.identity.privacy.holds.queries import held_people, holds_on
from academe.identity.privacy.holds.service import require_not_held
from academe.identity.privacy.keeping import KEPT
from academe.identity.queries import (
    HeldRole,
    held_roles,
    holders_at,
    in_force,
    institutions,
    org_units_of,
    role_scopes,
    subtree,
)
from academe.identity.service import (
    create_institution,
    create_org_unit,
    create_person,
    end_role,
    grant_role,
    known_person,
    set_particulars,
    set_person_status,
)
from academe.identity.sign_in.actors import ScopeSource, forget_actors, idle_since, session_is_open
from academe.identity.sign_in.breached import BreachedPasswords
from academe.identity.sign_in.links import LinkSigner
from academe.identity.sign_in.resolver import actor_resolver
from academe.identity.sign_in.service import create_account, set_password, sign_in
from academe.identity.sign_in.sessions import OpenedSession

__all__ = [
    "KEPT",
    "BreachedPasswords",
    "HeldRole",
    "LinkSigner",
    "OpenedSession",
    "PersonCard",
    "ProgramFilter",
    "Reason",
    "ScopeSource",
    "ShownGuardianship",
    "actor_resolver",
    "addresses_of",
    "can_administer",
    "can_know",
    "can_manage_accounts",
    "can_register_people",
    "choices_of",
    "consenting_to",
    "consenting_to_text",
    "create_account",
    "create_institution",
    "create_org_unit",
    "create_person",
    "end_role",
    "ensure_institution",
    "ensure_org_unit",
    "forget_actors",
    "forget_identity",
    "grant_role",
    "guardianships",
    "has_consented",
    "held_people",
    "held_roles",
    "holders_at",
    "holds_on",
    "idle_since",
    "in_force",
    "institution_to_administer",
    "institutions",
    "institutions_to_administer",
    "known_person",
    "known_to",
    "load_people",
    "merged_into",
    "org_units_of",
    "own_opening",
    "require",
    "require_not_held",
    "role_scopes",
    "session_is_open",
    "set_particulars",
    "set_password",
    "set_person_status",
    "sign_in",
    "subtree",
]
