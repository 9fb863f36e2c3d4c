"""The catalogue of features, the page that is made from it, and what no feature may be about."""

from pathlib import Path
from typing import Final

import pytest

from academe.academics.models import StudentProtectedAttributes
from academe.insight.features.catalog import FEATURE_NAMES, FEATURES, THEME_LABELS, THEME_OF, Feature, Theme
from academe.insight.types import BAND_FLOORS, RiskBand, band_of

DOMAIN: Final = Path(__file__).parents[2] / "docs" / "domain"
TABLE_BEGINS: Final = "| feature | what it says |\n|---|---|\n"


def as_page(features: tuple[Feature, ...]) -> str:
    """The tables of `docs/domain/features.md`: when the test fails, it shows what has to be there."""
    parts = []
    for theme in Theme:
        rows = "".join(f"| `{each.name}` | {each.meaning} |\n" for each in features if each.theme is theme)
        parts.append(f"## {THEME_LABELS[theme]}\n\n{TABLE_BEGINS}{rows}")
    return "\n".join(parts)


def test_the_page_says_what_the_catalogue_says() -> None:
    page = (DOMAIN / "features.md").read_text()
    assert page[page.index("## ") :] == as_page(FEATURES)


def test_names_are_unique_and_every_one_has_a_meaning() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURES)
    assert all(feature.meaning for feature in FEATURES)
    assert set(THEME_OF.values()) == set(Theme) == set(THEME_LABELS)


def test_no_feature_is_about_a_protected_attribute() -> None:
    columns = set(StudentProtectedAttributes.__table__.columns.keys()) - {"student_id", "created_at", "updated_at"}
    words = {word for column in columns for word in column.split("_")} | {"sex", "disability", "imd", "postcode"}
    words.remove("education")  # of special_education_status, which "special" still finds; prior education is a feature
    assert {"gender", "ethnicity", "age", "region", "special"} <= words
    for feature in FEATURES:
        said = set(feature.name.lower().split("_"))
        assert not said & words, feature.name


def test_the_page_of_bands_names_their_bounds() -> None:
    page = (DOMAIN / "risk-bands.md").read_text()
    for (floor, band), ceiling in zip(BAND_FLOORS, (None, *(floor for floor, _ in BAND_FLOORS)), strict=False):
        if ceiling is None:
            bounds = f"{floor:.0%}".replace("%", " %") + " and above"
        elif floor == 0:
            bounds = f"below {ceiling:.0%}".replace("%", " %")
        else:
            bounds = f"{floor:.0%} to below {ceiling:.0%}".replace("%", " %")
        assert f"| {band.value} | {bounds} |" in page


@pytest.mark.parametrize(
    ("probability", "band"),
    [
        (0.0, RiskBand.LOW),
        (0.2499, RiskBand.LOW),
        (0.25, RiskBand.MEDIUM),
        (0.5, RiskBand.HIGH),
        (0.7499, RiskBand.HIGH),
        (0.75, RiskBand.CRITICAL),
        (1.0, RiskBand.CRITICAL),
    ],
)
def test_a_bound_belongs_to_the_band_above(probability: float, band: RiskBand) -> None:
    assert band_of(probability) is band
