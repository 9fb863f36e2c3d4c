"""The one Jinja environment: where templates are found, what they may use, and that nothing undefined is shown."""

from collections.abc import Sequence
from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from academe.platform.pages import drawing, filters
from academe.platform.pages.assets import AssetManifest
from academe.platform.pages.components import Components

PLATFORM_PACKAGE: Final = "academe.platform"


def build_environment(packages: Sequence[str], assets: AssetManifest, *, auto_reload: bool) -> Environment:
    """An environment over the `templates/` folders of the packages, searched in the order given.

    Always autoescaped: every template is HTML. `auto_reload` looks for changed files on every use; for development.
    """
    names = list(dict.fromkeys([*packages, PLATFORM_PACKAGE]))
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name, "templates") for name in names]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=auto_reload,
        cache_size=-1,
    )
    environment.filters.update(
        number=filters.number,
        percent=filters.percent,
        signed=filters.signed,
        points=filters.points,
        day=filters.day,
        short_day=filters.short_day,
        moment=filters.moment,
        plural=filters.plural,
        ago=filters.ago,
        iso=filters.iso,
        initials=filters.initials,
        tint=filters.tint,
    )
    environment.globals.update(
        asset_url=assets.url,
        icon_url=assets.icon_url,
        sparkline_path=drawing.sparkline_path,
        interval_bar=drawing.interval_bar,
        ui=Components(environment),
    )
    return environment
