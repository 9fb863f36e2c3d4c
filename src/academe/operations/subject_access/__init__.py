"""Subject access (GDPR, articles 15 and 20; FERPA, 34 CFR 99.10): a copy of everything that is kept about a person.

Ideas: what belongs to a person is found by walking the schema (`walking`): a new table with a foreign key to people is
in the copy without anybody thinking of it, and one that refers to people in another way fails a test until it is
registered. A job packs the copy (`packing`): JSON, CSV, and pages to read.

Table: `subject_export`, copies that are ready, encrypted under the key of their person; they go after a week.
"""
