"""What messaging forgets of somebody who is erased: all that they were told. What they announced stays."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete

from academe.messaging.mail.models import MailMessage, UndeliverableAddress
from academe.messaging.notifications.models import Notification, NotificationPreference, NotificationSchedule
from academe.messaging.webhooks.models import WebhookDelivery
from academe.platform.database.session import Session


async def forget_messages(session: Session, *, person_id: UUID, addresses: Sequence[str]) -> None:
    """Delete notifications, letters, webhooks, preferences and what is known of the addresses; for the system."""
    for table in (Notification, NotificationPreference, NotificationSchedule, MailMessage, WebhookDelivery):
        await session.execute(delete(table).where(table.person_id == person_id))
    lower = [address.lower() for address in addresses]
    await session.execute(delete(UndeliverableAddress).where(UndeliverableAddress.address.in_(lower)))
