"""Rows for the role matrix of tables whose modules stand above the two schools.

A module that makes a table of people adds a function here: it inserts the one row, about `student0` in the first
offering of the school, and returns the condition that finds it, by table.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from academe.academics.people_queries.models import PeopleQuery
from academe.academics.roster_import.models import RosterUpload
from academe.identity.access.guardians.models import Guardianship
from academe.identity.models import EmergencyOpening, PersonPicture
from academe.identity.people_import.models import PeopleImport, PeopleImportPerson
from academe.identity.privacy.consents.models import ConsentDecision, ConsentText
from academe.identity.privacy.holds.models import LegalHold
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.privacy.rectification.types import RectifiedField
from academe.identity.privacy.restriction.models import ProcessingRestriction
from academe.identity.providers.models import IdentityProvider, ProviderSignIn
from academe.identity.providers.types import ProviderKind, UnknownPerson
from academe.identity.sign_in.models import (
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    SignInIdentity,
    SignInLink,
    TotpFactor,
    UnfinishedSignIn,
)
from academe.identity.tokens.models import ApiToken, ServiceAccount
from academe.insight.models import LearnerDay, RiskModel, RiskScore
from academe.insight.types import ModelStatus, RiskBand
from academe.lrs.documents.models import XapiDocument
from academe.lrs.documents.types import DocumentKind
from academe.lrs.forwarding.models import XapiForward, XapiForwardLetter, XapiForwardMinute, XapiForwardProgress
from academe.lrs.forwarding.types import ForwardVersion
from academe.lrs.keys import key_uuid
from academe.lrs.rollup.models import XapiAgentLink
from academe.lrs.senders.models import Sender
from academe.lrs.spool.models import XapiSetAside
from academe.lrs.statements.models import (
    XapiAgent,
    XapiAlias,
    XapiAttachment,
    XapiAttachmentSource,
    XapiReference,
    XapiStatement,
    XapiStatementActivity,
    XapiStatementAgent,
    XapiStatementId,
)
from academe.messaging.announcements.models import Announcement
from academe.messaging.mail.models import CaughtMail, MailMessage, UndeliverableAddress
from academe.messaging.message_templates.models import MessageTemplate, MessageTemplateText
from academe.messaging.notifications.models import Notification, NotificationPreference, NotificationSchedule
from academe.messaging.types import MailTemplate, NotificationKind
from academe.messaging.webhooks.models import WebhookDelivery, WebhookEndpoint
from academe.operations.erasure.models import Erasure
from academe.operations.subject_access.models import SubjectExport
from academe.platform import clock
from academe.platform.database.session import Session
from academe.platform.encryption.models import DestroyedPersonKey, PersonKey
from tests.schools import STARTS_ON, School

AddRows = Callable[[Session, School], Awaitable[dict[str, str]]]


async def insight_rows(session: Session, school: School) -> dict[str, str]:
    """A day of learning and a score."""
    enrollment = school.enrollment_of(0)
    model = RiskModel(
        name=f"matrix-{school.name}",
        version="1",
        status=ModelStatus.CANDIDATE,
        trained_at=clock.now(),
        features=[],
        card={},
        calibration={},
        artifact=b"",
        artifact_sha256="",
    )
    session.add(model)
    await session.flush()
    kinds = dict.fromkeys(("content", "resource", "forum", "quiz", "page", "homepage", "together"), 0)
    session.add(
        LearnerDay(
            enrollment_id=enrollment.id,
            day=STARTS_ON,
            offering_id=enrollment.offering_id,
            clicks=3,
            sites=1,
            new_sites=1,
            **kinds,
        )
    )
    session.add(
        RiskScore(
            enrollment_id=enrollment.id,
            student_id=enrollment.student_id,
            offering_id=enrollment.offering_id,
            model_id=model.id,
            as_of=STARTS_ON + timedelta(days=14),
            probability=0.2,
            lower=0.1,
            upper=0.3,
            band=RiskBand.LOW,
            factors=[],
            features={},
        )
    )
    condition = f"enrollment_id = '{enrollment.id}'"
    return {"learner_day": condition, "risk_score": condition}


async def roster_rows(session: Session, school: School) -> dict[str, str]:
    """A file of the convenor's."""
    convenor = school.people["convenor"].id
    session.add(RosterUpload(offering_id=school.offering.id, uploaded_by=convenor, file_name="roster.csv", content=b""))
    await session.flush()
    return {"roster_upload": f"uploaded_by = '{convenor}'"}


