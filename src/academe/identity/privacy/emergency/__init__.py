"""Break-glass access: in an emergency, staff open one person's record that is outside their scope, for an hour.

A reason is required, auditors are told at once and review every opening, and the person finds it among those who looked
at their record. What is open is read by `opening_reads` policies; table: `emergency_opening`.
"""
