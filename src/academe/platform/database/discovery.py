"""Finds every table of the package, so that migrations, `db verify` and key rotation miss none.

Platform knows no module by name: it imports whatever file of the package is called `models`, which the layout
of the project promises to hold the tables.
"""

import importlib
import pkgutil

from sqlalchemy import MetaData

import academe
from academe.platform.database.base import Base


def import_models() -> MetaData:
    """Import every `models` file of the package and return the metadata, which is then complete."""
    for module in pkgutil.walk_packages(academe.__path__, "academe."):
        if module.name.rpartition(".")[2] == "models":
            importlib.import_module(module.name)
    return Base.metadata
