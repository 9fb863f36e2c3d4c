"""Notifications: what each person was told, whether they have read it, and what they want to be told."""
