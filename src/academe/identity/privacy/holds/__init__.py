"""Legal holds: while one is in force, nothing of a person is erased, merged or dropped by a rule of retention."""
