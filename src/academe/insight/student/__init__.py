"""One student in one offering, as of a day: what is known, what follows from it, and how sure that is.

`access` finds the student for whoever asks, `records` reads what was known on the day, `class_figures` what the class
did, `picture` puts both into charts and sentences; `pages` shows the same picture to staff and to the student.
"""
