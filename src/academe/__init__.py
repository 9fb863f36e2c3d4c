"""Academe: the open student-success platform on one PostgreSQL database."""
