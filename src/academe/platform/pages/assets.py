"""The built front-end: plain names to hashed files, and how long browsers may keep them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_DIRECTORY: Final = Path(__file__).resolve().parent.parent / "static"
"""Where files for browsers live; the build writes into its subfolder `dist`."""

STATIC_URL: Final = "/static"
"""The path at which the application mounts `static_files()`."""

_ONE_YEAR: Final = "public, max-age=31536000, immutable"
_ONE_HOUR: Final = "public, max-age=3600"


class MissingBuildError(RuntimeError):
    """The front-end has not been built, or the build is older than the code that asks for it."""


@dataclass(frozen=True, slots=True)
class AssetManifest:
    """What the front-end build produced.

    `files` maps plain names (`app.js`) to hashed ones (`app-3FQ2XK7A.js`); `icons` are the symbols of the sprite.
    """

    files: Mapping[str, str]
    icons: frozenset[str]

    @classmethod
    def load(cls, directory: Path = STATIC_DIRECTORY / "dist") -> "AssetManifest":
        """Read `manifest.json`; raises MissingBuildError saying how to build when it is absent or unreadable."""
        path = directory / "manifest.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(files=dict(content["files"]), icons=frozenset(content["icons"]))
        except FileNotFoundError:
            raise MissingBuildError(
                f"the front-end is not built ({path} is missing): run `python scripts/frontend.py`"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise MissingBuildError(
                f"{path} is not a front-end manifest ({error}): run `python scripts/frontend.py --force`"
            ) from error

    def url(self, name: str) -> str:
        """The address of a built file by its plain name."""
        try:
            return f"{STATIC_URL}/dist/{self.files[name]}"
        except KeyError:
            raise MissingBuildError(
                f"the front-end build has no file {name!r}: run `python scripts/frontend.py --force`"
            ) from None

    def icon_url(self, name: str) -> str:
        """The address of one icon in the sprite; unknown names are an error so that no page shows a hole."""
        if name not in self.icons:
            raise MissingBuildError(f"there is no icon {name!r}: add it to frontend/icons.json and build again")
        return f"{self.url('icons.svg')}#{name}"


class _CachedStaticFiles(StaticFiles):
    """Static files; those with a hash in their name may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in (200, 304):
            hashed = path.startswith("dist/") and not path.endswith("manifest.json")
            response.headers["Cache-Control"] = _ONE_YEAR if hashed else _ONE_HOUR
        return response


def static_files() -> StaticFiles:
    """The application to mount at STATIC_URL."""
    return _CachedStaticFiles(directory=STATIC_DIRECTORY)
