"""A statement in words: who did what, with what result; the same for lists and for the page of one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from pydantic_core import from_json

from academe.lrs.statements.queries import Found
from academe.lrs.xapi.grammar import duration_seconds, parsed_timestamp
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.languages import chosen_language
from academe.lrs.xapi.versions import Version

LIST: Final = "/lrs/statements"
_LANGUAGES: Final = ("en",)


@dataclass(frozen=True, slots=True)
class Named:
    """Something a statement names: what it is called, what identifies it, and where a click leads."""

    name: str
    identifier: str
    href: str | None


@dataclass(frozen=True, slots=True)
class ShownAttachment:
    """An attachment as the statement describes it; `kept` whether its content is in this store."""

    name: str
    content_type: str
    length: int
    sha2: str
    file_url: str | None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class ShownStatement:
    """A statement with its sender; `happened_at` is the timestamp, and `kind` what its object is."""

    id: UUID
    stored: datetime
    happened_at: datetime
    sender: str
    actor: Named
    verb: Named
    object: Named
    kind: str
    result: str
    statement: Mapping[str, Any]

    @property
    def href(self) -> str:
        """Its page."""
        return f"{LIST}/{self.id}"


def shown(found: Found, sender: str) -> ShownStatement:
    """What a list shows of a statement."""
    statement: Mapping[str, Any] = from_json(found.text)
    object_, kind = object_named(statement["object"])
    return ShownStatement(
        found.id,
        found.stored,
        parsed_timestamp(statement["timestamp"], Version.ONE) or found.stored,
        sender,
        agent_named(statement["actor"]),
        verb_named(statement["verb"]),
        object_,
        kind,
        result_words(statement.get("result", {})),
        statement,
    )


def agent_named(agent: Mapping[str, Any]) -> Named:
    """An Agent or Group by its name, else by that of its account, else by its identifier."""
    key = key_of(agent)
    if key is None:
        members = [agent_named(member) for member in agent.get("member", ())]
        names = ", ".join(member.name for member in members[:3]) + (" …" if len(members) > 3 else "")
        return Named(agent.get("name") or f"Group of {len(members)}", names, None)
    identifier = key.partition(":")[2]
    account = agent.get("account")
    name = agent.get("name") or (account["name"] if account else identifier)
    return Named(name, identifier, _filtered(agent=key))


def verb_named(verb: Mapping[str, Any]) -> Named:
    """A verb by its display, else by the end of its IRI."""
    iri = verb["id"]
    return Named(in_words(verb.get("display", {})) or last_part(iri), iri, _filtered(verb=iri))


def object_named(value: Mapping[str, Any]) -> tuple[Named, str]:
    """The object of a statement, and what kind of thing it is."""
    match value.get("objectType", "Activity"):
        case "Agent" | "Group" as kind:
            return agent_named(value), kind
        case "StatementRef":
            return Named(f"statement {value['id'][:8]}", value["id"], f"{LIST}/{value['id']}"), "Statement"
        case "SubStatement":
            inner, _ = object_named(value["object"])
            words = f"{agent_named(value['actor']).name} {verb_named(value['verb']).name} {inner.name}"
            return Named(f"({words})", inner.identifier, None), "Sub-statement"
    iri = value["id"]
    name = in_words(value.get("definition", {}).get("name", {})) or last_part(iri)
    return Named(name, iri, _filtered(activity=iri)), "Activity"


def result_words(result: Mapping[str, Any]) -> str:
    """Score, success, completion and duration of a result; empty when it says none of them."""
    words = []
    score = result.get("score", {})
    if "raw" in score:
        words.append(f"{score['raw']:g} of {score['max']:g}" if "max" in score else f"{score['raw']:g} points")
    elif "scaled" in score:
        words.append(f"{score['scaled']:.0%}")
    if "success" in result:
        words.append("passed" if result["success"] else "failed")
    if "completion" in result:
        words.append("complete" if result["completion"] else "incomplete")
    if "duration" in result:
        words.append(f"in {_duration_words(result['duration'])}")
    return ", ".join(words)


def attachments_of(statement: Mapping[str, Any]) -> Sequence[ShownAttachment]:
    """The attachments of a statement and of its sub-statement, as they are described."""
    described = [*statement.get("attachments", ()), *statement["object"].get("attachments", ())]
    return [
        ShownAttachment(
            in_words(each.get("display", {})) or each["usageType"],
            each["contentType"],
            each["length"],
            each["sha2"].lower(),
            each.get("fileUrl"),
        )
        for each in described
    ]


def in_words(texts: Mapping[str, str]) -> str:
    """The text of a language map in English, else in whatever language comes first; empty without any."""
    tag = chosen_language(tuple(texts), _LANGUAGES)
    return "" if tag is None else texts[tag]


def last_part(iri: str) -> str:
    """The end of an IRI, by which people recognise it: its last part, with the one before where it is a mere number."""
    before, _, last = iri.rstrip("/#").replace("#", "/").rpartition("/")
    if not last:
        return iri
    return f"{before.rpartition('/')[2]} {last}" if last.isdigit() else last


def _duration_words(duration: str) -> str:
    """A duration as people say it; as it stands when it cannot be told in seconds."""
    seconds = duration_seconds(duration)
    if seconds is None:
        return duration
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest:.3g} s" if rest else ""]
    return " ".join(part for part in parts if part) or "0 s"


def _filtered(**parameters: str) -> str:
    return f"{LIST}?{urlencode(parameters)}"
