"""The database: which server, which role, one transaction per request, and what every table has in common."""
