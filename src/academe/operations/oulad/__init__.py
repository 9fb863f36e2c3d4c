"""Import of the Open University Learning Analytics Dataset.

Source: Kuzilek, Hlosta, Zdrahal (2017), "Open University Learning Analytics dataset", Scientific Data 4:170171,
doi 10.1038/sdata.2017.171, licence CC BY 4.0.

`files` opens a zip or folder, `layout` says what the seven files must look like, `checking` finds what is wrong with a
row, `reading` with the tables together, `clicks` reads the long log, `mapping` turns offsets and codes into the
canonical vocabulary, `importer` does it all in steps.
"""
