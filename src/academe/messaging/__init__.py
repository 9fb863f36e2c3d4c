"""Messaging: whoever something concerns is told, in the bell, and by the channels they chose.

Ideas: a `Notification` is one sentence to one person with a link to the thing; it is written by Academe itself, in the
transaction in which a fact is received, never by a person into somebody else's bell. Preferences say for each kind
where it is told. The bell in every page is live (server-sent events over LISTEN/NOTIFY). A letter is written by the
same statement and carried afterwards, step by recorded step, so that it is neither lost nor sent twice. Whom an
announcement can address is registered by the modules above; `notices` tells of the facts of identity, which lies below.

Tables: `notification`, `notification_preference`, `notification_schedule`; `mail_message`, `undeliverable_address`,
`caught_mail`; `announcement`; `webhook_endpoint`, `webhook_delivery`.

Invariants: a person reads only what was written to them; the same thing is told once (unique by person and
deduplication key); a link stays within Academe.
"""
