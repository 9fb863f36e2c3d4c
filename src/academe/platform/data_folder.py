"""Where an installation keeps its database and files."""

import os
from pathlib import Path

import platformdirs


def default_data_folder() -> Path:
    """The folder that is used when ACADEME_DATA_DIR does not say: the user's data folder.

    Root gets `/var/lib/academe`: the embedded database then runs under another account, to which root's home is
    closed.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/academe")
    return platformdirs.user_data_path("academe", appauthor=False)
