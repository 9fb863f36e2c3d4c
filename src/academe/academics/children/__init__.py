"""What guardians see of the students they look after: offerings, attendance and results, as far as they may."""
