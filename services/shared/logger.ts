import { destination, pino, stdTimeFunctions } from "pino";
import type { DestinationStream, Logger } from "pino";

export type { Logger } from "pino";

/** Tells a person of something to act on. */
export type Warn = (details: Readonly<Record<string, unknown>>, message: string) => void;

/** LOG_FORMAT: one JSON object a line for programs, or a line for people. */
export type LogFormat = "pretty" | "json";

/**
 * Lines on stdout, written before the call returns so that a crash keeps its last words.
 *
 * @param format JSON unless stdout is a terminal, when undefined
 */
export async function createLogger(
  service: string,
  level: string,
  format: LogFormat | undefined,
): Promise<Logger> {
  const isPretty = (format ?? (process.stdout.isTTY ? "pretty" : "json")) === "pretty";
  const stream = isPretty ? await prettyStream() : destination({ fd: 1, sync: true });
  return pino({ base: { service, pid: process.pid }, level, timestamp: stdTimeFunctions.isoTime }, stream);
}

/** Loaded only where it is used: engines in containers start without it. */
async function prettyStream(): Promise<DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({
    destination: 1,
    sync: true,
    colorize: process.stdout.isTTY,
    translateTime: "SYS:yyyy-mm-dd HH:MM:ss.l",
    ignore: "pid,service",
    singleLine: true,
  });
}
