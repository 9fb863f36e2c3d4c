"""Retention: how long an institution keeps each class of records, and letting go at night what is over.

The modules declare their classes (`platform.retention`). Without a rule nothing goes; nothing goes of a person under
legal hold; every run leaves an entry with the count of each class. Table: `retention_rule`.
"""
