from pathlib import Path

import pytest

from scripts.check_links import anchors, broken_links, main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/roster.png").write_bytes(b"")
    (tmp_path / "docs/words.md").write_text("# The words\n\n## Risk, band & need\n\n```\n# not a heading\n```\n")
    return tmp_path


def complaints(root: Path, text: str) -> list[tuple[int, str]]:
    page = root / "docs/page.md"
    page.write_text(text)
    return list(broken_links(page, root))


@pytest.mark.parametrize(
    "text",
    [
        "[words](words.md)",
        "[words](words.md#risk-band--need)",
        "![picture](roster.png)",
        "[up](../docs/)",
        "[from the root](/docs/words.md)",
        "[elsewhere](https://example.org/none.md), [mail](mailto:a@example.org)",
        '<img src="roster.png" alt="">',
        "# Here\n[itself](#here)",
        "```\n[in code](none.md)\n```",
        "`[in code](none.md)`",
    ],
)
def test_a_link_that_leads_somewhere_is_silent(root: Path, text: str) -> None:
    assert complaints(root, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("first\n[gone](none.md)", [(2, "none.md does not exist")]),
        ("[![nested](none.png)](words.md)", [(1, "none.png does not exist")]),
        ("[gone](words.md#not-a-heading)", [(1, "words.md#not-a-heading: no such heading")]),
        ("[itself](#nowhere)", [(1, "#nowhere: no such heading")]),
        ('<a href="none.html">x</a>', [(1, "none.html does not exist")]),
        ("```\ncode\n```\n[after code](none.md)", [(4, "none.md does not exist")]),
    ],
)
def test_a_link_that_leads_nowhere_is_named(root: Path, text: str, expected: list[tuple[int, str]]) -> None:
    assert complaints(root, text) == expected


def test_repeated_headings_are_numbered() -> None:
    assert anchors("# Why\n## Why\n") == {"why", "why-1"}


def test_the_command_exits_1_on_a_broken_link(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(root)]) == 0
    (root / "README.md").write_text("[gone](docs/none.md)")
    assert main([str(root)]) == 1
    assert "README.md:1: docs/none.md does not exist" in capsys.readouterr().out
