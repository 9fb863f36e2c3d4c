"""The door of operations."""

from academe.operations.demo_data import OULAD_AAA
from academe.operations.errors import Fault, SourceRefusedError
from academe.operations.oulad.importer import OPEN_UNIVERSITY, import_oulad
from academe.operations.types import ImportSummary, Place, Placement, Progress, Step

__all__ = [
    "OPEN_UNIVERSITY",
    "OULAD_AAA",
    "Fault",
    "ImportSummary",
    "Place",
    "Placement",
    "Progress",
    "SourceRefusedError",
    "Step",
    "import_oulad",
]
