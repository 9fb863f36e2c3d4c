"""OpenID Connect as a relying party: Core 1.0, Discovery 1.0, Back-Channel Logout 1.0, RFC 7636 and RFC 9207.

The checks of signatures are joserfc's; which of them must hold is said here.
"""
