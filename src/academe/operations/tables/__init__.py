"""Every table of the product, as the administrators of an institution may read it: list, search, sort, one row.

Made from the models, so that a new table is there without a line of code. Rows are those of the administrator's
institution and no other: row-level security sees to it on tables about people, and elsewhere a foreign key leads from
the row to its institution. Tables of the machine, which lead to none, are named and not shown. Secrets are never read.
Nothing is changed here: every change has its verb, its rules and its page.
"""
