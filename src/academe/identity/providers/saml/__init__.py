"""SAML 2.0 as a service provider: the web browser SSO profile (Profiles, section 4.1), asked by redirect, answered by
POST.

The checks of signatures (XML Signature) are signxml's; which of them must hold is said here. Nothing is read but what a
signature has been seen to cover, so moving signed parts about in a document (signature wrapping) gains nothing.
"""
