"""The audit of an institution, for its auditors and administrators: search, one entry, export, and the check of the
chain.

Invariants: looking at the audit is itself on record; an export carries what each hash was computed from.
"""
