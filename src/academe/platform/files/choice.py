"""Which way this installation keeps its files."""

from functools import lru_cache
from pathlib import Path

from academe.platform.files.folder import FolderStore
from academe.platform.files.store import FileStore
from academe.platform.settings import Settings


def file_store(settings: Settings, area: str = "") -> FileStore:
    """The files of this installation: in the folder that the settings name, or in `files` of the data folder.

    An `area` keeps its files apart, so that whoever cleans it up needs to know of its own rows alone.
    """
    return _folder_store(files_folder(settings) / area)


def files_folder(settings: Settings) -> Path:
    """The folder of those files; for backups, which copy it."""
    return (settings.files_dir or settings.data_dir / "files").absolute()


@lru_cache(maxsize=64)
def _folder_store(folder: Path) -> FolderStore:
    return FolderStore(folder)
