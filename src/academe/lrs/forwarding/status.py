"""How forwards do, for health and for metrics."""

from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import true

from academe.lrs.forwarding import queries
from academe.lrs.forwarding.queries import Behind, Forward
from academe.lrs.forwarding.types import ForwardState
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.http.health import CHECK_SECONDS, Check

_ACTOR: Final = system_actor("health of forwards")


@dataclass(frozen=True, slots=True)
class _Standing:
    forward: Forward
    behind_seconds: float


async def _standing(database: Database) -> list[_Standing]:
    now = clock.now()
    async with database.reading(_ACTOR, timeout_seconds=CHECK_SECONDS) as session:
        found = [queries.forward_of(row) for row in await session.execute(queries.forwards(true()))]
        behind = await queries.behind_of(session, [each.id for each in found], most=1)
    return [_Standing(each, behind.get(each.id, Behind()).seconds(now)) for each in found]


def forwards_check(database: Database) -> Check:
    """How forwards do. It is told only: whether another store takes statements says nothing about this one."""

    async def run() -> str:
        standing = await _standing(database)
        if not standing:
            return "none"
        counted = {state: sum(each.forward.state is state for each in standing) for state in ForwardState}
        said = ", ".join(f"{count} {state.value}" for state, count in counted.items() if count)
        going = [each.behind_seconds for each in standing if each.forward.state is not ForwardState.PAUSED]
        return f"{said}; at most {max(going):.0f} s behind" if going else said

    return Check("forwards", run, needed=lambda: False)


class ForwardFigures(Collector):
    """What the tables of forwards say at a moment; the label is the forward's id."""

    def __init__(self, standing: list[_Standing]) -> None:
        self._standing = standing

    def collect(self) -> list[GaugeMetricFamily]:
        """Gauges for each forward."""
        families = {
            "behind_seconds": "Age of the oldest statement that the forward has not looked at.",
            "delivered": "Statements that the other store has acknowledged.",
            "dead_letters": "Statements that the other store refuses.",
            "is_failing": "Whether the last request failed.",
            "is_paused": "Whether nothing is sent.",
        }
        gauges = {
            name: GaugeMetricFamily(f"academe_xapi_forward_{name}", words, labels=("forward",))
            for name, words in families.items()
        }
        for each in self._standing:
            values = {
                "behind_seconds": each.behind_seconds,
                "delivered": each.forward.delivered,
                "dead_letters": each.forward.letters,
                "is_failing": each.forward.state is ForwardState.FAILING,
                "is_paused": each.forward.state is ForwardState.PAUSED,
            }
            for name, value in values.items():
                gauges[name].add_metric((str(each.forward.id),), float(value))
        return list(gauges.values())


async def forward_figures(database: Database) -> Collector:
    """The figures of all forwards, read now."""
    return ForwardFigures(await _standing(database))
