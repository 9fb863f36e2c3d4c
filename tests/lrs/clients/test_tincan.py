"""The PyPI client tincan, as it is published: statements, batches, queries, voiding, documents, attachments.

It speaks 1.0.x. Of attachments it knows the description and not the data, so they have a fileUrl here.
"""

import base64
import uuid
from typing import Any

import httpx
import pytest
from tincan import (
    Activity,
    ActivityDefinition,
    Agent,
    Attachment,
    LanguageMap,
    RemoteLRS,
    Result,
    Score,
    Statement,
    StatementRef,
    Verb,
)
from tincan.documents import ActivityProfileDocument, AgentProfileDocument, StateDocument

from tests.lrs.clients.conftest import Store

ADA = Agent(name="Ada", mbox="mailto:ada@example.com")
ANSWERED = Verb(id="http://adlnet.gov/expapi/verbs/answered", display=LanguageMap({"en-GB": "answered"}))
QUIZ = Activity(
    id="https://campus.example.edu/quiz/4", definition=ActivityDefinition(name=LanguageMap({"en-GB": "Quiz 4"}))
)


@pytest.fixture
def lrs(store: Store) -> RemoteLRS:
    """The client."""
    return RemoteLRS(version="1.0.3", endpoint=store.endpoint, username=store.key, password=store.secret)


def answered(**parts: Any) -> Statement:
    return Statement(**{"id": str(uuid.uuid4()), "actor": ADA, "verb": ANSWERED, "object": QUIZ, **parts})


def done(response: Any) -> Any:
    """What a request that succeeded brought."""
    assert response.success, response.data
    return response.content


def test_statements(lrs: RemoteLRS) -> None:
    one = answered(result=Result(score=Score(scaled=0.5), success=True, duration="PT1M30S"))
    done(lrs.save_statement(one))
    many = done(lrs.save_statements([answered(), answered(), answered()]))
    assert len({statement.id for statement in many}) == 3
    kept = done(lrs.retrieve_statement(one.id))
    assert (kept.result.score.scaled, kept.actor.mbox, kept.authority.account.name) == (0.5, ADA.mbox, "client")
    assert kept.stored is not None
    query = {"agent": ADA, "verb": ANSWERED, "activity": QUIZ, "limit": 3, "ascending": True}
    page = done(lrs.query_statements(query))
    rest = done(lrs.more_statements(page.more))
    assert [s.id for s in (*page.statements, *rest.statements)] == [one.id, *(statement.id for statement in many)]


def test_voiding(lrs: RemoteLRS) -> None:
    one = answered()
    done(lrs.save_statement(one))
    voided = Verb(id="http://adlnet.gov/expapi/verbs/voided", display=LanguageMap({"en": "voided"}))
    done(lrs.save_statement(answered(verb=voided, object=StatementRef(id=one.id))))
    assert lrs.retrieve_statement(one.id).response.status == 404
    assert done(lrs.retrieve_voided_statement(one.id)).id == one.id


def test_refusals(lrs: RemoteLRS, store: Store) -> None:
    one = answered()
    done(lrs.save_statement(one))
    assert lrs.save_statement(answered(id=one.id, actor=Agent(mbox="mailto:b@example.com"))).response.status == 409
    nobody = RemoteLRS(endpoint=store.endpoint, auth="Basic " + base64.b64encode(b"client:wrong").decode())
    assert nobody.save_statement(one).response.status == 401
    assert not nobody.query_statements({}).success


def test_attachments_by_their_address(lrs: RemoteLRS) -> None:
    attachment = Attachment(
        usage_type="https://example.com/certificate",
        display=LanguageMap({"en": "Certificate"}),
        content_type="text/plain",
        length=3,
        sha2="ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        fileurl="https://campus.example.edu/certificate/4",
    )
    one = answered(attachments=[attachment])
    done(lrs.save_statement(one))
    kept = done(lrs.retrieve_statement(one.id)).attachments[0]
    assert (kept.sha2, kept.fileurl, kept.length) == (attachment.sha2, attachment.fileurl, 3)


def test_documents(lrs: RemoteLRS) -> None:
    state = StateDocument(
        id="bookmark", agent=ADA, activity=QUIZ, content=bytearray(b'{"page": 3}'), content_type="application/json"
    )
    done(lrs.save_state(state))
    assert done(lrs.retrieve_state_ids(QUIZ, ADA)) == ["bookmark"]
    kept = done(lrs.retrieve_state(QUIZ, ADA, "bookmark"))
    assert bytes(kept.content) == b'{"page": 3}'
    done(lrs.delete_state(kept))
    assert done(lrs.retrieve_state_ids(QUIZ, ADA)) == []
    done(lrs.save_state(state))
    done(lrs.clear_state(QUIZ, ADA))
    assert done(lrs.retrieve_state_ids(QUIZ, ADA)) == []


def test_profiles(lrs: RemoteLRS, store: Store) -> None:
    likes = AgentProfileDocument(id="likes", agent=ADA, content=bytearray(b"tea"), content_type="text/plain")
    grades = ActivityProfileDocument(id="grades", activity=QUIZ, content=bytearray(b"1"), content_type="text/plain")
    # As published, it cannot say If-None-Match, without which the standard has the first PUT of a profile refused.
    assert lrs.save_agent_profile(likes).response.status == 400
    headers = {"Authorization": store.authorization, "X-Experience-API-Version": "1.0.3", "If-None-Match": "*"}
    with httpx.Client(base_url=store.endpoint, headers=headers) as other:
        of_agent = {"agent": ADA.to_json(), "profileId": "likes"}
        other.put("agents/profile", params=of_agent, content=b"coffee").raise_for_status()
        of_activity = {"activityId": QUIZ.id, "profileId": "grades"}
        other.put("activities/profile", params=of_activity, content=b"0").raise_for_status()
    likes.etag = grades.etag = "*"
    done(lrs.save_agent_profile(likes))
    done(lrs.save_activity_profile(grades))
    assert done(lrs.retrieve_agent_profile_ids(ADA)) == ["likes"]
    assert bytes(done(lrs.retrieve_agent_profile(ADA, "likes")).content) == b"tea"
    assert done(lrs.retrieve_activity_profile_ids(QUIZ)) == ["grades"]
    assert bytes(done(lrs.retrieve_activity_profile(QUIZ, "grades")).content) == b"1"
    done(lrs.delete_agent_profile(likes))
    assert done(lrs.retrieve_agent_profile_ids(ADA)) == []


def test_about(lrs: RemoteLRS) -> None:
    # As published, it takes no store for one that speaks a version after its own.
    with pytest.raises(ValueError, match=r"invalid value: '2\.0\.0'"):
        lrs.about()
