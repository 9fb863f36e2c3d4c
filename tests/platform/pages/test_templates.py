"""What holds for every template of every module, found by reading them."""

import json
import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from academe.platform.pages import AssetManifest, MissingBuildError, PageKit
from academe.platform.pages.charts import Series, bars
from academe.platform.pages.components import Components

SOURCE = Path(__file__).resolve().parents[3] / "src/academe"
TEMPLATES = sorted(SOURCE.glob("**/templates/**/*.html"))
GALLERY = SOURCE / "platform/templates/platform"
ICONS = json.loads((SOURCE.parents[1] / "frontend/icons.json").read_text())

INLINE_STYLE = re.compile(r"<[a-z][^>{]*\sstyle\s*=", re.IGNORECASE)
INLINE_HANDLER = re.compile(r"<[a-z][^>]*\s(on[a-z]+|hx-on[:a-z-]*)\s*=", re.IGNORECASE)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE)
STYLE_ELEMENT = re.compile(r"<style[\s>]", re.IGNORECASE)
FOREIGN_FILE = re.compile(r"(?:src|href)=\"(?:https?:)?//", re.IGNORECASE)
EVALUATED = re.compile(r"hx-(?:vals|headers)=['\"]js:|hx-trigger=\"[^\"]*\[", re.IGNORECASE)
UNSAFE = re.compile(r"\|\s*safe\b")


def names_of(paths: list[Path]) -> list[str]:
    return [path.relative_to(SOURCE).as_posix() for path in paths]


@pytest.mark.parametrize("path", TEMPLATES, ids=names_of(TEMPLATES))
class TestEveryTemplate:
    @pytest.mark.parametrize("pattern", [INLINE_STYLE, INLINE_HANDLER, INLINE_SCRIPT, STYLE_ELEMENT, EVALUATED, UNSAFE])
    def test_has_nothing_that_the_content_security_policy_forbids(self, path: Path, pattern: re.Pattern[str]) -> None:
        found = pattern.search(path.read_text())
        assert found is None

    def test_loads_no_file_of_another_site(self, path: Path) -> None:
        assert FOREIGN_FILE.search(path.read_text()) is None

    def test_is_within_its_budget(self, path: Path) -> None:
        assert len(path.read_text().splitlines()) <= 200

    def test_names_only_icons_of_the_sprite(self, path: Path) -> None:
        known = {name.removeprefix("filled/") + ("-filled" if "/" in name else "") for name in ICONS}
        asked = re.findall(r"\bicon\(\"([a-z0-9-]+)\"", path.read_text())
        assert set(asked) <= known


class TestPatternsFindWhatTheyAreFor:
    @pytest.mark.parametrize(
        ("pattern", "text"),
        [
            (INLINE_STYLE, '<div class="a" style="color: red">'),
            (INLINE_HANDLER, '<button onclick="go()">'),
            (INLINE_HANDLER, '<button hx-on:click="go()">'),
            (INLINE_SCRIPT, "<script>go()</script>"),
            (STYLE_ELEMENT, "<style>"),
            (EVALUATED, "<a hx-vals='js:{a: 1}'>"),
            (UNSAFE, "{{ text | safe }}"),
            (FOREIGN_FILE, '<link href="//cdn.example/a.css">'),
        ],
    )
    def test_it_is_found(self, pattern: re.Pattern[str], text: str) -> None:
        assert pattern.search(text)

    def test_data_blocks_and_own_files_are_allowed(self) -> None:
        assert not INLINE_SCRIPT.search('<script type="application/json">{}</script><script src="/a.js"></script>')


class TestComponents:
    def test_every_macro_is_shown_in_the_gallery(self, kit: PageKit) -> None:
        shown = "".join(path.read_text() for path in [*GALLERY.glob("*.html"), *GALLERY.glob("styleguide/*.html")])
        # What the layout itself or another macro of the gallery draws is on the page as well.
        components = "".join(path.read_text() for path in GALLERY.glob("components/*.html"))
        missing = [
            name
            for name in Components(kit.environment).files()
            if f"ui.{name}(" not in shown and not re.search(rf"\{{\{{ {name}\(", components)
        ]
        assert missing == []

    def test_an_unknown_component_is_named(self, kit: PageKit) -> None:
        template = kit.environment.from_string("{{ ui.no_such_thing() }}")
        with pytest.raises(UndefinedError, match="no_such_thing"):
            template.render()

    def test_an_undefined_name_is_an_error_and_never_an_empty_place(self, kit: PageKit) -> None:
        with pytest.raises(UndefinedError, match="nobody"):
            kit.environment.from_string("{{ nobody }}").render()

    def test_a_chart_without_rows_draws_nothing_and_says_so(self, kit: PageKit) -> None:
        empty = bars([], [Series("Statements", [])], summary="Nothing has been stored yet.", category_name="Verb")
        html = kit.environment.from_string('{{ ui.chart(spec, "Verbs") }}').render(spec=empty)
        assert "Nothing has been stored yet." in html
        assert "data-spec" not in html
        assert "<table" not in html

    def test_text_is_escaped(self, kit: PageKit) -> None:
        html = kit.environment.from_string("{{ ui.badge(text) }}").render(text="<script>alert(1)</script>")
        assert "<script>" not in html
        assert "&lt;script&gt;" in html


class TestAssets:
    def test_every_file_of_the_manifest_is_there(self, kit: PageKit) -> None:
        for name in ("app.js", "theme.js", "style.css", "icons.svg", "inter-latin-wght-normal.woff2"):
            file = SOURCE / "platform" / kit.assets.url(name).removeprefix("/")
            assert file.is_file()
            assert re.search(r"-[A-Z0-9]{8}\.", file.name), "a name without a hash cannot be kept for ever"

    def test_a_missing_build_says_what_to_run(self, tmp_path: Path) -> None:
        with pytest.raises(MissingBuildError, match=r"scripts/frontend\.py"):
            AssetManifest.load(tmp_path)

    def test_a_broken_manifest_says_what_to_run(self, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_text('{"files": []')
        with pytest.raises(MissingBuildError, match="--force"):
            AssetManifest.load(tmp_path)

    def test_an_unknown_icon_says_where_to_add_it(self, kit: PageKit) -> None:
        with pytest.raises(MissingBuildError, match=r"icons\.json"):
            kit.assets.icon_url("unicorn")
