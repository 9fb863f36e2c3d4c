"""What every module forgets of a person, in one transaction of Academe itself; safe to repeat."""

from collections.abc import Sequence
from uuid import UUID

from academe.academics.api import forget_academics
from academe.identity.api import addresses_of, forget_identity, merged_into
from academe.lrs.api import erase_agents_of
from academe.messaging.api import forget_messages
from academe.operations.subject_access.service import forget_exports
from academe.platform.database.session import Session
from academe.platform.encryption.persons import destroy_person_key
from academe.platform.jobs.service import forget_jobs_of


async def forget_person(session: Session, *, person_id: UUID, signing_key: bytes) -> Sequence[str]:
    """Let every module forget a person, also under the rows that were merged into theirs, and destroy the keys.

    Returns files to delete behind the commit.
    """
    files: list[str] = []
    for each in (*await merged_into(session, person_id), person_id):
        files += await _forget_row(session, person_id=each, signing_key=signing_key)
    return files


async def _forget_row(session: Session, *, person_id: UUID, signing_key: bytes) -> Sequence[str]:
    addresses = await addresses_of(session, person_id)
    agents = await erase_agents_of(session, actor_id=person_id, addresses=addresses, signing_key=signing_key)
    await forget_messages(session, person_id=person_id, addresses=addresses)
    await forget_academics(session, person_id=person_id)
    await forget_jobs_of(session, person_id=person_id)
    await forget_exports(session, person_id=person_id)
    await forget_identity(session, person_id=person_id)
    await destroy_person_key(session, person_id=person_id)
    return agents.files