async def document_rows(session: Session, school: School) -> dict[str, str]:
    """A profile of an agent, who is the student."""
    agent = f"account:https://{school.name}.example.edu|student0"
    document = XapiDocument(
        id=key_uuid(f"profile of {agent}"),
        kind=DocumentKind.AGENT_PROFILE,
        agent=agent,
        agent_key=key_uuid(agent),
        document_id="preferences",
        content=b"{}",
        content_type="application/json",
        etag="",
        changed_at=clock.now(),
    )
    session.add(document)
    await session.flush()
    return {"xapi_document": f"agent = '{agent}'"}


async def sender_rows(session: Session, school: School) -> dict[str, str]:
    """A program that sends for the institution."""
    key = f"matrix-{school.name}"
    sender = Sender(institution_id=school.institution.id, name="A program", key=key, secret_hash=bytes(32))
    sender.authority, sender.authority_key, sender.scopes = {}, "", ["all"]
    session.add(sender)
    await session.flush()
    return {"xapi_sender": f"key = '{key}'"}


async def forward_rows(session: Session, school: School) -> dict[str, str]:
    """Where what the institution's senders send goes on to, with a statement that is not wanted there."""
    forward = XapiForward(institution_id=school.institution.id, name="There", endpoint="https://lrs.example/xapi")
    forward.version, forward.key, forward.secret = ForwardVersion.ONE, "us", "sesame"
    forward.verbs, forward.activities, forward.activity_types, forward.sender_ids, forward.agent_keys = (
        [],
        [],
        [],
        [],
        [],
    )
    forward.with_voiding = forward.with_references = True
    now = forward.starts_after = clock.now()
    session.add(forward)
    await session.flush()
    letter = XapiForwardLetter(forward_id=forward.id, statement_id=forward.id, stored=now, refused_at=now)
    letter.reason, letter.answer = "The other store refuses it.", ""
    session.add_all(
        (
            XapiForwardProgress(forward_id=forward.id, position=now, batch=1),
            XapiForwardMinute(forward_id=forward.id, minute=now, statements=1, requests=1, failed=0),
            letter,
        )
    )
    await session.flush()
    about = ("xapi_forward_progress", "xapi_forward_minute", "xapi_forward_letter")
    return {"xapi_forward": f"id = '{forward.id}'"} | dict.fromkeys(about, f"forward_id = '{forward.id}'")


async def query_rows(session: Session, school: School) -> dict[str, str]:
    """A query of the registrar's at the node of the first offering."""
    query = PeopleQuery(institution_id=school.institution.id, org_unit_id=school.offering.org_unit_id, name="Absent")
    query.author_id = school.people["registrar"].id
    session.add(query)
    await session.flush()
    return {"people_query": f"id = '{query.id}'"}


async def template_rows(session: Session, school: School) -> dict[str, str]:
    """A template that an administrator has worded."""
    template = MessageTemplate(institution_id=school.institution.id, kind="announcement", name="Frame", version=1)
    session.add(template)
    await session.flush()
    worded = MessageTemplateText(template_id=template.id, version=1, language="en", subject="Hello", text="Hello")
    worded.author_id = school.people["administrator"].id
    session.add(worded)
    await session.flush()
    about = f"template_id = '{template.id}'"
    return {"message_template": f"id = '{template.id}'", "message_template_text": about}


async def webhook_rows(session: Session, school: School) -> dict[str, str]:
    """A program that is told of the student."""
    institution = school.institution.id
    endpoint = WebhookEndpoint(institution_id=institution, name="A program", url="https://hooks.example", events=[])
    endpoint.secret = "whsec_c2VzYW1l"
    session.add(endpoint)
    await session.flush()
    told = WebhookDelivery(endpoint_id=endpoint.id, institution_id=institution, event="enrollment.created", data={})
    told.person_id, told.next_attempt_at = school.people["student0"].id, clock.now()
    session.add(told)
    await session.flush()
    return {"webhook_endpoint": f"id = '{endpoint.id}'", "webhook_delivery": f"endpoint_id = '{endpoint.id}'"}


async def set_aside_rows(session: Session, school: School) -> dict[str, str]:
    """A statement of the student's that was acknowledged and has the id of another."""
    id_ = key_uuid(f"set aside at {school.name}")
    row = XapiSetAside(id=id_, institution_id=school.institution.id, sender_id=id_, statement_id=id_)
    row.received_at, row.agent_keys, row.statement = clock.now(), [id_], {}
    session.add(row)
    await session.flush()
    return {"xapi_set_aside": f"id = '{id_}'"}


