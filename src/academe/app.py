"""The web application: the one file that knows every module's routes, pages and navigation.

A module arrives here with a line in each of the tuples below; nothing else registers anything.
"""

import gc
from collections.abc import Sequence
from functools import partial
from typing import Final

from fastapi import APIRouter, FastAPI

from academe.academics import audiences, directory, notices
from academe.academics import events as academic_events
from academe.academics import pages as academics_pages
from academe.academics import routes as academics_routes
from academe.academics.attendance import pages as attendance_pages
from academe.academics.attendance import routes as attendance_routes
from academe.academics.children import pages as child_pages
from academe.academics.children import routes as child_routes
from academe.academics.offering_head import add_offering_tab
from academe.academics.opened import pages as opened_pages
from academe.academics.opened import routes as opened_routes
from academe.academics.people_queries import pages as query_pages
from academe.academics.people_queries import routes as query_routes
from academe.academics.queries import offering_scopes
from academe.academics.reasons import teaching_reasons
from academe.academics.roster import pages as roster_pages
from academe.academics.roster import routes as roster_routes
from academe.academics.roster_import import pages as import_pages
from academe.academics.roster_import import routes as import_routes
from academe.academics.staffing import pages as staffing_pages
from academe.academics.staffing import routes as staffing_routes
from academe.identity import pages as identity_pages
from academe.identity import routes as identity_routes
from academe.identity.access.explanation import pages as explanation_pages
from academe.identity.access.explanation.queries import add_reason_source
from academe.identity.access.grants import pages as grant_pages
from academe.identity.access.grants import routes as grant_routes
from academe.identity.access.guardians import pages as guardian_pages
from academe.identity.access.guardians import routes as guardian_routes
from academe.identity.access.guardians.queries import guardian_scopes
from academe.identity.access.masquerade import pages as masquerade_pages
from academe.identity.access.masquerade import routes as masquerade_routes
from academe.identity.access.tree import pages as tree_pages
from academe.identity.access.tree import routes as tree_routes
from academe.identity.api import BreachedPasswords, actor_resolver
from academe.identity.passkeys import pages as passkey_pages
from academe.identity.passkeys import routes as passkey_routes
from academe.identity.people import identities, profile_pages
from academe.identity.people import pages as people_pages
from academe.identity.people import routes as people_routes
from academe.identity.people.cards import add_person_card
from academe.identity.people.queries import add_person_finder, filter_by_program
from academe.identity.people_import import pages as people_import_pages
from academe.identity.people_import import routes as people_import_routes
from academe.identity.people_merge import pages as merge_pages
from academe.identity.privacy.audit import pages as audit_pages
from academe.identity.privacy.audit import routes as audit_routes
from academe.identity.privacy.consents import pages as consent_pages
from academe.identity.privacy.consents import routes as consent_routes
from academe.identity.privacy.directory import pages as listing_pages
from academe.identity.privacy.directory import routes as listing_routes
from academe.identity.privacy.emergency import pages as emergency_pages
from academe.identity.privacy.emergency import routes as emergency_routes
from academe.identity.privacy.holds import pages as hold_pages
from academe.identity.privacy.holds import routes as hold_routes
from academe.identity.privacy.record import pages as record_pages
from academe.identity.privacy.record import routes as record_routes
from academe.identity.privacy.rectification import pages as rectification_pages
from academe.identity.privacy.rectification import routes as rectification_routes
from academe.identity.privacy.restriction import pages as restriction_pages
from academe.identity.privacy.restriction import routes as restriction_routes
from academe.identity.providers import pages as provider_pages
from academe.identity.providers import routes as provider_routes
from academe.identity.providers import sign_in_pages as provider_sign_in_pages
from academe.identity.second_factor import pages as second_factor_pages
from academe.identity.second_factor import routes as second_factor_routes
from academe.identity.second_factor import rule_pages
from academe.identity.sign_in import link_pages
from academe.identity.tokens import pages as token_pages
from academe.identity.tokens import routes as token_routes
from academe.identity.tokens.bearer import bearer_resolver
from academe.identity.tokens.scopes import area_of
from academe.insight import events as insight_events
from academe.insight import pages as insight_pages
from academe.insight.student import pages as student_pages
from academe.insight.worklist import pages as worklist_pages
from academe.insight.worklist import routes as worklist_routes
from academe.lrs.forwarding import pages as forwarding_pages
from academe.lrs.forwarding import routes as forwarding_routes
from academe.lrs.forwarding.status import forward_figures, forwards_check
from academe.lrs.http.endpoint import XapiEndpoint
from academe.lrs.privacy import pages as privacy_pages
from academe.lrs.privacy import retention_pages
from academe.lrs.privacy import routes as privacy_routes
from academe.lrs.senders import pages as sender_pages
from academe.lrs.senders import routes as sender_routes
from academe.lrs.set_aside import pages as set_aside_pages
from academe.lrs.set_aside import routes as set_aside_routes
from academe.lrs.spool.watch import collect, spool_check
from academe.lrs.watching import pages as watching_pages
from academe.lrs.watching import routes as watching_routes
from academe.messaging.announcements import pages as announcement_pages
from academe.messaging.announcements import routes as announcement_routes
from academe.messaging.api import register_audience, register_event, register_template_kind
from academe.messaging.mail import pages as mail_pages
from academe.messaging.mail import routes as mail_routes
from academe.messaging.message_templates import pages as template_pages
from academe.messaging.message_templates import routes as template_routes
from academe.messaging.notifications import pages as notification_pages
from academe.messaging.notifications import routes as notification_routes
from academe.messaging.notifications.live import LiveBells
from academe.messaging.webhooks import known as known_events
from academe.messaging.webhooks import pages as webhook_pages
from academe.messaging.webhooks import routes as webhook_routes
from academe.operations.erasure import pages as erasure_pages
from academe.operations.erasure import routes as erasure_routes
from academe.operations.retention import pages as rule_of_retention_pages
from academe.operations.retention import routes as rule_of_retention_routes
from academe.operations.subject_access import pages as export_pages
from academe.operations.subject_access import routes as export_routes
from academe.operations.tables import changing_pages as table_changing_pages
from academe.operations.tables import pages as table_pages
from academe.platform import job_pages, styleguide
from academe.platform.database import migrate
from academe.platform.database.session import Database
from academe.platform.http import health
from academe.platform.http.application import build_application
from academe.platform.logging import configure_logging
from academe.platform.pages import STATIC_URL, NavigationEntry, PageKit, static_files
from academe.platform.settings import Settings, get_settings

