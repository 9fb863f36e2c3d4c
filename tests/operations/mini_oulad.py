"""A made-up data set of the form of the Open University's, small enough to check by hand, with all that is odd there.

Nothing in it is copied: numbers and people are invented. AAA 2013J has students 101 to 105, of whom 102 withdrew on day
5, 103 withdrew nobody knows when, 104 was unregistered but failed, 105 has no day of registration; 101 went on to CCC
2014J, 106 took AAA 2014B.
"""

import csv
import zipfile
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Literal

Rows = list[list[object]]

HEADERS = {
    "courses.csv": "code_module,code_presentation,module_presentation_length",
    "assessments.csv": "code_module,code_presentation,id_assessment,assessment_type,date,weight",
    "vle.csv": "id_site,code_module,code_presentation,activity_type,week_from,week_to",
    "studentInfo.csv": "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,"
    "num_of_prev_attempts,studied_credits,disability,final_result",
    "studentRegistration.csv": "code_module,code_presentation,id_student,date_registration,date_unregistration",
    "studentAssessment.csv": "id_assessment,id_student,date_submitted,is_banked,score",
    "studentVle.csv": "code_module,code_presentation,id_student,id_site,date,sum_click",
}

CLICKS = 4 + 4 + 1 + 5 + 2 + 7 + 9 + 1 + 3
DAYS_OF_ACTIVITY = 6


def _rows() -> dict[str, Rows]:
    wales, level = "Wales", "A Level or Equivalent"
    return {
        "courses.csv": [["AAA", "2013J", 20], ["AAA", "2014B", 18], ["CCC", "2014J", 15]],
        "assessments.csv": [
            ["AAA", "2013J", 11, "TMA", 5, 50],
            ["AAA", "2013J", 10, "TMA", 12, "37.5"],
            ["AAA", "2013J", 12, "CMA", 8, "12.5"],
            ["AAA", "2013J", 13, "Exam", "", 100],
            ["CCC", "2014J", 14, "TMA", 4, 100],
        ],
        "vle.csv": [
            [9002, "AAA", "2013J", "oucontent", 1, 2],
            [9001, "AAA", "2013J", "resource", "", ""],
            [9004, "AAA", "2014B", "forumng", "", ""],
            [9003, "CCC", "2014J", "homepage", "", ""],
        ],
        "studentInfo.csv": [
            ["AAA", "2013J", 101, "F", wales, level, "10-20", "0-35", 0, 60, "N", "Pass"],
            ["AAA", "2013J", 102, "M", wales, level, "90-100%", "55<=", 1, 120, "Y", "Withdrawn"],
            ["AAA", "2013J", 103, "M", "Scotland", level, "0-10%", "0-35", 0, 60, "N", "Withdrawn"],
            ["AAA", "2013J", 104, "F", "Scotland", level, "30-40%", "0-35", 2, 60, "N", "Fail"],
            ["AAA", "2013J", 105, "F", "Ireland", "No Formal quals", "", "35-55", 0, 60, "N", "Fail"],
            ["AAA", "2014B", 106, "M", wales, level, "50-60%", "0-35", 0, 60, "N", "Distinction"],
            ["CCC", "2014J", 101, "F", "Ireland", level, "", "35-55", 0, 30, "N", "Pass"],
        ],
        "studentRegistration.csv": [
            ["AAA", "2013J", 101, -30, ""],
            ["AAA", "2013J", 102, -20, 5],
            ["AAA", "2013J", 103, -20, ""],
            ["AAA", "2013J", 104, -10, 0],
            ["AAA", "2013J", 105, "", ""],
            ["AAA", "2014B", 106, -5, ""],
            ["CCC", "2014J", 101, -15, ""],
        ],
        "studentAssessment.csv": [
            [11, 101, 4, 0, 78],
            [11, 102, 5, 0, ""],
            [12, 105, -1, 1, 60],
            [14, 101, 3, 0, 100],
        ],
        "studentVle.csv": [
            ["AAA", "2013J", 101, 9001, -3, 4],
            ["AAA", "2013J", 101, 9001, -3, 4],
            ["AAA", "2013J", 101, 9001, -3, 1],
            ["AAA", "2013J", 101, 9002, -3, 2],
            ["AAA", "2013J", 102, 9001, 2, 7],
            ["AAA", "2013J", 101, 9001, 20, 9],
            ["CCC", "2014J", 101, 9003, 15, 1],
            ["AAA", "2014B", 106, 9004, 18, 3],
            # The log comes back to a day that it has left.
            ["AAA", "2013J", 101, 9001, -3, 5],
        ],
    }


@dataclass
class MiniOulad:
    """The files of one copy; tests change `rows` and `headers`, or `text` of a written file."""

    rows: dict[str, Rows] = field(default_factory=_rows)
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))

    def text(self, name: str, *, quoted: bool = False) -> str:
        text = StringIO()
        style: Literal[0, 1] = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
        writer = csv.writer(text, lineterminator="\n", quoting=style)
        writer.writerow(self.headers[name].split(","))
        writer.writerows(self.rows[name])
        return text.getvalue()

    def folder(self, path: Path, *, quoted: bool = False) -> Path:
        """Write the files into a new folder."""
        path.mkdir()
        for name in self.rows:
            (path / name).write_text(self.text(name, quoted=quoted))
        return path

    def archive(self, path: Path, *, inside: str = "", quoted: bool = False) -> Path:
        """Write the files into a zip, perhaps in a folder of it."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in self.rows:
                archive.writestr(f"{inside}{name}", self.text(name, quoted=quoted))
        return path
