"""Every table of the product, for the administrators of an institution: list, search, sort, filter, one row; edit some.

Made from the models, so that a new table is there without a line of code. Rows are those of the administrator's
institution and no other: row-level security sees to it on tables about people, and elsewhere a foreign key leads from
the row to its institution. Tables of the machine, which lead to none, are named and not shown. Secrets are never read.

What merely describes may be edited, one row or several (`lawful` says which tables, and why not the others): the
values are checked by the types of the model, the rules by the database, which is asked as the administrator; the audit
keeps what was and what is. Why no library: docs/decisions/admin-tables.md.
"""
