"""Starting the web server: uvicorn with uvloop and httptools, one process or several."""

from typing import Final

import uvicorn

from academe.platform.settings import Settings

APPLICATION: Final = "academe.app:create_app"
_SHUTDOWN_SECONDS: Final = 20
_KEEP_ALIVE_SECONDS: Final = 75


def serve(settings: Settings) -> None:
    """Serve until a signal ends it; running requests get 20 seconds to finish."""
    uvicorn.run(
        APPLICATION,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.web_workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        log_config=None,
    )
