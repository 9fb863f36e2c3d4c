"""The second factor: codes of an authenticator app, and recovery codes for whoever has lost it.

Ideas: a `TotpFactor` is a secret shared with an app (RFC 6238); it counts once a first code has proved that the app has
it. With it come ten recovery codes, each good for one sign-in. Whoever has a factor signs in in two steps: the password
makes an `UnfinishedSignIn`, which gives access to nothing, and the code turns it into a session. A `SecondFactorRule`
asks a role for it: holders without a factor get no further than setting one up.

Tables: `totp_factor`, `recovery_code`, `unfinished_sign_in`, `second_factor_rule`.

Invariants: a code is accepted once; a recovery code is shown once and kept as a hash; how somebody signs in is changed
only by themselves, shortly after signing in (administrators may only take a lost factor away); a change ends all other
sessions and is announced, so that its owner hears of it.
"""
