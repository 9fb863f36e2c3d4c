"""HTML forms of identity."""

from pydantic import BaseModel, Field, SecretStr


class SignInForm(BaseModel):
    """What somebody types to sign in; what is wrong with it is not told in detail."""

    email: str = Field(max_length=254)
    password: SecretStr


class PasswordForm(BaseModel):
    """A new password, with the present one to show that it is still the same person."""

    present_password: SecretStr
    new_password: SecretStr
    repeated_password: SecretStr


class LinkForm(BaseModel):
    """The address to which a link to sign in is sent."""

    email: str = Field(max_length=254)


class NewPasswordForm(BaseModel):
    """A new password for whoever came with a link."""

    new_password: SecretStr
    repeated_password: SecretStr
