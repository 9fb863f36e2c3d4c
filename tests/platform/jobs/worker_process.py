"""A worker with the tests' jobs, to be started and killed: `python worker_process.py SETTINGS` (JSON)."""

import asyncio
import json
import signal
import sys

from academe.platform.database.session import Database
from academe.platform.settings import Settings
from academe.worker import make_queue
from tests.platform.jobs import kinds


async def main() -> None:
    assert kinds.count.kind == "test.count"
    database = Database(Settings(_env_file=None, **json.loads(sys.argv[1])))
    queue = make_queue(database, silence_seconds=3.0)
    for received in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(received, queue.stop)
    await queue.run(grace_seconds=1.0)
    await database.close()


asyncio.run(main())
