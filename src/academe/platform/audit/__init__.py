"""The audit: who changed what, and who looked at the record of another person.

Tables: `audit_entry`, append-only and chained by hashes that the database computes, and `audit_chain_head`. An entry
is part of the transaction it speaks of. Summaries name things by number, never people by name.
"""
