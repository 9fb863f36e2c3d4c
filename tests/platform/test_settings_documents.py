"""The documents of the settings say what the class says, and nothing else."""

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from academe.platform.settings import Settings

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/settings.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (.+) \|$", re.MULTILINE)


def name_of(field: FieldInfo) -> str:
    assert isinstance(field.validation_alias, AliasChoices)
    return str(field.validation_alias.choices[0])


FIELDS = {name_of(field): field for field in Settings.model_fields.values()}


class TestGuide:
    def test_has_every_setting_and_no_other(self) -> None:
        assert {name for name, _, _ in ROW.findall(GUIDE)} == set(FIELDS)

    def test_says_of_each_what_the_class_says(self) -> None:
        told = {name: description for name, _, description in ROW.findall(GUIDE)}
        assert told == {name: field.description for name, field in FIELDS.items()}

    def test_gives_the_right_defaults(self) -> None:
        told = {name: default.strip("`") for name, default, _ in ROW.findall(GUIDE)}
        plain = {
            name: str(field.default).lower() if isinstance(field.default, bool) else str(field.default) or "empty"
            for name, field in FIELDS.items()
            if isinstance(field.default, int | str)
        }
        assert {name: told[name] for name in plain} == plain

    def test_names_no_setting_that_does_not_exist(self) -> None:
        named = set(re.findall(r"\b(?:ACADEME|DATABASE)_[A-Z_]+\b", GUIDE))
        assert named <= set(FIELDS)


class TestExample:
    def test_has_every_setting_and_no_other(self) -> None:
        assert set(re.findall(r"^# ([A-Z_]+)=", EXAMPLE, re.MULTILINE)) == set(FIELDS)

    def test_is_understood_as_it_stands(self, tmp_path: Path) -> None:
        copy = tmp_path / ".env"
        copy.write_text(re.sub(r"^# ([A-Z_]+=)", r"\1", EXAMPLE, flags=re.MULTILINE), encoding="utf-8")
        read = Settings(_env_file=copy)
        assert read.port == Settings.model_fields["port"].default

    def test_holds_no_secret_that_somebody_might_keep(self) -> None:
        for name, field in FIELDS.items():
            if field.annotation is SecretStr:
                assert re.search(rf"^# {name}=$", EXAMPLE, re.MULTILINE)


class TestProduction:
    def test_starts_with_secrets_and_hosts_of_its_own_alone(self) -> None:
        with pytest.raises(ValidationError, match="ACADEME_SECRET_KEY must be set"):
            Settings(_env_file=None, environment="production")  # type: ignore[arg-type]
