"""Intake: many rows of one kind at once, as imports bring them, named by the keys that people use.

Every verb takes a frame whose columns it documents, stages it and writes with one statement: rows that are new are
added, rows that say something else than the source are changed, all others stay untouched, `updated_at` included. The
source wins over what stands, except for words that an institution chooses for itself (titles of units and terms, the
place in the organisation). A row that names a unit, term or student that does not exist ends the whole load.
"""
