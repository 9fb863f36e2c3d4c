"""The roster: who is in an offering, and every step by which they came and went.

`queries` lists it, `service` changes it, `export` writes it as CSV, `routes` and `pages` are the adapters. Importing a
whole file lies beside it, in `roster_import`.
"""
