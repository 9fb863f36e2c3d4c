"""Statements: how they are kept, taken in and found again.

Tables: `xapi_statement` by month of `stored`, with the columns that filters need beside the statement as it was sent;
`xapi_statement_id` for the uniqueness of ids over all months; `xapi_statement_agent` and `xapi_statement_activity` for
what a statement mentions beside its actor and its object; `xapi_reference` and `xapi_alias` for statements about
statements; `xapi_voided`; `xapi_authority`, `xapi_agent` and `xapi_activity` for what many statements share.

Invariants: only the intake writes, one transaction after the other (an advisory lock), each with `stored` times after
all that are committed, so that who has read everything up to a time never misses what comes later; a statement is never
changed but by the erasure of a person.
"""
