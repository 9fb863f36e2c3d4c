"""The table of rules for how long statements are kept."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import Base


class XapiRetentionRule(Base):
    """Statements of a `kind` (`xapi_statement.kind`) are kept for whole `months`; `*` is every other kind."""

    __tablename__ = "xapi_retention_rule"

    kind: Mapped[str] = mapped_column(primary_key=True)
    months: Mapped[int]

    __table_args__ = (CheckConstraint("months > 0", name="months_positive"),)
