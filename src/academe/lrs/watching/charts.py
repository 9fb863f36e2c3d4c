"""The charts of the store, each with the sentence that says what to see."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from academe.lrs.watching.queries import Minute, Month, Usage, Used
from academe.lrs.watching.shown import in_words, last_part
from academe.platform.pages import ChartSpec, Series
from academe.platform.pages.charts import bars
from academe.platform.pages.filters import moment, number, percent, plural

MEBIBYTE: Final = 2**20
_LONGEST_NAME: Final = 24


def minutes_chart(minutes: Sequence[Minute]) -> ChartSpec:
    """Statements and refused or failed requests of the last hour, by the minute."""
    statements = sum(each.statements for each in minutes)
    errors = sum(each.errors for each in minutes)
    summary = f"{plural(statements, 'statement')} in the last hour; {plural(errors, 'request')} refused or failed."
    return bars(
        [f"{each.minute:%H:%M}" for each in minutes],
        [
            Series("Statements", [each.statements for each in minutes]),
            Series("Requests refused or failed", [each.errors for each in minutes]),
        ],
        summary=summary,
        category_name="Minute (UTC)",
    )


def verb_chart(usage: Usage) -> ChartSpec:
    """The verbs used most."""
    return _used("verb", usage.verbs, usage)


def activity_chart(usage: Usage) -> ChartSpec:
    """The activities used most."""
    return _used("activity", usage.activities, usage)


def storage_chart(months: Sequence[Month]) -> ChartSpec:
    """Rows and indexes of each month, in mebibytes."""
    total = sum(each.all_bytes for each in months)
    return bars(
        [each.month for each in months],
        [
            Series("Rows", [each.rows_bytes / MEBIBYTE for each in months]),
            Series("Indexes and the rest", [(each.all_bytes - each.rows_bytes) / MEBIBYTE for each in months]),
        ],
        summary=f"The store takes {number(total / MEBIBYTE, 1)} MiB, with the months ahead that are empty.",
        category_name="Month (MiB)",
        stacked=True,
        places=1,
    )


def _used(word: str, used: Sequence[Used], usage: Usage) -> ChartSpec:
    names = [_name(each) for each in used]
    if used and usage.since is not None:
        share = percent(used[0].statements / usage.statements)
        summary = (
            f"Of the newest {plural(usage.statements, 'statement')}, stored since {moment(usage.since)} UTC,"
            f" {share} have the {word} {in_words(used[0].names) or used[0].iri}."
        )
    else:
        summary = "Nothing has been stored yet."
    standing = bars(
        _each_once(names),
        [Series("Statements", [each.statements for each in used])],
        summary=summary,
        category_name=word.capitalize(),
    )
    return _lying(standing)


def _lying(chart: ChartSpec) -> ChartSpec:
    """The same bars from left to right, the first on top: names of things need the room."""
    option = dict(chart.option)
    categories = option["xAxis"]
    assert isinstance(categories, dict)
    option["xAxis"], option["yAxis"] = option["yAxis"], categories | {"inverse": True}
    return replace(chart, option=option)


def _name(used: Used) -> str:
    name = in_words(used.names) or last_part(used.iri)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _each_once(names: Sequence[str]) -> list[str]:
    """The names, numbered where one occurs again: two bars of a name would be drawn as one."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told
