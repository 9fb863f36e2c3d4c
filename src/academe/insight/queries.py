"""What insight can be asked about its models; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.insight.models import RiskModel
from academe.insight.types import ModelStatus

MOST_MODELS = 200
"""Models that the list shows, newest first."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A registered model without its artifact."""

    id: UUID
    name: str
    version: str
    status: ModelStatus
    trained_at: datetime
    artifact_sha256: str
    card: dict[str, Any]


async def registered_models(session: AsyncSession) -> Sequence[ModelRow]:
    """The models, newest first."""
    rows = await session.execute(_models().order_by(RiskModel.trained_at.desc(), RiskModel.id).limit(MOST_MODELS))
    return [ModelRow(*row) for row in rows]


async def registered_model(session: AsyncSession, model_id: UUID) -> ModelRow | None:
    """One model, if there is one."""
    row = (await session.execute(_models().where(RiskModel.id == model_id))).one_or_none()
    return ModelRow(*row) if row else None


def _models() -> Select[*tuple[Any, ...]]:
    return select(
        RiskModel.id,
        RiskModel.name,
        RiskModel.version,
        RiskModel.status,
        RiskModel.trained_at,
        RiskModel.artifact_sha256,
        RiskModel.card,
    )
