"""How input is refused: by pointing at the property and saying what is expected there."""

from typing import Final

from academe.platform.errors import BadRequestError, FieldError

# A key may be a megabyte long; who sent it recognises it by its beginning.
_LONGEST_TOKEN: Final = 200


class Refusal(Exception):  # noqa: N818 - raised and caught inside this package only
    """A rule is broken; on its way up it collects where.

    A check that passes builds no pointer: each level that the refusal passes adds its key or position.
    """

    __slots__ = ("message", "tokens")

    def __init__(self, message: str, *tokens: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.tokens: list[str | int] = list(tokens)

    def pointer(self) -> str:
        """The RFC 6901 pointer, from where the check began."""
        return pointer_to(*reversed(self.tokens))


def pointer_to(*tokens: str | int) -> str:
    """The RFC 6901 pointer over keys and positions from the outside in; tokens are cut after 200 characters."""
    return "".join(f"/{_escaped(token)}" for token in tokens)


def _escaped(token: str | int) -> str:
    text = str(token)
    if len(text) > _LONGEST_TOKEN:
        text = text[:_LONGEST_TOKEN] + "…"
    # A lone surrogate cannot be sent as UTF-8, not even in a refusal.
    text = text.encode("utf-8", "replace").decode()
    return text.replace("~", "~0").replace("/", "~1")


class XapiFault(BadRequestError):  # noqa: N818 - every refusal of this package is called a fault
    """The input breaks a rule of xAPI (400).

    `pointer` is the RFC 6901 pointer of the property, or of the place where one is missing; the empty pointer is the
    whole input. `sentence` says what is expected there and repeats no value, for values can be about people.
    """

    title = "This is not valid xAPI"

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(f"{pointer}: {message}" if pointer else message, errors=[FieldError(pointer, message)])
        self.pointer = pointer
        self.sentence = message
