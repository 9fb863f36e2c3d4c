"""What surrounds every page: product name, navigation by role, who is signed in, messages.

The composition root builds one `PageKit` and puts it at `app.state.page_kit`; `render` makes a `PageChrome` of it for
each request. Modules write pages and know neither navigation nor assets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jinja2 import Environment

from academe.platform.actor import Actor
from academe.platform.pages.assets import AssetManifest
from academe.platform.pages.environment import build_environment
from academe.platform.pages.flash import FlashMessage, FlashSigner


def _everybody(_actor: Actor) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """One line of the navigation.

    `icon` is a name of frontend/icons.json; `visible` says for whom; entries with the same `section` stand together
    under that heading, in the order in which they were registered.
    """

    label: str
    href: str
    icon: str
    visible: Callable[[Actor], bool] = _everybody
    section: str = ""


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A navigation entry as one person sees it on one page."""

    label: str
    href: str
    icon: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class NavigationSection:
    """Links under one heading; the heading may be empty."""

    label: str
    links: tuple[NavigationLink, ...]


@dataclass(frozen=True, slots=True)
class PageKit:
    """Everything pages need that does not change between requests.

    `template_packages` are the packages whose `templates/` folders are searched (`academe.platform` is always among
    them). `secret` signs the cookie of messages. `attribution` is shown in the footer: sources and licences of data.
    `inbox_url` is where the bell leads; below it, `/stream` tells how much there is unread.
    """

    template_packages: Sequence[str]
    secret: str = field(repr=False)
    navigation: Sequence[NavigationEntry] = ()
    product: str = "Academe"
    institution: str = ""
    attribution: str = ""
    sign_in_url: str = "/sign-in"
    sign_out_url: str = "/sign-out"
    account_url: str = ""
    inbox_url: str = ""
    auto_reload: bool = False
    assets: AssetManifest = field(default_factory=AssetManifest.load)
    environment: Environment = field(init=False, repr=False)
    flash_signer: FlashSigner = field(init=False, repr=False)

    def __post_init__(self) -> None:
        environment = build_environment(self.template_packages, self.assets, auto_reload=self.auto_reload)
        object.__setattr__(self, "environment", environment)
        object.__setattr__(self, "flash_signer", FlashSigner(self.secret))

    def navigation_for(self, actor: Actor, path: str) -> tuple[NavigationSection, ...]:
        """The sections this actor sees; the entry with the longest address that leads to `path` is current."""
        visible = [entry for entry in self.navigation if entry.visible(actor)]
        leading = [entry.href for entry in visible if _leads_to(entry.href, path)]
        current = max(leading, key=len, default=None)
        sections: dict[str, list[NavigationLink]] = {}
        for entry in visible:
            link = NavigationLink(entry.label, entry.href, entry.icon, entry.href == current)
            sections.setdefault(entry.section, []).append(link)
        return tuple(NavigationSection(label, tuple(links)) for label, links in sections.items())


def _leads_to(href: str, path: str) -> bool:
    return path == href or (href != "/" and path.startswith(href.rstrip("/") + "/"))


@dataclass(frozen=True, slots=True)
class PageChrome:
    """The surroundings of one page; templates see it as `chrome`, apart from the page's own context `page`."""

    kit: PageKit
    actor: Actor
    path: str
    query: str
    messages: tuple[FlashMessage, ...] = ()

    @property
    def navigation(self) -> tuple[NavigationSection, ...]:
        """The navigation as this actor sees it on this page."""
        return self.kit.navigation_for(self.actor, self.path)

    @property
    def here(self) -> str:
        """Path and query of this page, for links that come back to it."""
        return f"{self.path}?{self.query}" if self.query else self.path
