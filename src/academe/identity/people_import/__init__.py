"""Importing people: a CSV file is kept, checked, shown as what it would add, applied as a job, and undone as one batch.

`files` reads a file into lines and faults by line and column; `plan` compares the lines with who is known; `service`
keeps, confirms, applies and undoes; `tasks` are the jobs; `pages` and `routes` the adapters. Lines with faults are left
out when the administrator says so, and can be taken home to be corrected. Who is known already stays as they are.

Undoing removes the people whom nothing refers to yet, and says of the others what does: the database looks at every
foreign key (`undo_people_import`), so that a table which is new is not forgotten.

Tables: `people_import`, `people_import_person`.
"""
