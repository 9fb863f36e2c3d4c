"""Who looked at a person's record or changed it: for the person, and for those who audit."""
