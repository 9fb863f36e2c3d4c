"""Erasure of a person: everything that says who they were goes, in every module; what can be counted stays.

Ideas: one transaction, in which each module forgets its part, and the key of the person is destroyed, so that no backup
brings them back (docs/decisions/erasure-by-key.md). A restore does the same again for everybody whose key is destroyed.

Table: `erasure`, what was done, without a name. Invariant: nobody under legal hold is erased.
"""
