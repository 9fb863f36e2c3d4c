"""Field encryption: text that the database never sees, and the rotation of the keys.

Tables: `encryption_key`, the data keys, and `person_key`, one for each person, both wrapped by master keys from the
settings; `destroyed_person_key` says whose was destroyed (docs/decisions/erasure-by-key.md). Declare a sensitive column
as `mapped_column(EncryptedText())`, or as `PersonText(owner="person_id")` when it is about a person; it is read and
written like any other text, by sessions of a `Database`.
"""

from academe.platform.database.keyring import DecryptionError
from academe.platform.encryption.columns import EncryptedText, PersonText

__all__ = ["DecryptionError", "EncryptedText", "PersonText"]
