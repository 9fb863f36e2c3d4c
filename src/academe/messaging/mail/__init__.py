"""Mail: letters written in the transaction of the fact, carried afterwards, never lost and never sent twice.

A letter is claimed, offered to the server up to the final dot, recorded as being handed over, and only then handed
over. Whether a letter left whose handing over was cut short is never guessed: the copy in our own mailbox tells, or a
person does (docs/decisions/delivery.md).
"""
