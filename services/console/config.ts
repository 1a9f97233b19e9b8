import { readFileSync } from "node:fs";
import * as z from "zod";
import {
  integerSetting,
  natsSettings,
  optionalTextSetting,
  readSettings,
  textSetting,
} from "../shared/config.js";
import type { Env } from "../shared/config.js";
import { UserError, messageOf } from "../shared/errors.js";
import type { AccessSettings } from "../shared/nats/access.js";

/** A shorter token could be guessed. */
const MIN_TOKEN_CHARS = 16;

/** Everything `crunch console` reads from its environment. */
export const consoleSettings = z.object({
  ...natsSettings,
  CONSOLE_PORT: integerSetting({
    min: 0,
    max: 65_535,
    default: 8088,
    about: "Port of the page; 0 takes any free port, named in the start line",
  }),
  CONSOLE_HOST: textSetting({ default: "127.0.0.1", about: "Address that CONSOLE_PORT listens on" }),
  CONSOLE_TOKEN: optionalTextSetting(
    "Whoever has it may replay from the page; without it the page is read-only. 16 characters or more",
  ),
  CONSOLE_TOKEN_FILE: optionalTextSetting("File that holds CONSOLE_TOKEN, to keep it out of the environment"),
});

/** The settings above, read. */
export interface ConsoleSettings {
  readonly natsUrl: string;
  /** How NATS is to know us. */
  readonly access: AccessSettings;
  readonly namespace: string | undefined;
  readonly port: number;
  readonly host: string;
  /** Undefined: the page is read-only. */
  readonly token: string | undefined;
}

/** @throws UserError that lists every problem, and never says a token */
export function readConsoleSettings(env: Env): ConsoleSettings {
  const settings = readSettings(consoleSettings, env);
  return {
    natsUrl: settings.NATS_URL,
    access: settings,
    namespace: settings.NAMESPACE,
    port: settings.CONSOLE_PORT,
    host: settings.CONSOLE_HOST,
    token: tokenOf(settings.CONSOLE_TOKEN, settings.CONSOLE_TOKEN_FILE),
  };
}

function tokenOf(given: string | undefined, path: string | undefined): string | undefined {
  if (path === undefined) return checked("CONSOLE_TOKEN", given);
  if (given !== undefined)
    throw new UserError("CONSOLE_TOKEN_FILE: give either it or CONSOLE_TOKEN, not both");
  const name = `CONSOLE_TOKEN_FILE="${path}"`;
  try {
    return checked(name, readFileSync(path, "utf8").trim());
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(`${name}: cannot be read: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** What a header can carry, without spaces. */
function checked(name: string, token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  if (token.length >= MIN_TOKEN_CHARS && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new UserError(
    `${name}: a token must be ${String(MIN_TOKEN_CHARS)} printable ASCII characters or more, without spaces`,
  );
}
