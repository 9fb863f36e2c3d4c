"""Privacy of whom statements are about: the erasure of an agent, and how long statements are kept.

Tables: `xapi_retention_rule`, the months that each kind of statement is kept.

Invariants: after an erasure no table of statements, documents or agents holds the identifier or its key; every
statement is still there, with a pseudonym in the place of the agent, and so are its id, its time and its references;
the audit says how many statements there were and what they were, in hashes from which nobody without the
installation's key learns the identifier.

What is not searched: texts in which somebody wrote a name, attachments other than signatures, and whatever left this
installation. A statement about the same agent that comes later is kept like any other.
"""
