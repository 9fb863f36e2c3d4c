"""The demo institution: one module of the Open University data, scored week by week, with an account for every role.

Ideas: the records are those of real, anonymised students, so nothing about them is made up: no names, no attendance.
What the demo adds is its own and says so: staff named after their role, and meetings at which nobody's attendance has
been taken yet. Every step may be repeated and is whole or not done, so a start that was broken off goes on.

Passwords are made for each installation. They are kept in clear only in a file of the data folder that its owner alone
may read, so that every start can print them; the database has their hashes as everybody's.
"""
