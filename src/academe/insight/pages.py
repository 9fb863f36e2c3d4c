"""Pages of risk models: which there are, and the card of each, for everybody who is signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.insight import policy
from academe.insight.cards import ModelCard
from academe.insight.errors import RiskModelNotFoundError
from academe.insight.group_queries import FairnessRow, fairness_by_group
from academe.insight.queries import ModelRow, registered_model, registered_models
from academe.insight.types import SMALLEST_GROUP
from academe.platform.actor import Actor
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn
from academe.platform.http.routing import page_router
from academe.platform.pages import ChartSpec, NavigationEntry, Series, render
from academe.platform.pages.charts import calibration_curve, lines
from academe.platform.pages.filters import number

router = page_router()


def _looks_after_students(actor: Actor) -> bool:
    return actor.has_role(*policy.READERS)


NAVIGATION: Final = (
    NavigationEntry("Risk models", "/models", "scale", visible=_looks_after_students, section="Students"),
)


@dataclass(frozen=True, slots=True)
class ModelsPage:
    """The models, newest first, each with its card."""

    models: Sequence[tuple[ModelRow, ModelCard]]


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One model: its card, and how good it was by week."""

    model: ModelRow
    card: ModelCard
    ranking: ChartSpec | None
    calibration: ChartSpec | None
    can_audit: bool


@dataclass(frozen=True, slots=True)
class FairnessPage:
    """The same figures for every group of students, over the scores whose outcomes are known."""

    model: ModelRow
    groups: Sequence[FairnessRow]
    smallest: int = SMALLEST_GROUP


@router.get("/models")
async def list_models(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """Every registered model; the active one scores."""
    policy.require_models(actor)
    models = [(model, ModelCard.model_validate(model.card)) for model in await registered_models(session)]
    return render(request, "insight/models.html", ModelsPage(models))


@router.get("/models/{model_id}")
async def show_model(request: Request, model_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The card of one model."""
    policy.require_models(actor)
    model = await registered_model(session, model_id)
    if model is None:
        raise RiskModelNotFoundError
    card = ModelCard.model_validate(model.card)
    shown = ModelPage(model, card, _ranking(card), _calibration(card), policy.can_audit_fairness(actor))
    return render(request, "insight/model.html", shown)


@router.get("/models/{model_id}/fairness")
async def show_fairness(request: Request, model_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The fairness audit over the students whose protected attributes the reader may know."""
    if not policy.can_audit_fairness(actor):
        raise PermissionDeniedError("Figures by group are for registrars and administrators.")
    model = await registered_model(session, model_id)
    if model is None:
        raise RiskModelNotFoundError
    groups = await fairness_by_group(session, model_id, policy.risk_readable_by(actor))
    return render(request, "insight/fairness.html", FairnessPage(model, groups))


def _ranking(card: ModelCard) -> ChartSpec | None:
    if len(card.metrics) < 2:
        return None
    first, last = card.metrics[0], card.metrics[-1]
    series = [
        Series("Pairs in the right order (AUC)", [one.auc for one in card.metrics]),
        Series("Truly lost among the top tenth", [one.precision_top_tenth for one in card.metrics]),
        Series("Lost in the whole class", [one.base_rate for one in card.metrics]),
    ]
    summary = (
        f"The AUC rises from {number(first.auc, 2)} in week {first.week} to {number(last.auc, 2)} in week {last.week}."
    )
    weeks = [f"Week {one.week}" for one in card.metrics]
    return lines(weeks, series, summary=summary, category_name="Week", as_percent=True)


def _calibration(card: ModelCard) -> ChartSpec | None:
    bins = card.calibration
    if not bins:
        return None
    widest = max(abs(one.predicted - one.observed) for one in bins)
    return calibration_curve(
        [one.predicted for one in bins],
        [one.observed for one in bins],
        [one.count for one in bins],
        summary=f"Predicted and observed shares differ by at most {number(100 * widest)} points in any group.",
    )
