"""Guardians of students: linked by those who keep records, and let see by the student, or by nobody's leave a minor's.

Table: `guardianship`. An adult student consents to parts (offerings, attendance, results) and takes that back at any
time. For a minor, by the date of birth, no consent is needed. That date is encrypted, so the database keeps the answer
(`needs_consent`), which is worked out when the link is made and once a day.
"""
