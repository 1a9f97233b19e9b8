/** Each user of NATS may do what its list says, and nothing else: tried one subject after the other. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { permissionsOf } from "../../services/shared/nats/permissions.js";
import { ROLES, inboxPrefixOf } from "../../services/shared/nats/roles.js";
import type { Role } from "../../services/shared/nats/roles.js";
import { matches, refusedPublishes, refusedSubscriptions } from "../support/permission-probes.js";
import { SecuredNats } from "../support/secured-nats.js";
import { until } from "../support/until.js";

const NAMESPACES = [undefined, "x"] as const;
/** A message of the stage that nobody took: what an ack would settle. */
const ACK_TAIL = "1.7.7.1700000000000000000.0";

/** A subject that a line with wildcards allows. */
const exampleOf = (pattern: string): string =>
  pattern.startsWith("$JS.ACK.")
    ? pattern.replace(".>", `.${ACK_TAIL}`).replaceAll("*", "hub")
    : pattern.replaceAll("*", "reader-1").replace(/>$/, "any.thing");

/** What nobody may do, not even the operator. */
const forbiddenToAll = (prefix: string): readonly string[] => [
  ...["DATA", "RESULTS", "PARKED", "STATE"].flatMap((kind) => [
    `$JS.API.STREAM.DELETE.${prefix}${kind}`,
    `$JS.API.STREAM.SNAPSHOT.${prefix}${kind}`,
    `$JS.API.STREAM.RESTORE.${prefix}${kind}`,
    `$JS.API.STREAM.PEER.REMOVE.${prefix}${kind}`,
    `$JS.API.STREAM.LEADER.STEPDOWN.${prefix}${kind}`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${prefix}${kind}.mine`,
    `$JS.API.CONSUMER.CREATE.${prefix}${kind}`,
  ]),
  `$JS.API.STREAM.PURGE.${prefix}PARKED`,
  `$JS.API.CONSUMER.DELETE.${prefix}DATA.crunch`,
  `$JS.API.CONSUMER.DELETE.${prefix}RESULTS.results`,
  "$JS.API.STREAM.CREATE.OTHER",
  "$JS.API.STREAM.NAMES",
  "$JS.API.STREAM.LIST",
  "$JS.API.META.LEADER.STEPDOWN",
  "$JS.API.ACCOUNT.PURGE.$G",
  "$SYS.REQ.SERVER.PING",
  "$SYS.REQ.ACCOUNT.PING.CONNZ",
  "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.DATA.crunch",
  "anything.else",
];

const HEARD_BY_NOBODY = [
  ">",
  "$SYS.>",
  "$JS.>",
  "$JS.ACK.>",
  "$JS.EVENT.>",
  "data",
  "data.frame",
  "x.>",
  "parked.>",
  "state.>",
];

describe("a user of NATS", () => {
  let nats: SecuredNats;
  before(async () => {
    nats = await SecuredNats.start({ namespaces: NAMESPACES });
  });
  after(() => nats.stop());

  /** Every subject that any user of any namespace may publish on, and those that nobody may. */
  const everyPublish = (): string[] => {
    const allowed = NAMESPACES.flatMap((namespace) =>
      ROLES.flatMap((role) => {
        const { publish, deny } = permissionsOf(role, namespace);
        return [...publish, ...deny].map(({ subject }) => exampleOf(subject));
      }),
    );
    const inboxes = ROLES.map((role) => `${inboxPrefixOf(role, undefined)}.abc.1`);
    return [...new Set([...allowed, ...forbiddenToAll(""), ...forbiddenToAll("x-"), ...inboxes])];
  };
  const everySubscription = (): string[] => {
    const heard = NAMESPACES.flatMap((namespace) =>
      ROLES.flatMap((role) => permissionsOf(role, namespace).subscribe.map(({ subject }) => subject)),
    );
    return [...new Set([...heard, ...HEARD_BY_NOBODY])];
  };
  const isAllowed = (role: Role, namespace: string | undefined, subject: string): boolean => {
    const { publish, deny } = permissionsOf(role, namespace);
    return (
      publish.some((line) => matches(line.subject, subject)) &&
      !deny.some((line) => matches(line.subject, subject))
    );
  };

  for (const namespace of NAMESPACES) {
    const where = namespace === undefined ? "" : ` in namespace ${namespace}`;
    for (const role of ROLES) {
      const { publish, deny, subscribe } = permissionsOf(role, namespace);

      it(`${role}${where} may publish on each of its ${String(publish.length)} subjects`, async () => {
        const subjects = publish.map(({ subject }) => exampleOf(subject));
        const refused = await refusedPublishes(await nats.connect(role, namespace), subjects);

        assert.deepEqual([...refused], []);
      });

      it(`${role}${where} may publish on no other: streams, durables, acks and inboxes of others`, async () => {
        const subjects = everyPublish().filter((subject) => !isAllowed(role, namespace, subject));
        const refused = await refusedPublishes(await nats.connect(role, namespace), subjects);

        assert.ok(subjects.length > 100, String(subjects.length));
        assert.deepEqual(
          subjects.filter((subject) => !refused.has(subject)),
          [],
        );
        for (const { subject } of deny) assert.ok(refused.has(exampleOf(subject)), subject);
        for (const subject of forbiddenToAll("")) assert.ok(refused.has(subject), subject);
      });

      it(`${role}${where} hears its own answers and nobody else's`, async () => {
        const own = subscribe.map(({ subject }) => subject);
        const refused = await refusedSubscriptions(await nats.connect(role, namespace), everySubscription());

        const expected = everySubscription().filter((subject) => !own.includes(subject));
        assert.deepEqual([...refused].sort(), expected.sort());
        for (const subject of HEARD_BY_NOBODY) assert.ok(refused.has(subject), subject);
      });
    }
  }

  it("status reaches no request to JetStream by a reader that is sent there", async () => {
    const operator = await nats.connect("operator", "x");
    const status = await nats.connect("status", "x");
    const api = "$JS.API";
    for (const [kind, subject] of [
      ["DATA", "x.data.frame"],
      ["RESULTS", "x.results.frame"],
    ]) {
      const config = { name: `x-${kind ?? ""}`, subjects: [subject], storage: "memory" };
      await operator.request(`${api}.STREAM.CREATE.${config.name}`, JSON.stringify(config));
    }
    const client = await nats.connect("client", "x");
    await client.jetstream().publish("x.data.frame");
    const readTo = async (name: string, deliver_subject: string): Promise<void> => {
      const policies = { ack_policy: "none", deliver_policy: "all", filter_subject: "x.data.frame" };
      const request = { stream_name: "x-DATA", config: { name, deliver_subject, ...policies } };
      const create = `${api}.CONSUMER.CREATE.x-DATA.${name}.x.data.frame`;
      const made = (await status.request(create, JSON.stringify(request))).json<{ error?: object }>();
      assert.equal(made.error, undefined);
    };
    const delivered = async (name: string): Promise<number | undefined> => {
      const list = await operator.request(`${api}.CONSUMER.LIST.x-DATA`, "{}");
      const { consumers } = list.json<{
        consumers: { name: string; delivered: { consumer_seq: number } }[];
      }>();
      return consumers.find((each) => each.name === name)?.delivered.consumer_seq;
    };
    await readTo("reader-1", `${api}.STREAM.DELETE.x-RESULTS`);
    await readTo("reader-2", "x.results.frame");
    await until(async () => (await delivered("reader-2")) === 1, 30_000, "what another subject gets");

    assert.equal(await delivered("reader-1"), 0);
    const results = await operator.request(`${api}.STREAM.INFO.x-RESULTS`);
    assert.equal(results.json<{ error?: object }>().error, undefined);
    await Promise.all([operator.close(), status.close(), client.close()]);
  });
});
