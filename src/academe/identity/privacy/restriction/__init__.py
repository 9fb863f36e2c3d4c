"""Restriction of processing (GDPR, article 18): the record is kept and not used until the restriction is lifted.

`person.is_restricted` follows the rows of `processing_restriction`. Restricted people are not scored; policies keep
their activity and scores from everybody but themselves, so that no worklist and no figure counts them; the directory
leaves them out for all but those who keep records, and pages say that they are restricted.
"""
