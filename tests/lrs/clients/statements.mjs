// What a page or tool does with @xapi/xapi: everything goes through the library, nothing through fetch.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";

const XAPI = createRequire(import.meta.url)("@xapi/xapi");

const { XAPI_ENDPOINT, XAPI_KEY, XAPI_SECRET } = process.env;
const auth = XAPI.toBasicAuth(XAPI_KEY, XAPI_SECRET);
const agent = { objectType: "Agent", mbox: "mailto:ada@example.com", name: "Ada" };
const activityId = "https://campus.example.edu/quiz/4";
const answered = (parts = {}) => ({
    actor: agent,
    verb: { id: "http://adlnet.gov/expapi/verbs/answered", display: { en: "answered" } },
    object: { objectType: "Activity", id: activityId, definition: { name: { en: "Quiz 4" } } },
    ...parts,
});

async function refused(promise) {
    try {
        await promise;
        return null;
    } catch (error) {
        return error.response?.status ?? error.status ?? String(error);
    }
}

async function statements(xapi) {
    const one = await xapi.sendStatement({ statement: answered({ result: { score: { scaled: 0.5 } } }) });
    const many = await xapi.sendStatements({ statements: [answered(), answered(), answered()] });
    const single = await xapi.getStatement({ statementId: one.data[0] });
    const page = await xapi.getStatements({ agent, verb: answered().verb.id, activity: activityId, limit: 2 });
    const next = await xapi.getMoreStatements({ more: page.data.more });
    const voiding = await xapi.voidStatement({ actor: agent, statementId: many.data[1] });
    const voided = await xapi.getVoidedStatement({ voidedStatementId: many.data[1] });
    return {
        sent: [one.data[0], ...many.data],
        scaled: single.data.result.score.scaled,
        version: single.data.version,
        authority: single.data.authority.account.name,
        pages: [...page.data.statements, ...next.data.statements].map((statement) => statement.id),
        more: next.data.more,
        voiding: voiding.data[0],
        voided: voided.data.id,
        missing: await refused(xapi.getStatement({ statementId: many.data[1] })),
        bad: await refused(xapi.sendStatement({ statement: answered({ actor: {} }) })),
        conflict: await refused(xapi.sendStatement({ statement: answered({ id: one.data[0], actor: { mbox: "mailto:b@example.com" } }) })),
    };
}

async function attachments(xapi) {
    // In one line: of more, the library gives back the last one only.
    const content = new TextEncoder().encode("A certificate, of which every byte counts: \u00e9");
    const attachment = {
        usageType: "https://example.com/certificate",
        display: { en: "Certificate" },
        contentType: "text/plain; charset=utf-8",
        length: content.length,
        sha2: createHash("sha256").update(content).digest("hex"),
    };
    const sent = await xapi.sendStatement({ statement: answered({ attachments: [attachment] }), attachments: [content.buffer] });
    const back = await xapi.getStatement({ statementId: sent.data[0], attachments: true });
    return { id: back.data[0].id === sent.data[0], parts: back.data.length, content: String(back.data[1]) };
}

async function documents(xapi) {
    const place = { agent, activityId, stateId: "bookmark" };
    await xapi.setState({ ...place, state: { page: 1, seen: true } });
    await xapi.createState({ ...place, state: { page: 2 }, });
    const state = await xapi.getState(place);
    const states = await xapi.getStates({ agent, activityId });
    const stale = await refused(xapi.setState({ ...place, state: { page: 3 }, etag: '"0000"', matchHeader: "If-Match" }));
    await xapi.setState({ ...place, state: { page: 3 }, etag: state.headers.etag, matchHeader: "If-Match" });
    const changed = await xapi.getState(place);
    await xapi.deleteState(place);
    await xapi.setAgentProfile({ agent, profileId: "likes", profile: { tea: true }, etag: "*", matchHeader: "If-None-Match" });
    await xapi.setActivityProfile({ activityId, profileId: "grades", profile: { best: 1 }, etag: "*", matchHeader: "If-None-Match" });
    const likes = await xapi.getAgentProfile({ agent, profileId: "likes" });
    const grades = await xapi.getActivityProfile({ activityId, profileId: "grades" });
    const person = await xapi.getAgent({ agent });
    const activity = await xapi.getActivity({ activityId });
    return {
        state: state.data, states: states.data, stale, changed: changed.data, gone: await refused(xapi.getState(place)),
        likes: likes.data, grades: grades.data,
        names: person.data.name, activity: activity.data.definition.name.en,
        about: (await xapi.getAbout()).data.version,
        stranger: await refused(new XAPI({ endpoint: XAPI_ENDPOINT, auth: XAPI.toBasicAuth("client", "wrong") }).getStatements({})),
    };
}

const found = {};
for (const version of ["1.0.3", "2.0.0"]) {
    const xapi = new XAPI({ endpoint: XAPI_ENDPOINT, auth, version });
    // In Node, its other adapter sends application/octet-stream where the library says multipart/mixed.
    const overFetch = new XAPI({ endpoint: XAPI_ENDPOINT, auth, version, adapter: "fetch" });
    found[version] = { ...(await statements(xapi)), attachment: await attachments(overFetch) };
}
found.documents = await documents(new XAPI({ endpoint: XAPI_ENDPOINT, auth }));
console.log(JSON.stringify(found));
