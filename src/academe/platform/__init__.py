"""Platform: what every module stands on and which knows nothing of education.

Ideas: one engine per process and one transaction per request or job, owned by the edge (`database`); an `Actor` in
every verb (`actor`); an audit entry with every write (`audit`); facts that leave in the transaction that made them
(`outbox`); work that outlives a request (`jobs`); encrypted fields (`encryption`); files; metrics; the HTTP edge
(`http`) and the page kit (`pages`).

Tables: `audit_entry`, `audit_chain_head`, `outbox_message`, `outbox_receipt`, `job`, `encryption_key`, `setting_value`
and those of the job library (`procrastinate_*`).

Invariants: nothing below the edge commits; the audit chain only grows; a fact is delivered at least once.
"""
