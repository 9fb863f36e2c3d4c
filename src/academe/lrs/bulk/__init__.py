"""Statements in files: newline-delimited JSON, one statement to a line, plain or compressed by gzip or zstd.

An import takes what another store has exported. It goes through the same intake as requests, so a statement that is
there already is not stored again, and an import that was killed is begun again by the same command: a checkpoint in the
data folder says where. An export is in the order in which statements were stored, and is gone on with where it ended.
Neither carries the contents of attachments, for which such files have no place.
"""
