"""The door of the learning record store."""

from academe.lrs.privacy.persons import erase_agents_of
from academe.lrs.rollup.links import AgentResolver, ContextResolver
from academe.lrs.service import load_activity_days
from academe.lrs.types import Activity, ActivityDays

__all__ = ["Activity", "ActivityDays", "AgentResolver", "ContextResolver", "erase_agents_of", "load_activity_days"]
