"""Field encryption: text that the database never sees, and the rotation of the keys.

Table: `encryption_key`, the data keys, wrapped by master keys from the settings. Declare a sensitive column as
`mapped_column(EncryptedText())`; it is read and written like any other text, by sessions of a `Database`.
"""

from academe.platform.database.keyring import DecryptionError
from academe.platform.encryption.columns import EncryptedText

__all__ = ["DecryptionError", "EncryptedText"]
