"""Passkeys: keys in a device or a password manager that sign a person in without a password (WebAuthn Level 3).

Ideas: the browser proves with a `Passkey` that it answers our `PasskeyChallenge`; the device has checked who uses it
(fingerprint, face, PIN), so a passkey alone is as good as password and code. Whoever has one is asked for it, or for
a code, after the password too.

Tables: `passkey`, `passkey_challenge`.

Invariants: a challenge is answered once, within five minutes, by the browser that asked; the device has always verified
its user; a counter that runs backwards is refused, because then two devices have one key.
"""
