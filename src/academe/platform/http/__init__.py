"""The HTTP edge: who calls, one transaction per request, errors, limits, and what is measured.

Everything the web framework needs to know stands here; modules write routes and pages as thin adapters and
import `dependencies`, `routing` and `pagination` from this package. Invariants: the commit happens before the
response is sent; every error carries the request's id; no log line holds a name, an address or a query
string.
"""
