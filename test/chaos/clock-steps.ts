/**
 * Loaded into an engine before anything else: its wall clock is as many milliseconds off as the file
 * named by CHAOS_CLOCK_FILE says, from one moment to the next. Clocks that only go forward are not
 * touched, as when an operator or NTP sets the time.
 */
import { readFileSync } from "node:fs";

const LOOK_EVERY_MS = 50;
const path = process.env.CHAOS_CLOCK_FILE ?? "";
const now = Date.now.bind(Date);
let offsetMs = 0;
let lookAtMs = 0;

Date.now = () => {
  if (performance.now() >= lookAtMs) {
    lookAtMs = performance.now() + LOOK_EVERY_MS;
    offsetMs = Number(readFileSync(path, "utf8"));
  }
  return now() + offsetMs;
};
globalThis.Date = new Proxy(Date, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [Date.now()] : args, newTarget) as Date,
});
