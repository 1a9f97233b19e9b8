import { pino, destination, stdTimeFunctions } from "pino";
import type { Logger } from "pino";

export type { Logger } from "pino";

/** JSON lines on stdout, written before the call returns so that a crash keeps its last words. */
export function createLogger(service: string, level: string): Logger {
  return pino(
    { base: { service, pid: process.pid }, level, timestamp: stdTimeFunctions.isoTime },
    destination({ fd: 1, sync: true }),
  );
}
