"""Forms that give back what was typed, with an error beside the field it belongs to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import FormData

from academe.platform.errors import FieldError

Model = TypeVar("Model", bound=BaseModel)

_MESSAGES: Final[dict[str, str]] = {
    "missing": "Please fill this in.",
    "string_too_short": "Please write at least {min_length} characters.",
    "string_too_long": "Please write at most {max_length} characters.",
    "string_pattern_mismatch": "This is not in the form that is expected.",
    "int_parsing": "Please give a whole number.",
    "int_from_float": "Please give a whole number.",
    "float_parsing": "Please give a number.",
    "decimal_parsing": "Please give a number.",
    "greater_than": "Please give more than {gt}.",
    "greater_than_equal": "Please give {ge} or more.",
    "less_than": "Please give less than {lt}.",
    "less_than_equal": "Please give {le} or less.",
    "date_parsing": "Please give a date, such as 2026-11-21.",
    "date_from_datetime_parsing": "Please give a date, such as 2026-11-21.",
    "datetime_parsing": "Please give a date and a time.",
    "datetime_from_date_parsing": "Please give a date and a time.",
    "time_parsing": "Please give a time, such as 14:30.",
    "bool_parsing": "Please choose yes or no.",
    "enum": "Please choose one of {expected}.",
    "literal_error": "Please choose one of {expected}.",
    "uuid_parsing": "Please choose one of the entries offered.",
    "url_parsing": "Please give an address that starts with https://.",
}


@dataclass(frozen=True, slots=True)
class FormView:
    """A form as it is shown: what the fields hold, what is wrong with them, and with the whole.

    A field's value is a string, a list of strings for several choices, or anything that prints as the field's value.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    general_errors: Sequence[str] = ()

    def value(self, name: str) -> object:
        """What a field holds; the empty string when nothing is known of it."""
        value = self.values.get(name)
        return "" if value is None else value

    def selected(self, name: str, option: object) -> bool:
        """Whether an option of a choice is taken; compared as text, because that is what forms carry."""
        value = self.value(name)
        if isinstance(value, list | tuple | set | frozenset):
            return str(option) in {str(one) for one in value}
        return str(value) == str(option)

    def checked(self, name: str) -> bool:
        """Whether a single check box is ticked."""
        return str(self.value(name)).lower() in {"true", "on", "1", "yes"}

    def errors_of(self, name: str) -> Sequence[str]:
        """The messages beside one field."""
        return self.errors.get(name, ())

    @property
    def has_errors(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.errors or self.general_errors)

    def with_errors(self, errors: Iterable[FieldError]) -> "FormView":
        """The same values with errors found later, such as those of an InvalidInputError."""
        collected: dict[str, list[str]] = {name: list(messages) for name, messages in self.errors.items()}
        general = list(self.general_errors)
        for error in errors:
            if error.field:
                collected.setdefault(error.field, []).append(error.message)
            else:
                general.append(error.message)
        return FormView(self.values, collected, general)


@dataclass(frozen=True, slots=True)
class ParsedForm(Generic[Model]):
    """The outcome of reading a form: `data` when it is valid, and the `view` to show again when it is not."""

    data: Model | None
    view: FormView


def parse_form(model: type[Model], form: FormData | Mapping[str, object]) -> ParsedForm[Model]:
    """Check what was submitted against a Pydantic model.

    Blank fields count as not given, so that defaults apply and required fields say so. Fields given several times are
    lists. Uploads are passed on as they are, and are never shown again.
    """
    values = _values(form)
    given = {name: value for name, value in values.items() if value not in ("", [])}
    shown = {name: value for name, value in values.items() if isinstance(value, str | list)}
    try:
        return ParsedForm(model.model_validate(given), FormView(shown))
    except ValidationError as error:
        return ParsedForm(None, _with_messages(FormView(shown), error))


def _values(form: FormData | Mapping[str, object]) -> dict[str, object]:
    if not isinstance(form, FormData):
        return dict(form)
    values: dict[str, object] = {}
    for name in form:
        several = form.getlist(name)
        values[name] = several if len(several) > 1 else several[0]
    return values


def _with_messages(view: FormView, error: ValidationError) -> FormView:
    faults = [
        FieldError(".".join(str(part) for part in details["loc"]), _message(details))
        for details in error.errors(include_url=False)
    ]
    return view.with_errors(faults)


def _message(details: ErrorDetails) -> str:
    """A sentence for a person; validators of our own already speak like that."""
    context = details.get("ctx", {})
    if details["type"] == "value_error":
        return str(context.get("error", details["msg"]))
    template = _MESSAGES.get(details["type"])
    return template.format(**context) if template else f"{details['msg']}."
