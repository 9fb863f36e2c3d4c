"""What health and metrics say of the spool."""

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from academe.lrs.spool.spool import Spool
from academe.lrs.spool.types import SpoolStatus
from academe.platform import clock
from academe.platform.errors import ServiceUnavailableError
from academe.platform.http.health import Check


def spool_check(spool: Spool) -> Check:
    """Nothing waits for the database. While something does, the service is degraded and not down."""

    async def run() -> str:
        status = await spool.status()
        if status.segments or status.damaged:
            raise ServiceUnavailableError(words(status))
        return "nothing waits" if spool.is_on else "off"

    return Check("spool", run, needed=lambda: False)


def words(status: SpoolStatus) -> str:
    """How many statements wait and since when, without a word about what they are."""
    said = f"{status.statements:,} statements wait"
    if status.since is not None:
        said += f" since {status.since:%Y-%m-%d %H:%M:%S} UTC"
    if status.damaged:
        said += f"; {status.damaged} damaged files are kept"
    return said


async def collect(spool: Spool) -> Collector:
    """What waits on this machine, as it is when the metrics are read."""
    return SpoolGauges(await spool.status())


class SpoolGauges(Collector):
    """The folder of the spool in numbers."""

    def __init__(self, status: SpoolStatus) -> None:
        self._status = status

    def collect(self) -> list[GaugeMetricFamily]:
        """One gauge for each number."""
        status = self._status
        age = 0.0 if status.since is None else max(0.0, (clock.now() - status.since).total_seconds())
        return [
            GaugeMetricFamily(f"academe_xapi_spool_{name}", text, value=value)
            for name, text, value in (
                ("statements", "Acknowledged statements that wait for the database.", status.statements),
                ("oldest_seconds", "Age of the oldest statement that waits; 0 when none does.", age),
                ("bytes", "Size of the spool's files.", status.used_bytes),
                ("limit_bytes", "Most that the spool may hold; 0 is off.", status.limit_bytes),
                ("damaged_files", "Files of the spool with parts that cannot be read.", status.damaged),
            )
        ]