async def statement_rows(session: Session, school: School) -> dict[str, str]:
    """A statement of the student's about another one, with an attachment."""
    agent = f"account:https://{school.name}.example.edu|student0"
    key, other = key_uuid(agent), key_uuid(f"another agent or statement of {school.name}")
    stored, sha2 = clock.now(), key.hex * 2
    session.add_all(
        (
            XapiAgentLink(agent_key=key, actor_id=other),
            XapiAgent(id=key, key=agent, object_type="Agent", names=[]),
            XapiAlias(
                stored=stored,
                target_id=other,
                verb_key=other,
                agent_keys=[key],
                related_agent_keys=[],
                related_activity_keys=[],
                keys=[key, other],
            ),
            XapiAttachment(sha2=sha2, digest=sha2, content_type="text/plain", length=0),
            XapiAttachmentSource(sha2=sha2, institution_id=school.institution.id),
            XapiReference(target_id=other, id=key, stored=stored),
            XapiStatement(
                stored=stored,
                id=key,
                sender_id=other,
                authority_id=other,
                agent_key=key,
                verb_key=other,
                happened_at=stored,
                version="2.0.0",
                kind="other",
                statement={},
            ),
            XapiStatementActivity(activity_key=key, stored=stored),
            XapiStatementAgent(agent_key=key, stored=stored, is_narrow=True),
            XapiStatementId(id=key, stored=stored),
        )
    )
    await session.flush()
    return {
        "xapi_agent": f"id = '{key}'",
        "xapi_agent_link": f"agent_key = '{key}'",
        "xapi_alias": f"target_id = '{other}'",
        "xapi_alias_key": f"target_id = '{other}' AND key = '{key}'",
        "xapi_attachment": f"sha2 = '{sha2}'",
        "xapi_attachment_source": f"sha2 = '{sha2}'",
        "xapi_reference": f"id = '{key}'",
        "xapi_statement": f"id = '{key}'",
        "xapi_statement_activity": f"activity_key = '{key}'",
        "xapi_statement_agent": f"agent_key = '{key}'",
        "xapi_statement_id": f"id = '{key}'",
    }


async def messaging_rows(session: Session, school: School) -> dict[str, str]:
    """Something that a student was told, by letter too, and what the student wants to be told."""
    person, institution = school.people["student0"], school.institution.id
    session.add(Notification(person_id=person.id, kind=NotificationKind.SYSTEM, title="Told"))
    session.add(NotificationPreference(person_id=person.id, kind=NotificationKind.SYSTEM, in_bell=True))
    session.add(NotificationSchedule(person_id=person.id, time_zone="UTC"))
    letter = MailMessage(
        person_id=person.id,
        institution_id=institution,
        template=MailTemplate.DIGEST,
        idempotency_key="matrix",
        token=str(person.id),
        content={},
    )
    author = school.people["lecturer"].id
    announcement = Announcement(
        institution_id=institution,
        author_id=author,
        audience_kind="offering",
        audience_id=school.offering.id,
        audience_label="x",
        title="x",
        body="x",
        send_at=clock.now(),
    )
    session.add_all((letter, announcement))
    await session.flush()
    session.add(UndeliverableAddress(institution_id=institution, address="gone@matrix.example", reply="550"))
    session.add(CaughtMail(mail_id=letter.id, institution_id=institution, receiver="x", subject="x", source=b""))
    await session.flush()
    of_person = ("notification", "notification_preference", "notification_schedule", "mail_message")
    return (
        {"announcement": f"author_id = '{author}'"}
        | dict.fromkeys(of_person, f"person_id = '{person.id}'")
        | dict.fromkeys(("undeliverable_address", "caught_mail"), f"institution_id = '{institution}'")
    )


async def second_factor_rows(session: Session, school: School) -> dict[str, str]:
    """A student's authenticator app, recovery code and passkey, and sign-ins that wait for one of them."""
    account = school.accounts["student0"].id
    session.add(TotpFactor(account_id=account, secret="JBSWY3DPEHPK3PXP"))
    session.add(RecoveryCode(account_id=account, code_hash=account.bytes))
    session.add(Passkey(account_id=account, credential_id=account.bytes, public_key=b"x", sign_count=0, name="Phone"))
    challenge = PasskeyChallenge(account_id=account, token_hash=account.bytes, challenge=b"x", expires_at=clock.now())
    session.add(challenge)
    session.add(SignInLink(account_id=account, expires_at=clock.now()))
    session.add(UnfinishedSignIn(account_id=account, token_hash=account.bytes, expires_at=clock.now()))
    await session.flush()
    names = ("totp_factor", "recovery_code", "unfinished_sign_in", "passkey", "passkey_challenge", "sign_in_link")
    return dict.fromkeys(names, f"account_id = '{account}'")


