"""What a template may hold, how its variables are written, and what of HTML is left."""

from datetime import date
from typing import Any

import pytest

from academe.messaging.message_templates.kinds import ANNOUNCEMENT, TemplateKind, Variable, VariableType
from academe.messaging.message_templates.queries import best
from academe.messaging.message_templates.rendering import Wording, checked, known_language, names_reader, rendered

KIND = TemplateKind(
    "test",
    "A test",
    (
        Variable("unit", VariableType.TEXT, "", "MATH101"),
        Variable("day", VariableType.DATE, "", date(2026, 2, 3)),
        Variable("places", VariableType.NUMBER, "", 1234),
        Variable("link", VariableType.LINK, "", "/my-progress"),
    ),
)


def said(text: str, language: str = "en", html: str = "", **values: str | int | date) -> str:
    shown = rendered(KIND, Wording("Subject", text, html), values, reader="Ada", language=language)
    return shown.html if html else shown.text


class TestChecked:
    def test_what_may_be_kept(self) -> None:
        text = (
            "Dear {{ person_name }},\n{% if link %}see {{ link }}{% else %}wait{% endif %}{% if not unit %}-{% endif %}"
        )
        assert checked(KIND, Wording("{{ unit }}", text, "<p>{{ day }}</p>")) == []

    def test_an_unknown_variable_is_named_with_its_line(self) -> None:
        (fault,) = checked(KIND, Wording("Hello", "Dear {{ person_name }},\n\nfrom {{ untit }}"))
        assert (fault.field, fault.line) == ("text", 3)
        assert fault.message == ("Line 3: There is no variable untit; there are person_name, unit, day, places, link.")

    def test_what_cannot_be_read_is_named_with_its_line(self) -> None:
        (fault,) = checked(KIND, Wording("Hello", "Dear\n{% if link %} see"))
        assert fault.field == "text"
        assert fault.message.startswith("Line 2: ")

    @pytest.mark.parametrize(
        "source",
        [
            "{{ unit.__class__ }}",
            "{{ unit['x'] }}",
            "{{ unit|upper }}",
            "{{ range(9) }}",
            "{{ 7 * 7 }}",
            "{% for each in unit %}x{% endfor %}",
            "{% set unit = 1 %}",
            "{% include 'a' %}",
            "{% if unit == day %}x{% endif %}",
            "{% macro a() %}{% endmacro %}",
            "{{ 'text' }}",
        ],
    )
    def test_nothing_but_variables_and_conditions(self, source: str) -> None:
        for field in ("subject", "text", "html"):
            faults = checked(KIND, Wording(**{"subject": "x", "text": "x", "html": "x", field: source}))
            assert faults, field
            assert all(each.field == field and "Line 1" in each.message for each in faults)

    def test_lengths_and_lines(self) -> None:
        faults = checked(KIND, Wording("two\nlines", " ", "x" * 20_001))
        assert [each.field for each in faults] == ["subject", "text", "html"]


class TestRendered:
    def test_values_are_written_in_the_language(self) -> None:
        values: dict[str, Any] = {"day": date(2026, 2, 3), "places": 1234}
        text = "{{ day }}: {{ places }}"
        assert said(text, "en", **values) == "February 3, 2026: 1,234"
        assert said(text, "de", **values) == "3. Februar 2026: 1.234"

    def test_what_has_no_value_is_empty(self) -> None:
        assert said("{% if link %}see {{ link }}{% else %}nothing{% endif %}{{ unit }}") == "nothing"
        assert said("{% if link %}see {{ link }}{% endif %}", link="/my-progress") == "see /my-progress"

    def test_text_is_left_as_it_is_and_html_is_escaped(self) -> None:
        assert said("{{ unit }}", unit="<b> & {{ day }}") == "<b> & {{ day }}"
        assert said("x", html="<p>{{ unit }}</p>", unit="<b>&</b>") == "<p>&lt;b&gt;&amp;&lt;/b&gt;</p>"

    def test_html_is_reduced_to_what_a_letter_needs(self) -> None:
        html = (
            "<p onclick='x'>a</p><script>alert(1)</script><img src='https://x'><style>p{}</style>"
            "<a href='{{ unit }}'>b</a><a href='{{ link }}'>c</a><form><input></form>"
        )
        shown = said("x", html=html, unit="javascript:alert(1)", link="/my-progress")
        assert "<p>a</p>" in shown
        assert 'href="/my-progress"' in shown
        for gone in ("script", "onclick", "img", "style", "alert", "form", "input"):
            assert gone not in shown, gone

    def test_what_is_too_long_is_cut(self) -> None:
        assert len(said("{{ unit }}" * 2, unit="x" * 3_000)) == 4_000


def test_the_reader_gets_the_nearest_language() -> None:
    wordings = {language: Wording(language, "x") for language in ("de", "de-AT", "en", "fr")}
    wished = ("de-AT", "de-CH", "de", "es", None)
    assert [best(wordings, each)[0] for each in wished] == ["de-AT", "de", "de", "en", "en"]
    assert best({"fr": Wording("a", "b"), "it": Wording("a", "b")}, "de")[0] == "fr"


def test_languages_are_known_ones() -> None:
    assert [known_language(each) for each in ("en", "de-AT", "zh-Hans-CN", "xx", "", "english", "../etc")] == [
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_whether_readers_are_named() -> None:
    assert names_reader(Wording("a", "b", "{{ person_name }}"))
    assert not names_reader(Wording("{{ title }}", "person_name"))
    assert checked(ANNOUNCEMENT, Wording("{{ title }}", "{{ message }}")) == []
