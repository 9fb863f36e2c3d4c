"""Consents (GDPR, article 7): texts in versions, what people decided about each, and what holds now.

A purpose ("photographs") has texts with versions; only the newest is asked for, so that a new version asks everybody
again. A decision is a row of its own and is never changed: the newest about the newest text counts, and silence is no
consent. Other modules ask `has_consented`, or leave people out by `consenting_to`. Tables: `consent_text`,
`consent_decision`.
"""
