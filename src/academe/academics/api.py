"""The door of academics."""

from academe.academics.access import offering_for
from academe.academics.intake.catalogue import (
    load_assessments,
    load_offerings,
    load_resources,
    load_terms,
    load_units,
)
from academe.academics.intake.students import (
    load_enrollments,
    load_protected_attributes,
    load_results,
    load_status_changes,
    load_students,
)
from academe.academics.offering_head import OfferingHead, head_of
from academe.academics.policy import Placed, can_read_roster, rosters_readable_by

__all__ = [
    "OfferingHead",
    "Placed",
    "can_read_roster",
    "head_of",
    "load_assessments",
    "load_enrollments",
    "load_offerings",
    "load_protected_attributes",
    "load_resources",
    "load_results",
    "load_status_changes",
    "load_students",
    "load_terms",
    "load_units",
    "offering_for",
    "rosters_readable_by",
]
