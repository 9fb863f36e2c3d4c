"""Tables of the followers: how far each has read, and what the keys of statements stand for above."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base


class XapiFollower(Base):
    """How far somebody has read the statements: all that were stored up to `position`."""

    __tablename__ = "xapi_follower"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[datetime]


class XapiAgentLink(Base):
    """The id by which rollups know an agent: that of a person, wherever a module above knew the agent."""

    __tablename__ = "xapi_agent_link"

    agent_key: Mapped[UUID] = mapped_column(primary_key=True)
    actor_id: Mapped[UUID] = mapped_column(index=True)

    __table_args__ = ({"info": {PEOPLE: True}},)


class XapiContextLink(Base):
    """What an activity stands for as a context of others: an offering, wherever a module above knew the activity."""

    __tablename__ = "xapi_context_link"

    activity_key: Mapped[UUID] = mapped_column(primary_key=True)
    context_id: Mapped[UUID]
