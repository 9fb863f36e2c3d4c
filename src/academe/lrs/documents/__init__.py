"""Documents: what activities and agents remember in the store besides statements (xAPI 1.0.3 part three, 2.2 to 2.7;
2.0, 4.1.6.2, 4.1.6.5 and 4.1.6.6).

Table: `xapi_document`, a row for each state, activity profile and agent profile, with its bytes as they were sent.

Invariants: the key of a row is made from everything that names the document, so there is one row for each; whether a
write may happen is decided in its own transaction, on the locked row, so that no update is lost; the ETag is always the
SHA-1 of the bytes. Reads go to the primary database: a learner who comes back finds the state just left.

Writes of senders are machine traffic, some for each page of a course, and leave no audit entry; the erasure of what is
kept about an agent, which somebody of the institution asks for, leaves one.
"""