async def key_rows(session: Session, school: School) -> dict[str, str]:
    """The key of a student, and that the one of another was destroyed."""
    person, other = (school.people[who].id for who in ("student0", "student1"))
    session.add_all((PersonKey(person_id=person, wrapped=b"x", master_key="x"), DestroyedPersonKey(person_id=other)))
    await session.flush()
    return {"person_key": f"person_id = '{person}'", "destroyed_person_key": f"person_id = '{other}'"}


async def person_rows(session: Session, school: School) -> dict[str, str]:
    """What is kept about a student beside the directory."""
    person = school.people["student0"].id
    session.add(SignInIdentity(person_id=person, auth_provider="campus", auth_provider_id=str(person)))
    session.add(PersonPicture(person_id=person, digest="0" * 64))
    await session.flush()
    institution = school.institution.id
    kept = PeopleImport(institution_id=institution, file_name="people.csv", content=b"")
    session.add(kept)
    await session.flush()
    session.add(PeopleImportPerson(import_id=kept.id, person_id=person))
    await session.flush()
    names = ("sign_in_identity", "person_picture", "people_import_person")
    return dict.fromkeys(names, f"person_id = '{person}'") | {"people_import": f"institution_id = '{institution}'"}


async def provider_rows(session: Session, school: School) -> dict[str, str]:
    """A sign-in provider, and a browser on the way there."""
    provider = IdentityProvider(
        institution_id=school.institution.id,
        kind=ProviderKind.OIDC,
        name="Campus",
        issuer=f"https://login.{school.name}.example",
        client_id="academe",
        unknown_person=UnknownPerson.REFUSE,
    )
    session.add(provider)
    await session.flush()
    begun = ProviderSignIn(provider_id=provider.id, token_hash=provider.id.bytes, state="s", nonce="n", next_path="/")
    begun.code_verifier, begun.expires_at = "v", clock.now() + timedelta(minutes=1)
    session.add(begun)
    await session.flush()
    return {"identity_provider": f"id = '{provider.id}'", "provider_sign_in": f"provider_id = '{provider.id}'"}


async def privacy_rows(session: Session, school: School) -> dict[str, str]:
    """A legal hold on a student, and an erasure."""
    person = {"institution_id": school.institution.id, "person_id": school.people["student0"].id, "reason": "x"}
    session.add_all((LegalHold(**person), Erasure(**person)))
    opener = school.people["colleague"].id
    # It is closed: an open one would let the colleague read other tables.
    session.add(EmergencyOpening(**(person | {"reason": "an emergency"}), opened_by=opener, closed_at=clock.now()))
    who = person["person_id"]
    # Lifted, as one in force would keep activity and scores from the readers of other tables.
    session.add(ProcessingRestriction(**person, lifted_at=clock.now(), lift_reason="y"))
    session.add(RectificationRequest(**(person | {"reason": None}), field=RectifiedField.OTHER))
    asked = ConsentText(institution_id=school.institution.id, purpose="matrix", version=1, title="x", body="y")
    session.add(asked)
    await session.flush()
    session.add(ConsentDecision(person_id=who, text_id=asked.id, is_given=True))
    session.add(SubjectExport(person_id=who, requested_by=who, expires_at=clock.now()))
    await session.flush()
    tables = ["legal_hold", "erasure", "subject_export", "emergency_opening", "rectification_request"]
    tables += ["processing_restriction", "consent_decision"]
    return dict.fromkeys(tables, f"person_id = '{who}'")


async def guardian_rows(session: Session, school: School) -> dict[str, str]:
    """Somebody who looks after the student, and sees nothing yet."""
    student = school.people["student0"].id
    link = Guardianship(institution_id=school.institution.id, guardian_id=school.people["colleague"].id)
    link.student_id = student
    session.add(link)
    await session.flush()
    return {"guardianship": f"student_id = '{student}'"}


async def token_rows(session: Session, school: School) -> dict[str, str]:
    """A token of a student, and a service account that has the student's entry."""
    person = school.people["student0"].id
    token = ApiToken(person_id=person, name="A program", token_hash=person.bytes, scopes=["read"])
    token.expires_at = clock.now() + timedelta(days=1)
    account = ServiceAccount(person_id=person, institution_id=school.institution.id, secret_hash=b"", scopes=["read"])
    session.add_all((token, account))
    await session.flush()
    return dict.fromkeys(("api_token", "service_account"), f"person_id = '{person}'")


MORE_ROWS: Final[Sequence[AddRows]] = (
    insight_rows,
    guardian_rows,
    roster_rows,
    sender_rows,
    document_rows,
    statement_rows,
    set_aside_rows,
    forward_rows,
    messaging_rows,
    query_rows,
    template_rows,
    webhook_rows,
    second_factor_rows,
    key_rows,
    privacy_rows,
    person_rows,
    provider_rows,
    token_rows,
)
