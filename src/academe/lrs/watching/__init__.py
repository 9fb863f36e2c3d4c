"""Watching the store: how much arrives and from whom, and reading what was stated, for people.

Two kinds of people look: those who run the service see figures, those who administer or do research see statements.
"""