ROUTERS: Final[Sequence[APIRouter]] = (
    identity_routes.router,
    identity_pages.router,
    link_pages.router,
    identities.router,
    second_factor_routes.router,
    second_factor_pages.router,
    rule_pages.router,
    *token_routes.ROUTERS,
    token_pages.router,
    provider_routes.router,
    provider_sign_in_pages.router,
    provider_pages.router,
    passkey_routes.router,
    passkey_pages.router,
    grant_routes.router,
    guardian_routes.router,
    guardian_pages.router,
    explanation_pages.router,
    emergency_routes.router,
    emergency_pages.router,
    masquerade_routes.router,
    masquerade_pages.router,
    grant_pages.router,
    tree_routes.router,
    tree_pages.router,
    people_import_routes.router,  # before the people's own: its addresses are one step of theirs
    people_import_pages.router,
    people_routes.router,
    merge_pages.api,
    merge_pages.router,
    profile_pages.api,
    profile_pages.router,
    people_pages.router,
    record_routes.router,
    record_pages.router,
    rectification_routes.router,
    rectification_pages.router,
    consent_routes.router,
    consent_pages.router,
    restriction_routes.router,
    restriction_pages.router,
    listing_routes.router,
    listing_pages.router,
    hold_routes.router,
    hold_pages.router,
    erasure_routes.router,
    erasure_pages.router,
    export_routes.router,
    export_pages.router,
    export_pages.own_router,
    audit_routes.router,
    audit_routes.downloads,
    audit_pages.router,
    notification_routes.router,
    notification_pages.router,
    announcement_routes.router,
    announcement_pages.router,
    mail_routes.router,
    mail_pages.router,
    query_routes.router,
    query_pages.router,
    template_routes.router,
    template_pages.router,
    webhook_routes.router,
    webhook_pages.router,
    academics_routes.router,
    academics_pages.router,
    roster_routes.router,
    roster_routes.downloads,
    import_routes.router,
    import_pages.router,  # before the roster's own: its pages are one step of the same addresses
    roster_pages.router,
    opened_routes.router,
    opened_pages.router,
    child_routes.router,
    child_pages.router,
    staffing_routes.router,
    staffing_pages.router,
    attendance_routes.router,
    attendance_pages.router,
    worklist_routes.router,
    worklist_pages.router,
    student_pages.router,
    insight_pages.router,
    sender_routes.router,
    sender_pages.router,
    forwarding_routes.router,
    forwarding_pages.router,
    watching_routes.router,
    watching_pages.router,
    set_aside_routes.router,
    set_aside_pages.router,
    privacy_routes.router,
    privacy_routes.retention_router,
    privacy_pages.router,
    retention_pages.router,
    rule_of_retention_routes.router,
    rule_of_retention_pages.router,
    table_pages.api,
    table_changing_pages.api,
    table_pages.router,
    table_changing_pages.router,
    job_pages.router,
    styleguide.router,
)
"""Every module's `routes.router` and `pages.router`."""

