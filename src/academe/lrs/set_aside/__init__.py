"""Statements that were acknowledged and have the ids of others: looked at by people, and dismissed."""
