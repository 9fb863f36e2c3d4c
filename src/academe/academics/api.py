"""The door of academics."""

from academe.academics.access import offering_for
from academe.academics.attendance.service import Mark, create_meeting, record_attendance
from academe.academics.erasing import forget_academics
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
from academe.academics.keeping import KEPT
from academe.academics.offering_head import OfferingHead, OfferingTab, add_offering_tab, head_of
from academe.academics.policy import (
    Placed,
    can_enrol,
    can_read_roster,
    can_take_attendance,
    rosters_readable_by,
)
from academe.academics.queries import offering_scopes
from academe.academics.roster.service import decide_request, enrol_student, withdraw_student
from academe.academics.service import assign_staff

__all__ = [
    "KEPT",
    "Mark",
    "OfferingHead",
    "OfferingTab",
    "Placed",
    "add_offering_tab",
    "assign_staff",
    "can_enrol",
    "can_read_roster",
    "can_take_attendance",
    "create_meeting",
    "decide_request",
    "enrol_student",
    "forget_academics",
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
    "offering_scopes",
    "record_attendance",
    "rosters_readable_by",
    "withdraw_student",
]
