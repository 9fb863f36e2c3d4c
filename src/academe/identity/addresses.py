"""E-mail addresses and phone numbers as people type them."""

import re
from typing import Final

from academe.platform.errors import FieldError, InvalidInputError

_LONGEST_ADDRESS: Final = 254
_PHONE: Final = re.compile(r"\+?[0-9(][0-9() ./-]{2,38}")


def checked_address(email: str, *, field: str = "email") -> str:
    """The address without blanks around it; whether mail arrives there is for the first message to show."""
    address = email.strip()
    name, _, domain = address.rpartition("@")
    if not name or not domain or len(address) > _LONGEST_ADDRESS or any(one.isspace() for one in address):
        raise InvalidInputError(errors=[FieldError(field, "Please give an e-mail address.")])
    return address


def checked_phone(phone: str, *, field: str = "phone") -> str:
    """The number with single blanks; any way of writing it is taken, letters are not."""
    number = " ".join(phone.split())
    if not _PHONE.fullmatch(number):
        raise InvalidInputError(errors=[FieldError(field, "Please give a phone number, such as +44 20 7946 0000.")])
    return number
