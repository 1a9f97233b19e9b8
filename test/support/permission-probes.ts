/** What a server refuses a user, found out by trying. */
import { Events } from "nats";
import type { NatsConnection } from "nats";

/**
 * Publishes one empty message on each subject.
 *
 * @returns the subjects that the server refused
 */
export function refusedPublishes(nc: NatsConnection, subjects: readonly string[]): Promise<Set<string>> {
  return refused(nc, "publish", subjects, (subject) => nc.publish(subject));
}

/** Subscribes to each subject. @returns those that the server refused */
export function refusedSubscriptions(nc: NatsConnection, subjects: readonly string[]): Promise<Set<string>> {
  return refused(nc, "subscription", subjects, (subject) => {
    nc.subscribe(subject, { callback: () => undefined });
  });
}

async function refused(
  nc: NatsConnection,
  operation: string,
  subjects: readonly string[],
  attempt: (subject: string) => void,
): Promise<Set<string>> {
  const found = new Set<string>();
  void (async () => {
    for await (const { type, permissionContext } of nc.status()) {
      if (type === Events.Error && permissionContext?.operation === operation)
        found.add(permissionContext.subject);
    }
  })();
  for (const subject of subjects) attempt(subject);
  // The server answers in order: what it refuses was read before the answer to this.
  await nc.flush();
  await new Promise((resolve) => setImmediate(resolve));
  await nc.close();
  return found;
}

/** True if a subject with wildcards has another in it, as servers match them. */
export function matches(pattern: string, subject: string): boolean {
  const tokens = subject.split(".");
  const wanted = pattern.split(".");
  for (const [index, token] of wanted.entries()) {
    if (token === ">") return tokens.length > index;
    if (tokens[index] === undefined || (token !== "*" && token !== tokens[index])) return false;
  }
  return tokens.length === wanted.length;
}
