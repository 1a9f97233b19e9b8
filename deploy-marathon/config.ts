import * as z from "zod";
import { integerSetting, optionalTextSetting, readSettings, textSetting } from "../services/shared/config.js";
import type { Env } from "../services/shared/config.js";
import { UserError } from "../services/shared/errors.js";

/** Where Marathon is. */
export const marathonAddress = z.object({
  MARATHON_URL: textSetting({
    default: "http://127.0.0.1:8080",
    about: "Address of Marathon, without credentials",
  }),
});

/** Only ever read from the environment: what is on a command line can be seen by every user of the machine. */
const credentials = {
  MARATHON_USER: optionalTextSetting("Name for basic authentication"),
  MARATHON_PASSWORD: optionalTextSetting("Password for basic authentication"),
  MARATHON_TOKEN: optionalTextSetting("Token of DC/OS, instead of name and password"),
};

/** What `scale` can be told. */
export const scaleSettings = z.object({
  ...marathonAddress.shape,
  CRUNCH_APP: textSetting({ default: "/data-crunch/crunch-engine", about: "App whose instances are scaled" }),
  RESULTS_APP: textSetting({
    default: "/data-crunch/results-engine",
    about: "App whose /metrics tell the time until nothing is outstanding",
  }),
  MIN_ENGINES: integerSetting({ min: 1, max: 1_000, default: 1, about: "Never fewer crunch-engines" }),
  MAX_ENGINES: integerSetting({ min: 1, max: 1_000, default: 16, about: "Never more crunch-engines" }),
  TARGET_DRAIN_MS: integerSetting({
    min: 1_000,
    max: 86_400_000,
    default: 60_000,
    about: "More engines when draining would take longer, fewer when less than half of it, in milliseconds",
  }),
  UP_AFTER_MS: integerSetting({
    min: 0,
    max: 86_400_000,
    default: 60_000,
    about: "How long it must have been too slow, since the last change, in milliseconds",
  }),
  DOWN_AFTER_MS: integerSetting({
    min: 0,
    max: 86_400_000,
    default: 300_000,
    about: "How long it must have been fast, since the last change, in milliseconds",
  }),
  LOOK_EVERY_MS: integerSetting({
    min: 100,
    max: 3_600_000,
    default: 10_000,
    about: "Time between two looks, in milliseconds",
  }),
});

export type ScaleSettings = z.output<typeof scaleSettings>;

/** How to reach Marathon. */
export interface MarathonAccess {
  readonly url: URL;
  /** Value of the header Authorization. */
  readonly authorization: string | undefined;
}

/** @throws UserError that lists every problem */
export function readMarathonAccess(env: Env): MarathonAccess {
  const { MARATHON_URL: address } = readSettings(marathonAddress, env);
  const given = readSettings(z.object(credentials), env);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && (url.username !== "" || url.password !== "")) {
    throw new UserError(
      "MARATHON_URL: must hold no name or password; MARATHON_USER and MARATHON_PASSWORD in the environment do",
    );
  }
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.search + url.hash !== "") {
    // What is no address may still be a password.
    const shown = address.includes("@") ? "" : `="${address}"`;
    throw new UserError(`MARATHON_URL${shown}: must look like http://HOST:PORT`);
  }
  const { MARATHON_USER: user, MARATHON_PASSWORD: password, MARATHON_TOKEN: token } = given;
  if (token !== undefined && (user ?? password) !== undefined) {
    throw new UserError("MARATHON_TOKEN: must not be given beside MARATHON_USER and MARATHON_PASSWORD");
  }
  if ((user === undefined) !== (password === undefined)) {
    throw new UserError("MARATHON_USER and MARATHON_PASSWORD: must be given both or not at all");
  }
  if (/[\r\n\0]/.test(token ?? "")) throw new UserError("MARATHON_TOKEN: must be one line");
  const basic = Buffer.from(`${user ?? ""}:${password ?? ""}`).toString("base64");
  const authorization =
    token !== undefined ? `token=${token}` : user !== undefined ? `Basic ${basic}` : undefined;
  return { url, authorization };
}

/** @throws UserError that lists every problem */
export function readScaleSettings(env: Env): ScaleSettings {
  const settings = readSettings(scaleSettings, env);
  const problems = (["CRUNCH_APP", "RESULTS_APP"] as const)
    .filter((name) => !/^(\/[a-z0-9.-]+)+$/.test(settings[name]))
    .map(
      (name) =>
        `${name}="${settings[name]}": must be the absolute id of an app, such as /data-crunch/crunch-engine`,
    );
  if (settings.MIN_ENGINES > settings.MAX_ENGINES) {
    problems.push(
      `MIN_ENGINES="${String(settings.MIN_ENGINES)}": must be at most MAX_ENGINES="${String(settings.MAX_ENGINES)}"`,
    );
  }
  if (problems.length > 0) throw new UserError(problems);
  return settings;
}
