"""The directory opt-out (FERPA, 34 CFR 99.37): students say that they are not to be found in the directory.

`person.is_unlisted` says so. Those who keep or audit records still find them; who teaches them has a legitimate
educational interest (34 CFR 99.31 (a)(1)) and sees them on the roster.
"""
