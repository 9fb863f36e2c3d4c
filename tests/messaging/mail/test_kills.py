"""The short run of `kills.py`: workers are killed while they carry, and every letter arrives once."""

from pathlib import Path

from academe.platform.settings import Settings
from tests.messaging.mail.kills import carry_under_fire


def test_every_letter_arrives_once_though_workers_are_killed(own_settings: Settings, tmp_path: Path) -> None:
    outcome = carry_under_fire(own_settings, tmp_path, letters=400, kills=4)
    assert outcome.is_right, outcome
