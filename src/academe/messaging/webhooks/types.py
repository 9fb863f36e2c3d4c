"""Closed vocabularies of webhooks."""

from enum import StrEnum


class DeliveryState(StrEnum):
    """How far a delivery is; a dead one is sent again only when somebody asks for it."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class SwitchedOff(StrEnum):
    """Why an endpoint gets nothing."""

    PERSON = "person"
    FAILING = "failing"
    GONE = "gone"
