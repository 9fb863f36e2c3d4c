"""Backups: all rows and files of an installation, without the keys of people, and their way back.

Ideas: a backup is a folder with a dump (`database.dump`), the rows whose private columns are encrypted under the key of
their person (`sealing`), the files, and a manifest. The keys go into a file of their own, of which only the newest is
kept; a restore needs it, and whoever was erased meanwhile stays erased (docs/decisions/erasure-by-key.md).

Invariants: a restore fills an empty database or changes nothing; it refuses keys that are older than the backup.
"""
