"""Tokens: how programs act, with less than the person or service account for whom they do.

Ideas: an `ApiToken` is a random string that stands for a person in `/api/v1`, for a time and for some of what the
person may (`scopes`). A `ServiceAccount` is a program with an entry in the directory: it holds roles like anybody, has
no way to sign in, and gets tokens of an hour for its secret at `/oauth/token` (RFC 6749, section 4.4).

Tables: `api_token`, `service_account`.

Invariants: a token never opens more than its owner may at that moment, no page, and nothing that asks for a recent
sign-in; a request with one is never also a request with a cookie; tokens and secrets are kept as SHA-256 and shown
once; every token ends.
"""