NAVIGATION: Final[Sequence[NavigationEntry]] = (
    *worklist_pages.NAVIGATION_FIRST,
    *academics_pages.NAVIGATION,
    *worklist_pages.NAVIGATION,
    *insight_pages.NAVIGATION,
    *student_pages.NAVIGATION,
    *child_pages.NAVIGATION,
    *people_pages.NAVIGATION,
    *tree_pages.NAVIGATION,
    *rectification_pages.NAVIGATION,
    *audit_pages.NAVIGATION,
    *emergency_pages.NAVIGATION,
    *watching_pages.NAVIGATION,
    *sender_pages.NAVIGATION,
    *forwarding_pages.NAVIGATION,
    *retention_pages.NAVIGATION,
    *privacy_pages.NAVIGATION,
    *announcement_pages.NAVIGATION,
    *query_pages.NAVIGATION,
    *template_pages.NAVIGATION,
    *mail_pages.NAVIGATION,
    *webhook_pages.NAVIGATION,
    *table_pages.NAVIGATION,
    *rule_of_retention_pages.NAVIGATION,
    *consent_pages.NAVIGATION,
    *rule_pages.NAVIGATION,
    *provider_pages.NAVIGATION,
    *token_pages.NAVIGATION,
)
"""Every module's `pages.NAVIGATION`, in the order in which it is shown."""

TEMPLATE_PACKAGES: Final[Sequence[str]] = (
    "academe.operations",
    "academe.lrs",
    "academe.identity",
    "academe.messaging",
    "academe.academics",
    "academe.insight",
)
"""The packages with a `templates` folder; platform's own is always searched."""


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """The application of one process.

    `database` is for tests and tools that have one open already and close it themselves; without it the
    application opens its own at start-up and closes it at the end.
    """
    settings = settings or get_settings()
    for tab in worklist_pages.OFFERING_TABS:
        add_offering_tab(tab)
    add_person_card("roles", grant_pages.roles_card)
    add_person_card("access", explanation_pages.access_card)
    add_reason_source("teaching", teaching_reasons)
    add_person_card("guardians", guardian_pages.guardians_card)
    add_person_card("second factor", second_factor_pages.factor_card)
    add_person_card("sign-in identities", identities.identities_card)
    add_person_card("emergency", emergency_pages.opening_card)
    add_person_card("masquerade", masquerade_pages.masquerade_card)
    add_person_card("record", record_pages.record_card)
    add_person_card("legal holds", hold_pages.holds_card)
    add_person_card("restriction", restriction_pages.restriction_card)
    add_person_card("copy", export_pages.export_card)
    add_person_card("erasure", erasure_pages.erasure_card)
    add_person_finder("student number", directory.people_by_number)
    filter_by_program(directory.PROGRAMS)
    BreachedPasswords(settings.breached_passwords).check()
    endpoint = XapiEndpoint(settings, lambda: app.state.database)

    def needed() -> bool:
        return not endpoint.spool.carries_on

    scope_sources = (offering_scopes, guardian_scopes)
    for source in audiences.SOURCES:
        register_audience(source)
    for kind in (*known_events.EVENTS, *academic_events.EVENTS, *insight_events.EVENTS):
        register_event(kind)
    for wording in notices.TEMPLATE_KINDS:
        register_template_kind(wording)
    app = build_application(
        settings,
        ROUTERS,
        database=database,
        resolve_actor=actor_resolver(settings, scope_sources, bearer=bearer_resolver(scope_sources)),
        checks_of=lambda opened: (
            health.database_check(opened, needed),
            health.migrations_check(opened, migrate.head, needed),
            health.queue_check(opened, needed),
            health.disk_check(settings.data_dir),
            spool_check(endpoint.spool),
            forwards_check(opened),
        ),
        running=endpoint.running,
        collectors=(partial(collect, endpoint.spool), lambda: forward_figures(app.state.database)),
    )
    app.state.page_kit = PageKit(
        template_packages=TEMPLATE_PACKAGES,
        secret=settings.signing_key.decode(),
        navigation=NAVIGATION,
        account_url="/account",
        inbox_url=notification_pages.INBOX,
        auto_reload=settings.reload_templates,
    )
    app.state.api_areas = sorted({area_of(str(router.tags[0])) for router in ROUTERS if router.tags})
    app.state.live_bells = LiveBells(lambda: app.state.database)
    app.mount(STATIC_URL, static_files(), name="static")
    # The last one added is the outermost: programs that send statements pass by everything that is for people.
    app.add_middleware(endpoint.edge())
    return app


def served() -> FastAPI:
    """The application as a server process runs it; `platform.http.server` names this function."""
    settings = get_settings()
    configure_logging(settings)
    app = create_app(settings)
    # What is loaded by now stays until the end: the garbage collector need not walk it in every round.
    gc.collect()
    gc.freeze()
    # A batch of 500 statements is some 50,000 objects: at the usual 700, looking through them costs more than checking.
    gc.set_threshold(50_000, 20, 20)
    return app
