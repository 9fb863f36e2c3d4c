"""Who teaches an offering: appointed for a time by registrars, its tutors by its convenors too, and ended again."""
