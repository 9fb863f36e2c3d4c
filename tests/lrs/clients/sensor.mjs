// What a tool does with ims-caliper, the sensor of 1EdTech as it is published on npm (Caliper 1.1). Everything goes
// through the library; only the answers, which it keeps to itself, are watched where it reads them.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const caliper = require("ims-caliper");
const sent = require("request");

const { XAPI_ENDPOINT, XAPI_TOKEN, XAPI_READER } = process.env;
const campus = "https://campus.example.edu";
const entities = caliper.EntityFactory();
const events = caliper.EventFactory();

const person = entities.create(caliper.Person, { id: `${campus}/people/s1200345` });
const quiz = entities.create(caliper.Assessment, { id: `${campus}/quizzes/9`, name: "Cells and tissues", maxScore: 20 });
const attempt = entities.create(caliper.Attempt, {
    id: `${quiz.id}/attempts/1`,
    assignee: person.id,
    assignable: quiz.id,
    count: 1,
    startedAtTime: "2026-11-21T10:05:00.000Z",
    endedAtTime: "2026-11-21T10:25:30.000Z",
    duration: "PT20M30S",
});
const event = (delegate, action, object, more = {}) =>
    events.create(delegate, {
        id: `urn:uuid:${crypto.randomUUID()}`,
        actor: person,
        action,
        object,
        eventTime: "2026-11-21T10:25:30.000Z",
        ...more,
    });

const data = [
    event(caliper.AssessmentEvent, caliper.Actions.started.term, quiz, { generated: attempt }),
    event(caliper.AssessmentEvent, caliper.Actions.submitted.term, quiz, { generated: attempt }),
    event(caliper.ViewEvent, caliper.Actions.viewed.term, entities.create(caliper.Document, { id: `${campus}/docs/1` })),
    event(caliper.SessionEvent, caliper.Actions.loggedIn.term, entities.create(caliper.SoftwareApplication, { id: campus })),
    // The context of an entity that is sent by itself is left to the tool.
    { "@context": caliper.Config.jsonldExternalCaliperContext, ...quiz },
];

function answered(token, envelope) {
    caliper.Client.initialize("academe", {
        ...caliper.HttpOptions,
        uri: `${XAPI_ENDPOINT}caliper`,
        json: true,
        headers: { Authorization: token, "Content-Type": "application/json" },
    });
    caliper.Sensor.registerClient(caliper.Client);
    return new Promise((resolve, reject) => {
        const init = sent.Request.prototype.init;
        sent.Request.prototype.init = function (options) {
            sent.Request.prototype.init = init;
            this.once("response", (response) => resolve(response.statusCode)).once("error", reject);
            return init.call(this, options);
        };
        caliper.Sensor.sendToClient(caliper.Client, envelope);
    });
}

caliper.Sensor.initialize(`${campus}/sensors/1`);
const envelope = caliper.Sensor.createEnvelope({ data });
const wrong = caliper.Sensor.createEnvelope({ data: [{ ...data[0], actor: null, id: "urn:uuid:no" }] });
console.log(
    JSON.stringify({
        taken: await answered(`Bearer ${XAPI_TOKEN}`, envelope),
        again: await answered(`Bearer ${XAPI_TOKEN}`, envelope),
        wrong: await answered(`Bearer ${XAPI_TOKEN}`, wrong),
        reader: await answered(`Bearer ${XAPI_READER}`, envelope),
        stranger: await answered("Bearer nobody", envelope),
        ids: data.slice(0, 4).map((each) => each.id.slice("urn:uuid:".length)),
    }),
);
