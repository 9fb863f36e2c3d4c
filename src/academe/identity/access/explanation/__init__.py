"""Why somebody sees what they see: every role, from which grant, given by whom, and what admits them to a person."""
