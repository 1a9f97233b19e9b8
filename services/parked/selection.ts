/** store + filter -> the entries that a command is about. */
import { UserError } from "../shared/errors.js";
import type { ParkedEntry, ParkedStore } from "../shared/parked-store.js";
import { isUnfiltered, matches } from "./parked-filter.js";
import type { ParkedFilter } from "./parked-filter.js";

/** Oldest first, `limit` at most; what is asked for by number and not there is left out. */
export async function* selected(
  store: ParkedStore,
  filter: ParkedFilter,
): AsyncGenerator<ParkedEntry, void, undefined> {
  const { sequences, limit } = filter;
  const most = sequences.size === 0 ? limit : Math.min(limit, sequences.size);
  const fromSequence = sequences.size === 0 ? 1 : Math.min(...sequences);
  let count = 0;
  for await (const entry of store.entries(fromSequence)) {
    if (!matches(filter, entry)) continue;
    yield entry;
    count += 1;
    if (count >= most) return;
  }
}

/**
 * Nobody changes everything by leaving something out.
 *
 * @throws UserError unless the filter, or `all`, says what is meant
 */
export function checkIsMeant(command: "replay" | "drop", filter: ParkedFilter, all: boolean): void {
  if (isUnfiltered(filter) === all) return;
  throw new UserError(
    all
      ? `crunch parked ${command} --all: takes no numbers or filters beside it`
      : `crunch parked ${command}: needs numbers as \`crunch parked list\` shows them, a filter, or --all`,
  );
}
