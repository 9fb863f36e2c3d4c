"""The door of academics."""

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

__all__ = [
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
]
