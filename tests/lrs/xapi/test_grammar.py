"""The written forms of single values."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from academe.lrs.xapi import grammar
from academe.lrs.xapi.versions import Version, version_of

FORMS: list[tuple[Callable[[str], bool], list[str], list[str]]] = [
    (
        grammar.is_iri,
        [
            "http://example.com",
            "https://example.com/a%20b?x=1#y",
            "urn:uuid:6d969975-8d7e-4506-ac19-877c57f2921a",
            "tag:example.com,2026:x",
            "https://example.com/übung/日本",
            "http://example.com/path/../x",
            "x:y",
        ],
        [
            "",
            "example.com",
            "/path",
            "http:",
            ":x",
            "1x:y",
            "ab=c://example.com",
            "http://example.com/a b",
            "http://example.com/%zz",
            "http://example.com/%2",
            "http://example.com/<x>",
            'http://example.com/"',
            "http://example.com/\n",
            "http://example.com/|",
            "http://example.com/\ud800",
        ],
    ),
    (
        grammar.is_mailto,
        ["mailto:ada@example.com", "mailto:a.b+c@sub.example.com", "mailto:jürgen@bücher.example"],
        ["ada@example.com", "mailto:ada", "mailto:@example.com", "mailto:a@", "mailto:a@b@c", "mailto:a@b?subject=x"],
    ),
    (grammar.is_sha1, ["cd9b00a5611f94eaa7b1661edab976068e364975", "A" * 40], ["", "g" * 40, "a" * 39, "a" * 41]),
    (grammar.is_sha2, ["0" * 56, "a" * 64, "F" * 96, "0" * 128], ["", "0" * 40, "0" * 63, "g" * 64]),
    (
        grammar.is_uuid,
        ["6d969975-8d7e-4506-ac19-877c57f2921a", "6D969975-8D7E-7506-AC19-877C57F2921A"],
        ["", "6d9699758d7e4506ac19877c57f2921a", "{6d969975-8d7e-4506-ac19-877c57f2921a}", "6d969975-8d7e-4506-ac19-x"],
    ),
    (
        grammar.is_duration,
        ["P1Y2M3DT4H5M6S", "P4W", "PT0.5S", "P0,5Y", "PT36H", "P1DT12H36M0.12567S", "PT0S", "P1Y"],
        ["", "P", "PT", "P1YT", "1D", "P1.5YT1H", "PT1M1H", "P1W2D", "P-1D", "pt1s", "P0003-06-04T12:30:05", "P١D"],
    ),
    (
        grammar.is_language_tag,
        [
            "en",
            "EN-us",
            "zh-Hant-TW",
            "sl-rozaj-biske-1994",
            "de-CH-1901",
            "es-419",
            "zh-cmn-Hans",
            "en-a-myext-x-private",
            "x-whatever",
            "i-klingon",
            "und",
            "en-GB-oed",
        ],
        ["", "a", "a12345678", "en_US", "en-", "-en", "en--us", "en-x", "en-a", "e1", "123", "en-abcdefghi"],
    ),
    (
        grammar.is_media_type,
        ["text/plain", "text/plain; charset=utf-8", 'a/b;c="d e";f=g', "application/vnd.x+json", "text/plain;"],
        ["", "text", "text/", "/plain", "text/plain charset", "te xt/plain", 'a/b;c="d'],
    ),
]


@pytest.mark.parametrize(
    ("form", "text"), [pytest.param(form, text, id=text) for form, good, _ in FORMS for text in good]
)
def test_the_form_is_kept(form: Callable[[str], bool], text: str) -> None:
    assert form(text)


@pytest.mark.parametrize(
    ("form", "text"), [pytest.param(form, text, id=repr(text)) for form, _, bad in FORMS for text in bad]
)
def test_the_form_is_broken(form: Callable[[str], bool], text: str) -> None:
    assert not form(text)


@pytest.mark.parametrize("form", [row[0] for row in FORMS])
@pytest.mark.parametrize(
    "hostile", ["a" * 50_000, "a/b" + "; " * 20_000 + "!", "x:" + "%20" * 20_000 + "%", "a-" * 20_000]
)
def test_no_text_is_hostile_to_a_form(form: Callable[[str], bool], hostile: str) -> None:
    began = time.process_time()
    form(hostile)
    assert time.process_time() - began < 0.5


def test_long_texts_are_judged_like_short_ones() -> None:
    assert grammar.is_iri("https://example.com/" + "x" * 10_000)
    assert not grammar.is_iri("https://example.com/" + "x" * 10_000 + " ")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT12M30.5S", 750.5),
        ("P1DT1H", 90_000),
        ("P2W", 1_209_600),
        ("P1Y1M", 365 * 86_400 + 30 * 86_400),
        ("PT0,25H", 900),
        ("P101Y", None),
        (f"P{'9' * 400}D", None),
        ("12 minutes", None),
    ],
)
def test_durations_become_seconds(text: str, seconds: float | None) -> None:
    assert grammar.duration_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T10:00:00Z", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        ("2026-11-21t10:00:00.123456789z", datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-21T10:00:00.5-05:30", datetime(2026, 11, 21, 15, 30, 0, 500000, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2026-02-29T10:00:00Z", None),
        ("2026-11-21T24:00:00Z", None),
        ("2026-11-21T10:60:00Z", None),
        ("2026-11-21T10:00:00+24:00", None),
        ("2026-11-21T10:00:00+01:60", None),
        ("2026-11-21T10:00:61Z", None),
        ("0000-11-21T10:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:60Z", None),
        ("2026-11-21 10:00:00Z", None),
        ("2026-11-21T10:00Z", None),
        ("2026-11-21T10:00:00-00:00", None),
        ("2026-11-21T10:00:00." + "1" * 100 + "Z", None),
        ("٢٠٢٦-11-21T10:00:00Z", None),
    ],
)
@pytest.mark.parametrize("version", list(Version))
def test_timestamps_become_times_in_utc(text: str, expected: datetime | None, version: Version) -> None:
    assert grammar.parsed_timestamp(text, version) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T10:00:00", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        ("2026-11-21T10:00:00,5+01", datetime(2026, 11, 21, 9, 0, 0, 500000, tzinfo=UTC)),
        ("2026-11-21T10:00:00+0130", datetime(2026, 11, 21, 8, 30, tzinfo=UTC)),
        ("20261121T100000.25Z", datetime(2026, 11, 21, 10, 0, 0, 250000, tzinfo=UTC)),
        ("20161231T235960Z", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)
def test_version_one_takes_more_forms_of_iso_8601(text: str, expected: datetime) -> None:
    assert grammar.parsed_timestamp(text, Version.ONE) == expected
    assert grammar.parsed_timestamp(text, Version.TWO) is None


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_time_survives_being_written(moment: datetime) -> None:
    text = grammar.timestamp_text(moment)
    assert text.endswith("Z")
    assert grammar.parsed_timestamp(text, Version.TWO) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.0", Version.ONE),
        ("1.0.0", Version.ONE),
        ("1.0.3", Version.ONE),
        ("1.0.32", Version.ONE),
        ("2.0.0", Version.TWO),
        ("2.0.1-beta.1", Version.TWO),
        ("2.0", Version.TWO),
        ("2", None),
        ("1.1.0", None),
        ("0.95", None),
        ("2.1.0", None),
        ("1.0.", None),
        ("1.0.03", None),
        ("", None),
        ("xAPI", None),
    ],
)
def test_versions_are_known_or_not(text: str, expected: Version | None) -> None:
    assert version_of(text) is expected
