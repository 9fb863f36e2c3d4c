"""The data of the demo institution, made by `scripts/bundle_demo.py`; who made it and its licence: ATTRIBUTION.txt."""

from pathlib import Path
from typing import Final

OULAD_AAA: Final = Path(__file__).with_name("oulad_aaa.zip")
"""Module AAA of the Open University Learning Analytics Dataset, presentations 2013J and 2014J."""
