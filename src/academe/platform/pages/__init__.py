"""The page kit: what every module's pages are written with.

Ideas: a page is a template and a frozen dataclass (`render`); its surroundings come from the composition root
(`PageKit`); whatever a form did is said on the page after the redirect (`redirect`); tables, forms and charts are typed
descriptions that macros draw (`TableView`, `FormView`, `ChartSpec`).

Invariants: no inline script or style, so the content security policy can forbid both; nothing undefined is ever shown;
every page works without scripts. `docs/guides/pages.md` shows how to write one, `/styleguide` every component.
"""

from academe.platform.pages.assets import STATIC_URL, AssetManifest, MissingBuildError, static_files
from academe.platform.pages.charts import ChartSpec, ChartTable, Series
from academe.platform.pages.chrome import NavigationEntry, PageChrome, PageKit
from academe.platform.pages.contributions import Contribution, ContributionBars
from academe.platform.pages.errors import render_error
from academe.platform.pages.flash import FlashKind, FlashMessage
from academe.platform.pages.forms import FormView, ParsedForm, parse_form
from academe.platform.pages.render import redirect, render, wants_fragment
from academe.platform.pages.tables import Column, Sort, TableView

__all__ = [
    "STATIC_URL",
    "AssetManifest",
    "ChartSpec",
    "ChartTable",
    "Column",
    "Contribution",
    "ContributionBars",
    "FlashKind",
    "FlashMessage",
    "FormView",
    "MissingBuildError",
    "NavigationEntry",
    "PageChrome",
    "PageKit",
    "ParsedForm",
    "Series",
    "Sort",
    "TableView",
    "parse_form",
    "redirect",
    "render",
    "render_error",
    "static_files",
    "wants_fragment",
]
