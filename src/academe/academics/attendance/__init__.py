"""Attendance: meetings of an offering, and who came to each of them.

`service` saves the marks of a whole class in one statement; `queries` shows the class with what is saved.
"""
