"""Identity: who everyone is, how they sign in, and what they may see.

Ideas: a `Person` is a human being, once; an `Account` lets a person sign in; a `RoleGrant` is a role held at a node of
the organisation tree (`OrgUnit`) for a time and flows down the tree. The resolver turns a session cookie into an
`Actor` with the scopes in force; policies ask the actor, row-level security asks the database.

Sub-concepts: `sign_in` (accounts, sessions), `second_factor` (authenticator apps, recovery codes), `passkeys`,
`providers` (signing in elsewhere), `tokens` (programs), `people` (the directory and the page about a person), `privacy`
(who looked at a record, and the audit).

Tables: `org_unit`, `person`, `person_particulars`, `account`, `account_session`, `role_grant`;
those of `second_factor` beside them.

Row-level security: the functions `actor_institution_id`, `actor_directory_id`, `actor_institutions` and
`actor_org_units` belong here (docs/decisions/row-level-security.md); the modules above build on them.

Invariants: e-mail is unique without regard to case; a password is stored only as an argon2id hash; every person lies in
exactly one institution and holds roles in no other; no cookie or token is stored in clear.
"""
