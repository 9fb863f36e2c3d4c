"""Merging two people who are one: the same human being was made known twice.

Everything that refers to the one refers to the survivor from then on: the database finds every foreign key to a person
(`merge_people`), whatever table it is in. What a person has once (preferences, a picture, an account, a role at the
same time) stays with the merged person where the survivor has it too; of a table that is not listed as such, two rows
are refused by name. Particulars, which are encrypted for their person, are merged field by field. The merged person
stays as a deactivated row and leads to the survivor. The preview is the merge itself, rolled back.
"""
