"""Commands of insight: train a model, score students, report how good the predictions were."""

import asyncio
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from academe.academics.models import Offering, Term, Unit
from academe.insight.cards import ModelCard
from academe.insight.fairness import GroupFigures, group_figures
from academe.insight.model_building import Progress, Say, build_model
from academe.insight.registry import TrainedModel, activate_model, active_model, describe, register_model
from academe.insight.reporting import Report, report_of
from academe.insight.rollup import rebuild_learner_days
from academe.insight.scoring import score_offerings
from academe.insight.training import day_of
from academe.platform.actor import system_actor
from academe.platform.commands import (
    AsJson,
    console,
    error_console,
    open_database,
    print_json,
    run,
    settings_of_command,
)
from academe.platform.errors import FieldError, InvalidInputError

risk = typer.Typer(help="Risk models and scores.", no_args_is_help=True)

Terms = Annotated[list[str] | None, typer.Option(help="Codes of terms, such as 2013B; may be given several times.")]
Units = Annotated[list[str] | None, typer.Option(help="Codes of units; all of them when left out.")]


@risk.command()
def train(
    term: Terms = None,
    judge_term: Annotated[list[str] | None, typer.Option(help="Later terms to judge the model on.")] = None,
    unit: Units = None,
    attribution: Annotated[str, typer.Option(help="Whom the data's licence asks to name.")] = "",
    ship_to: Annotated[Path | None, typer.Option(help="Also write model.cbm and model.json to this folder.")] = None,
    activate: Annotated[bool, typer.Option("--activate", help="Let the model score from now on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a risk model on ended offerings, calibrate it, judge it, and register it with its card."""
    chosen = Choice(term, judge_term, unit)
    trained = run(_train(chosen, attribution, ship_to, activate=activate))
    if as_json:
        print_json({"version": trained.version, "card": trained.card.model_dump(mode="json")})
    else:
        _print_card(trained.version, trained.card)


@risk.command()
def score(
    offering: Annotated[list[str] | None, typer.Option(help='Offerings as "UNIT TERM"; all of them if none.')] = None,
    week: Annotated[int | None, typer.Option(min=0, help="Score as of the end of this week of each offering.")] = None,
    day: Annotated[
        str | None, typer.Option(help="Score as of the end of this day (YYYY-MM-DD); default: today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score every still-registered enrolment with the active model."""
    if week is not None and day is not None:
        raise InvalidInputError("Give a week or a day, not both", errors=[FieldError("day", "goes without --week")])
    enrollments, written = run(_score(offering, week, _parsed(day)))
    if as_json:
        print_json({"enrollments": enrollments, "written": written})
    else:
        console.print(f"{enrollments:,} enrolments scored; {written:,} scores are new.")


@risk.command()
def report(term: Terms = None, unit: Units = None, as_json: AsJson = False) -> None:
    """Hold the active model's scores of ended offerings against what happened, as a whole and by group."""
    found, groups = run(_report(Choice(term, None, unit)))
    if as_json:
        print_json({"report": found.as_dict(), "groups": [group.as_dict() for group in groups]})
    else:
        _print_report(found, groups)


class Choice:
    """Which offerings a command is about; raises InvalidInputError when a term or unit does not exist."""

    def __init__(self, terms: list[str] | None, judge_terms: list[str] | None, units: list[str] | None) -> None:
        self.terms = terms
        self.judge_terms = judge_terms or []
        self.units = units

    async def offerings(self, session: AsyncSession) -> tuple[list[Offering], list[Offering]]:
        """The offerings to train on (or look at), and those to judge on."""
        every = await _offerings(session)
        _demand("term", [*(self.terms or []), *self.judge_terms], {offering.term.code for offering in every})
        _demand("unit", self.units or [], {offering.unit.code for offering in every})
        of_units = [offering for offering in every if not self.units or offering.unit.code in self.units]
        judged = [offering for offering in of_units if offering.term.code in self.judge_terms]
        chosen = [
            offering
            for offering in of_units
            if offering not in judged and (not self.terms or offering.term.code in self.terms)
        ]
        return chosen, judged


async def _offerings(session: AsyncSession) -> list[Offering]:
    statement = (
        select(Offering)
        .join(Offering.unit)
        .join(Offering.term)
        .options(joinedload(Offering.unit), joinedload(Offering.term))
        .order_by(Term.starts_on, Unit.code)
    )
    return list(await session.scalars(statement))


def _demand(field: str, asked: Sequence[str], known: set[str]) -> None:
    if missing := sorted(set(asked) - known):
        raise InvalidInputError(
            f"There is no {field} {', '.join(missing)}",
            errors=[FieldError(field, f"known: {', '.join(sorted(known))}")],
        )


def _parsed(day: str | None) -> date:
    try:
        return date.today() if day is None else date.fromisoformat(day)  # noqa: DTZ011 - the operator's own day
    except ValueError as error:
        raise InvalidInputError(
            "The day is not a date", errors=[FieldError("day", "write it as 2014-11-26")]
        ) from error


async def _train(choice: Choice, attribution: str, ship_to: Path | None, *, activate: bool) -> TrainedModel:
    actor = system_actor("train a risk model")
    command = _command(choice, attribution)
    async with open_database(settings_of_command()) as database:
        with _progress() as say:
            async with database.reading(actor, timeout_seconds=0) as reader:
                train_on, judge_on = await choice.offerings(reader)
                trained = await build_model(
                    reader, train_on=train_on, judge_on=judge_on, attribution=attribution, command=command, say=say
                )
        async with database.transaction(actor) as session:
            model = await register_model(session, actor=actor, trained=trained)
            if activate:
                await activate_model(session, actor=actor, model=model)
    if ship_to is not None:
        await asyncio.to_thread(_ship, ship_to, trained)
    return trained


def _ship(folder: Path, trained: TrainedModel) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.cbm").write_bytes(trained.artifact)
    (folder / "model.json").write_text(describe(trained))


def _command(choice: Choice, attribution: str) -> str:
    """The command that makes the model again, for its card."""
    words = [
        *(("--term", term) for term in choice.terms or []),
        *(("--judge-term", term) for term in choice.judge_terms),
        *(("--unit", unit) for unit in choice.units or []),
        *([("--attribution", attribution)] if attribution else []),
    ]
    return shlex.join(["academe", "risk", "train", *(word for pair in words for word in pair)])


async def _score(names: list[str] | None, week: int | None, day: date) -> tuple[int, int]:
    actor = system_actor("score risk")
    enrollments = written = 0
    async with open_database(settings_of_command()) as database:
        async with database.reading(actor) as reader:
            every = await _offerings(reader)
        known = {f"{offering.unit.code} {offering.term.code}": offering for offering in every}
        _demand("offering", names or [], set(known))
        chosen = [known[name] for name in names] if names else every
        days = {offering.id: day if week is None else day_of(offering, week) for offering in chosen}
        under_way = [o for o in chosen if o.starts_on <= days[o.id] <= o.ends_on]
        with _progress() as say:
            for done, offering in enumerate(under_way):
                say(Progress("Scoring offerings", done, len(under_way)))
                async with database.transaction(actor, timeout_seconds=0) as session:
                    model = await active_model(session)
                    await rebuild_learner_days(session, offerings=[offering.id])
                    scored = await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=days)
                enrollments, written = enrollments + scored.enrollments, written + scored.written
            say(Progress("Scoring offerings", len(under_way), len(under_way)))
    return enrollments, written


async def _report(choice: Choice) -> tuple[Report, Sequence[GroupFigures]]:
    async with (
        open_database(settings_of_command()) as database,
        database.reading(system_actor("report on risk scores"), timeout_seconds=0) as session,
    ):
        offerings, _ = await choice.offerings(session)
        model = await active_model(session)
        chosen = [offering.id for offering in offerings]
        found = await report_of(session, model=model, offerings=chosen)
        return found, await group_figures(session, model=model, offerings=chosen)


@contextmanager
def _progress() -> Iterator[Say]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=error_console) as bars:
        tasks: dict[str, TaskID] = {}

        def say(progress: Progress) -> None:
            if progress.doing not in tasks:
                tasks[progress.doing] = bars.add_task(progress.doing, total=progress.total)
            bars.update(tasks[progress.doing], completed=progress.done, total=progress.total)

        yield say


def _print_card(version: str, card: ModelCard) -> None:
    console.print(f"Model {version}: {card.enrollments:,} enrolments, {card.snapshots:,} snapshots. {card.evaluation}.")
    table = Table(
        "week", "enrolments", "lost", "AUC", "Brier", "calibration error", "precision at 10 %", "recall at 10 %"
    )
    for row in card.metrics:
        figures = (row.base_rate, row.auc, row.brier, row.calibration_error, row.precision_top_tenth)
        table.add_row(
            str(row.week), f"{row.enrollments:,}", *(f"{x:.3f}" for x in figures), f"{row.recall_top_tenth:.3f}"
        )
    console.print(table)


def _print_report(report: Report, groups: Sequence[GroupFigures]) -> None:
    console.print(f"Model {report.model_version}: {report.scores:,} scores of enrolments whose outcome is known")
    weeks = Table("week", "enrolments", "lost", "AUC", "Brier", "calibration error", title="By week")
    for row in report.weeks:
        figures = (row.base_rate, row.auc, row.brier, row.calibration_error)
        weeks.add_row(str(row.week), f"{row.enrollments:,}", *(f"{x:.3f}" for x in figures))
    bins = Table("predicted", "observed", "scores", title="Calibration")
    for part in report.calibration:
        bins.add_row(f"{part.predicted:.3f}", f"{part.observed:.3f}", f"{part.count:,}")
    by_group = Table("attribute", "group", "enrolments", "lost", "predicted", "AUC", "missed at 50 %", title="By group")
    for group in groups:
        auc = "" if group.auc is None else f"{group.auc:.3f}"
        missed = "" if group.missed is None else f"{group.missed:.3f}"
        by_group.add_row(
            group.attribute,
            group.group,
            f"{group.enrollments:,}",
            f"{group.lost:.3f}",
            f"{group.predicted:.3f}",
            auc,
            missed,
        )
    for part_of_report in (weeks, bins, by_group):
        console.print(part_of_report)
