"""Signing in by a provider: the institution's own sign-in elsewhere, by OpenID Connect or SAML 2.0.

Ideas: an `IdentityProvider` belongs to one institution, whose administrators configure it. Whoever comes back from it
is known by a `SignInIdentity`: what the provider calls them, and which person that is. A `ProviderSignIn` is a browser
on its way there and back, bound by a cookie. `linking` decides who somebody is; `oidc` and `saml` speak
the protocols and decide nothing; what a provider has said once (`SeenToken`) it cannot be made to say again.

Tables: `identity_provider`, `sign_in_identity`, `provider_sign_in`, `seen_token`.

Invariants: an identity names one person for good, and a person has one at each provider; nobody is linked without their
own session or an address that the provider has verified, and administrators never by an address; a provider can open
accounts of its own institution alone; nothing is fetched from where only this machine reaches, and what is not signed
is not read.
"""
