"""Removing attachments that no statement names any more, and files that no attachment needs.

Ideas: statements expire, transactions fail behind files that are stored already, and erasures are killed before they
delete. Every night whatever is left of that goes, a week after it was last put. A file goes only when no row names it,
and a row only when no statement does; both are looked at again under the lock of the writers.
"""
