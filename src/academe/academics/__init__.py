"""Academics: the registrar's records.

Ideas: a `Unit` of the catalogue is taught as an `Offering` in a `Term`; a `StudentRecord` is the student side of a
person; an `Enrollment` joins the two and keeps its status history; `Meeting` and `Attendance` say who came,
`Assessment` and `Result` who achieved what. Protected attributes of students lie in a table of their own that neither
rosters nor risk features ever read.

Tables: `program`, `unit`, `term`, `offering`, `offering_staff`, `offering_resource`, `student_record`,
`student_protected_attributes`, `enrollment`, `enrollment_status_change`, `roster_upload`, `meeting`, `attendance`,
`assessment`, `result`.

Invariants: a student is in an offering once; the present status of an enrolment is its newest status change; a score
lies between 0 and the assessment's maximum; records of people are never deleted by a cascade.
"""
