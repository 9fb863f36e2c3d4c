"""Signing in: passwords, sessions, and how a cookie becomes an actor.

Ideas: `sign_in` checks a password outside any transaction, because that takes a twentieth of a second on purpose, and
then opens an `AccountSession`, whose token only the browser has. `resolver` turns that token into an `Actor` and keeps
the answer for a few seconds.

Invariants: an unknown address takes as long as a wrong password and reads the same; failed attempts hold up only the
network they come from, so nobody can lock somebody else out; every change of a password ends all other sessions.
"""
