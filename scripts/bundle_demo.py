"""Make the data of the demo institution: both presentations of module AAA of the Open University's data set (OULAD).

Writes the seven files, filtered, and ATTRIBUTION.txt into one zip, and ATTRIBUTION.txt beside it. The same data set
gives the same bytes (with the same zlib): members carry no time, rows keep their order.

Usage: python -m scripts.bundle_demo OULAD.zip [TARGET.zip]
"""

import csv
import sys
import zipfile
from collections.abc import Callable, Iterator
from io import StringIO, TextIOWrapper
from pathlib import Path

MODULE = "AAA"
TARGET = Path(__file__).parent.parent / "src" / "academe" / "operations" / "demo_data" / "oulad_aaa.zip"
LARGEST_BYTES = 6 * 2**20

ATTRIBUTION = """\
oulad_aaa.zip holds a part of the Open University Learning Analytics Dataset (OULAD):

  Kuzilek J., Hlosta M., Zdrahal Z. (2017): Open University Learning Analytics dataset.
  Scientific Data 4:170171. https://doi.org/10.1038/sdata.2017.171

The dataset is licensed under the Creative Commons Attribution 4.0 International licence (CC BY 4.0):
https://creativecommons.org/licenses/by/4.0/

Changes: only the rows of module AAA, presentations 2013J and 2014J, are kept, in all seven files; fields are unquoted.
The students are not named in the dataset; their numbers are its own.
"""

FILES_OF_MODULE = (
    "courses.csv",
    "assessments.csv",
    "vle.csv",
    "studentInfo.csv",
    "studentRegistration.csv",
    "studentVle.csv",
)
RESULTS = "studentAssessment.csv"


def rows_of(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, str]]:
    """The rows of a file, wherever it lies in the archive."""
    member = next(path for path in archive.namelist() if path.rpartition("/")[2] == name)
    with archive.open(member) as file:
        yield from csv.DictReader(TextIOWrapper(file, encoding="utf-8-sig", newline=""))


def filtered(archive: zipfile.ZipFile, name: str, keep: Callable[[dict[str, str]], bool]) -> str:
    """The header of a file and the rows that are kept."""
    text = StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows_of(archive, name):
        if writer is None:
            writer = csv.DictWriter(text, fieldnames=list(row), lineterminator="\n")
            writer.writeheader()
        if keep(row):
            writer.writerow(row)
    return text.getvalue()


def bundle(source: Path, target: Path) -> int:
    """Write the bundle; returns its size in bytes."""
    with zipfile.ZipFile(source) as archive:
        texts = {name: filtered(archive, name, lambda row: row["code_module"] == MODULE) for name in FILES_OF_MODULE}
        assessments = {row["id_assessment"] for row in csv.DictReader(StringIO(texts["assessments.csv"]))}
        texts[RESULTS] = filtered(archive, RESULTS, lambda row: row["id_assessment"] in assessments)
    texts["ATTRIBUTION.txt"] = ATTRIBUTION
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as made:
        for name, text in texts.items():
            member = zipfile.ZipInfo(name)  # dated 1980-01-01, the first day of the format
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            made.writestr(member, text, compresslevel=9)
    target.with_name("ATTRIBUTION.txt").write_text(ATTRIBUTION)
    return target.stat().st_size


def main(arguments: list[str]) -> int:
    """Bundle the data set named on the command line; 1 when the result is too large to ship."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    target = Path(arguments[1]) if len(arguments) > 1 else TARGET
    size = bundle(Path(arguments[0]), target)
    print(f"{target}: {size / 2**20:.2f} MiB")
    return 0 if size <= LARGEST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
