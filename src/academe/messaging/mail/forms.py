"""Forms of mail."""

from uuid import UUID

from pydantic import BaseModel


class AddressForm(BaseModel):
    """An address of an institution that is to be written to again."""

    institution_id: UUID
    address: str
