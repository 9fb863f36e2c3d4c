"""Announcements: what somebody tells an audience, at once or at a time, and how many have read it."""
