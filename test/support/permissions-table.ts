import { permissionsOf } from "../../services/shared/nats/permissions.js";
import type { Permission } from "../../services/shared/nats/permissions.js";
import { ROLES, ROLE_USES } from "../../services/shared/nats/roles.js";

/** What each user may do, as the Markdown of docs/security.md. */
export function permissionsTables(): string {
  return ROLES.map((role) => {
    const { publish, deny, subscribe } = permissionsOf(role, undefined);
    const rows = [
      ...rowsOf("publish", publish),
      ...rowsOf("not publish", deny),
      ...rowsOf("hear", subscribe),
    ];
    return [
      `### ${role}`,
      "",
      `${ROLE_USES[role]}.`,
      "",
      "| may | subject | why |",
      "| --- | --- | --- |",
      ...rows,
      "",
    ].join("\n");
  }).join("\n");
}

function rowsOf(what: string, permissions: readonly Permission[]): string[] {
  return permissions.map(({ subject, why }) => `| ${what} | \`${subject}\` | ${why} |`);
}
