/** A nats-server with the users of `crunch nats-config`, as a user of the product would set it up. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, nkeyAuthenticator } from "nats";
import type { NatsConnection } from "nats";
import { writeNatsConfig } from "../../services/nats-config/nats-config.js";
import { inboxPrefixOf } from "../../services/shared/nats/roles.js";
import type { Role } from "../../services/shared/nats/roles.js";
import { NatsServer } from "./nats-server.js";
import { tempFolder } from "./temp-folder.js";

const HOSTS = ["localhost", "127.0.0.1"];

export interface SecuredOptions {
  readonly namespaces?: readonly (string | undefined)[];
  /** Encrypts every connection. Default false. */
  readonly tls?: boolean;
  readonly binary?: string;
}

export class SecuredNats {
  readonly #folder: ReturnType<typeof tempFolder>;
  readonly #isTls: boolean;
  readonly server: NatsServer;

  private constructor(folder: ReturnType<typeof tempFolder>, isTls: boolean, server: NatsServer) {
    this.#folder = folder;
    this.#isTls = isTls;
    this.server = server;
  }

  static async start(options: SecuredOptions = {}): Promise<SecuredNats> {
    const folder = tempFolder();
    const isTls = options.tls === true;
    for (const namespace of options.namespaces ?? [undefined]) {
      await writeNatsConfig({
        out: folder.path,
        namespace,
        hosts: isTls ? HOSTS : [],
        renew: false,
        note: () => undefined,
      });
    }
    const config = readFileSync(join(folder.path, "server/access.conf"), "utf8");
    const binary = options.binary === undefined ? {} : { binary: options.binary };
    return new SecuredNats(folder, isTls, await NatsServer.start({ config, ...binary }));
  }

  get url(): string {
    return this.server.url;
  }

  /** Where `crunch nats-config` wrote. */
  get folder(): string {
    return this.#folder.path;
  }

  /** What the environment of a program of this user needs. */
  env(role: Role, namespace?: string): Readonly<Record<string, string>> {
    const folder = join(this.#folder.path, role);
    return {
      NATS_URL: this.url,
      NATS_NKEY_FILE: join(folder, `${namespace ?? "default"}.nk`),
      ...(this.#isTls && { NATS_TLS_CA_FILE: join(folder, "ca.pem") }),
      ...(namespace !== undefined && { NAMESPACE: namespace }),
    };
  }

  /** A plain connection as this user. */
  connect(role: Role, namespace?: string): Promise<NatsConnection> {
    const { NATS_NKEY_FILE = "", NATS_TLS_CA_FILE } = this.env(role, namespace);
    const seed = new TextEncoder().encode(readFileSync(NATS_NKEY_FILE, "utf8").trim());
    return connect({
      servers: this.url,
      authenticator: nkeyAuthenticator(seed),
      inboxPrefix: inboxPrefixOf(role, namespace),
      ...(NATS_TLS_CA_FILE !== undefined && { tls: { caFile: NATS_TLS_CA_FILE } }),
    });
  }

  async stop(): Promise<void> {
    await this.server.stop();
    this.#folder.remove();
  }
}
