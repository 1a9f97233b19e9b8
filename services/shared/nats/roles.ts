/**
 * Users of NATS: one a program, so that each may do its own work and nothing else. What each may do is
 * in `permissions.ts`.
 */

/** A NATS user of the product. */
export const ROLES = [
  "data-engine",
  "crunch-engine",
  "results-engine",
  "status",
  "console",
  "operator",
  "client",
] as const;

export type Role = (typeof ROLES)[number];

/** What each user is for, in a sentence without an end. */
export const ROLE_USES: Readonly<Record<Role, string>> = {
  "data-engine": "`crunch data`: publishes frames, and reads what is outstanding",
  "crunch-engine": "`crunch engine`: takes records, publishes results, trims DATA",
  "results-engine": "`crunch results`: takes results, keeps the ledger, trims RESULTS",
  status: "`crunch status`: reads, and changes nothing",
  console: "`crunch parked`: reads all that `status` does, and replays or drops what is parked",
  operator:
    "`crunch streams`, `crunch doctor`, `crunch up`: makes streams and durables, and may do what all others may",
  client: "other programs: publish records, and hear results",
};

/**
 * First part of the reply subjects of a user; nobody else may listen there. Programs of other people get
 * along with the default of every NATS client.
 */
export function inboxPrefixOf(role: Role, namespace: string | undefined): string {
  if (role === "client") return "_INBOX";
  return namespace === undefined ? `_INBOX_${role}` : `_INBOX_${namespace}-${role}`;
}
