"""The registry of risk models: what was trained, with its card, and which one scores."""

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from catboost import CatBoostClassifier
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from academe.identity.types import Role
from academe.insight.calibration import Calibration
from academe.insight.cards import ModelCard
from academe.insight.errors import ModelExistsError, NoActiveModelError
from academe.insight.features.catalog import FEATURE_NAMES
from academe.insight.models import RiskModel
from academe.insight.prediction import RiskPredictor
from academe.insight.types import ModelStatus
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.clock import now
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError

MODEL_NAME: Final = "risk-of-loss"

SHIPPED: Final = resources.files(__package__).joinpath("shipped")
"""The model that comes with Academe: `model.cbm` in CatBoost's format and `model.json` with the rest."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model before it is registered."""

    version: str
    card: ModelCard
    calibration: Calibration
    artifact: bytes


def can_manage_models(actor: Actor) -> bool:
    """Whether the actor may register and activate risk models: Academe itself and administrators."""
    return actor.is_system or actor.has_role(Role.ADMINISTRATOR)


async def active_model(session: AsyncSession) -> RiskModel:
    """The model that scores; raises NoActiveModelError."""
    model = await session.scalar(select(RiskModel).where(RiskModel.status == ModelStatus.ACTIVE))
    if model is None:
        raise NoActiveModelError
    return model


async def register_model(session: Session, *, actor: Actor, trained: TrainedModel) -> RiskModel:
    """Keep a trained model as a candidate. Raises ModelExistsError, PermissionDeniedError."""
    _demand_management(actor)
    known = select(RiskModel.id).where(RiskModel.name == MODEL_NAME, RiskModel.version == trained.version)
    if await session.scalar(known) is not None:
        raise ModelExistsError
    model = RiskModel(
        name=MODEL_NAME,
        version=trained.version,
        status=ModelStatus.CANDIDATE,
        trained_at=trained.card.trained_at,
        features=list(FEATURE_NAMES),
        card=trained.card.model_dump(mode="json"),
        calibration=trained.calibration.model_dump(mode="json"),
        artifact=trained.artifact,
        artifact_sha256=hashlib.sha256(trained.artifact).hexdigest(),
    )
    session.add(model)
    await session.flush()
    _leave_entry(session, actor, model, "risk_model.registered", f"Registered risk model {model.version}")
    return model


async def activate_model(session: Session, *, actor: Actor, model: RiskModel) -> None:
    """Let a model score from now on; the one before it is retired. Raises PermissionDeniedError.

    Raises ModelMismatchError when the model does not fit the features of this version.
    """
    _demand_management(actor)
    RiskPredictor.of(model)
    if model.status is ModelStatus.ACTIVE:
        return
    # The one before goes first: an index allows a single active model.
    await session.execute(
        update(RiskModel).where(RiskModel.status == ModelStatus.ACTIVE).values(status=ModelStatus.RETIRED)
    )
    model.status = ModelStatus.ACTIVE
    await session.flush()
    _leave_entry(session, actor, model, "risk_model.activated", f"Risk model {model.version} scores from now on")


async def install_shipped_model(session: Session, *, actor: Actor) -> RiskModel:
    """Register the model that comes with Academe, unless it is there, and let it score if nothing else does."""
    shipped = shipped_model()
    known = select(RiskModel).where(RiskModel.name == MODEL_NAME, RiskModel.version == shipped.version)
    model = await session.scalar(known)
    if model is None:
        model = await register_model(session, actor=actor, trained=shipped)
    active = select(RiskModel.id).where(RiskModel.status == ModelStatus.ACTIVE)
    if await session.scalar(active) is None:
        await activate_model(session, actor=actor, model=model)
    return model


def shipped_model() -> TrainedModel:
    """The model that comes with Academe, read from the package."""
    described: dict[str, Any] = json.loads(SHIPPED.joinpath("model.json").read_text())
    return TrainedModel(
        version=described["version"],
        card=ModelCard.model_validate(described["card"]),
        calibration=Calibration.model_validate(described["calibration"]),
        artifact=SHIPPED.joinpath("model.cbm").read_bytes(),
    )


def describe(trained: TrainedModel) -> str:
    """The text of `model.json` for a trained model."""
    return (
        json.dumps(
            {
                "version": trained.version,
                "card": trained.card.model_dump(mode="json"),
                "calibration": trained.calibration.model_dump(mode="json"),
            },
            indent=1,
        )
        + "\n"
    )


def version_now() -> str:
    """A version for a model trained at this moment: the moment itself, in UTC."""
    return now().strftime("%Y.%m.%d-%H%M%S")


def artifact_of(booster: CatBoostClassifier) -> bytes:
    """The booster in CatBoost's own binary format."""
    return bytes(booster._serialize_model())


def _demand_management(actor: Actor) -> None:
    if not can_manage_models(actor):
        raise PermissionDeniedError("Risk models are managed by administrators")


def _leave_entry(session: Session, actor: Actor, model: RiskModel, action: str, summary: str) -> None:
    changes = {"version": model.version, "artifact_sha256": model.artifact_sha256}
    record(
        session, actor=actor, action=action, subject=Subject("risk_model", model.id), summary=summary, changes=changes
    )
