"""Rectification (GDPR, article 16): people ask that their record be corrected, and registrars decide.

What is accepted is written at once where the field is one of identity; what others keep is corrected there by hand.
Table: `rectification_request`; what was asked and answered is under the key of the person.
"""
