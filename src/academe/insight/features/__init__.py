"""Features: numbers about an enrolment as of the end of a day, from facts known by that day alone.

`features.sql` computes them for whole offerings in one statement, `catalog` says what each means and `reading` fetches
them.
"""
