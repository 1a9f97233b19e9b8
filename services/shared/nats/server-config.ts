/** The part of a NATS server's configuration that says who may connect and what they may do. */
import { permissionsOf } from "./permissions.js";
import type { Permission } from "./permissions.js";
import { ROLE_USES } from "./roles.js";
import type { Role } from "./roles.js";

/** A user as the server knows it. */
export interface ServerUser {
  readonly role: Role;
  readonly namespace: string | undefined;
  /** Public key of the user's nkey. */
  readonly publicKey: string;
}

/** Paths as the server sees them. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Demands a certificate of this authority of every client. */
  readonly clientCaFile?: string | undefined;
}

/** A file to `include` in a server's configuration, or to start a server with. Holds no secret. */
export function serverConfig(users: readonly ServerUser[], tls: ServerTls | undefined): string {
  return [
    "# Who may connect, and what each may do. Made by `crunch nats-config`; a next run writes it anew.",
    ...(tls === undefined ? [] : tlsLines(tls)),
    "authorization {",
    "  users: [",
    ...users.flatMap(userLines),
    "  ]",
    "}",
    "",
  ].join("\n");
}

/**
 * A file to start each server of a cluster with: its routes are encrypted, and taken only from a server that
 * shows a certificate of this authority. Without that, whoever reaches the port may do everything.
 *
 * @param accessFile beside this file, what {@link serverConfig} gives
 */
export function clusterConfig(accessFile: string, tls: ServerTls & { readonly caFile: string }): string {
  return [
    "# One server of a cluster, by --cluster_name, --cluster and --routes. Made by `crunch nats-config`.",
    `include ${quoted(accessFile)}`,
    "cluster {",
    ...tlsLines({ certFile: tls.certFile, keyFile: tls.keyFile, clientCaFile: tls.caFile }).map(
      (line) => `  ${line}`,
    ),
    "}",
    "",
  ].join("\n");
}

function tlsLines({ certFile, keyFile, clientCaFile }: ServerTls): string[] {
  return [
    "tls {",
    `  cert_file: ${quoted(certFile)}`,
    `  key_file: ${quoted(keyFile)}`,
    ...(clientCaFile === undefined ? [] : [`  ca_file: ${quoted(clientCaFile)}`, "  verify: true"]),
    "  # Slow machines and many clients at once.",
    "  timeout: 10",
    "}",
  ];
}

function userLines({ role, namespace, publicKey }: ServerUser): string[] {
  const { publish, deny, subscribe } = permissionsOf(role, namespace);
  return [
    `    # ${role}${namespace === undefined ? "" : ` in NAMESPACE=${namespace}`}: ${ROLE_USES[role].replaceAll("`", "")}`,
    "    {",
    `      nkey: ${publicKey}`,
    "      permissions: {",
    "        publish: {",
    ...listLines("allow", publish),
    ...listLines("deny", deny),
    "        }",
    "        subscribe: {",
    ...listLines("allow", subscribe),
    "        }",
    "      }",
    "    }",
  ];
}

function listLines(name: string, permissions: readonly Permission[]): string[] {
  if (permissions.length === 0) return [];
  return [
    `          ${name}: [`,
    ...permissions.map(({ subject, why }) => `            ${quoted(subject)} # ${why}`),
    "          ]",
  ];
}

/** The server reads escapes in quotes as JSON has them. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
