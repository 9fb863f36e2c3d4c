"""Benchmarks: what is claimed about speed and predictions, measured against a reference in the same run.

Each file holds one benchmark, a function from a `Context` to its measures. They are run by `academe benchmark NAME`
from a checkout and are no part of the installed package.
"""
