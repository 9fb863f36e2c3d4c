"""Administrators act as somebody else for an hour at most, to see what that person sees; never as an administrator.

The browser's session says as whom (`account_session.masquerades_as`). Every page has a banner, every audit entry names
both, and nothing about how the person signs in can be changed meanwhile.
"""
