"""Importing a roster: a CSV file is kept, checked, shown as what it would change, and then applied as a job.

`files` reads a file into lines or into faults by line and column; `plan` compares the lines with the roster; `service`
keeps, confirms and applies; `tasks` is the job; `pages` and `routes` are the adapters. Nothing changes before the
confirmation, and everything or nothing after it. A file is kept for a day at most.

Tables: `roster_upload`.
"""
