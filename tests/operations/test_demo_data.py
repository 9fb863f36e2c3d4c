"""The bundled module is whole, small, says who made it, and arrives as it is in the data set."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from academe.operations.api import OPEN_UNIVERSITY, OULAD_AAA, import_oulad
from academe.platform.actor import Actor
from academe.platform.database.session import Database
from scripts.bundle_demo import ATTRIBUTION, LARGEST_BYTES, bundle
from tests.operations.mini_oulad import MiniOulad
from tests.operations.state import counts

pytestmark = pytest.mark.anyio


class TestBundle:
    def test_it_is_small_and_says_who_made_it(self) -> None:
        assert OULAD_AAA.stat().st_size <= LARGEST_BYTES
        with zipfile.ZipFile(OULAD_AAA) as archive:
            assert archive.read("ATTRIBUTION.txt").decode() == ATTRIBUTION
        assert OULAD_AAA.with_name("ATTRIBUTION.txt").read_text() == ATTRIBUTION
        assert "CC BY 4.0" in ATTRIBUTION
        assert "10.1038/sdata.2017.171" in ATTRIBUTION

    async def test_it_arrives_whole(self, own_database: Database, importer: Actor) -> None:
        placement = replace(OPEN_UNIVERSITY, code="DEMO", name="Demo")
        summary = await import_oulad(own_database, actor=importer, source=OULAD_AAA, placement=placement)
        assert summary.clicks == 1_246_652
        found = await counts(own_database)
        assert {table: found[table] for table in ("offering", "person", "enrollment", "result", "activity_day")} == {
            "offering": 2,
            "person": 712,
            "enrollment": 748,
            "result": 3149,
            "activity_day": 280_990,
        }


class TestScript:
    def test_it_keeps_one_module_and_makes_the_same_bytes_again(self, mini: MiniOulad, tmp_path: Path) -> None:
        source = mini.archive(tmp_path / "mini.zip")
        first, second = tmp_path / "first.zip", tmp_path / "second.zip"
        bundle(source, first)
        bundle(source, second)
        assert first.read_bytes() == second.read_bytes()
        with zipfile.ZipFile(first) as archive:
            assert b"CCC" not in archive.read("studentVle.csv")
            assert archive.read("studentAssessment.csv").splitlines()[1:] == [
                b"11,101,4,0,78",
                b"11,102,5,0,",
                b"12,105,-1,1,60",
            ]
