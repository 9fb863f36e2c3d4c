"""What an audit entry can be about."""

from enum import StrEnum


class EntryKind(StrEnum):
    """Whether somebody changed something, or looked at the record of somebody else."""

    WRITE = "write"
    READ = "read"
