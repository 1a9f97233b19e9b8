/** Entries -> asked for -> out of PARKED for good. */
import type { ParkedEntry, ParkedStore } from "../shared/parked-store.js";
import type { ParkedFilter } from "./parked-filter.js";
import { selected } from "./selection.js";

/** What became of the entries. */
export interface DropCounts {
  readonly dropped: number;
  /** Records in them: as many leave the account. */
  readonly records: number;
  /** Asked for by number and not parked (any more). */
  readonly missing: number;
}

/**
 * Drops what matches now. What is parked while the question waits stays.
 *
 * @returns undefined if `confirm` said no
 */
export async function drop(
  store: ParkedStore,
  filter: ParkedFilter,
  confirm: (question: string) => Promise<boolean>,
): Promise<DropCounts | undefined> {
  // Without their bytes: there may be many.
  const entries: ParkedEntry[] = [];
  for await (const entry of selected(store, filter)) entries.push({ ...entry, payload: new Uint8Array() });
  const records = entries.reduce((sum, entry) => sum + entry.records, 0);
  if (entries.length > 0) {
    const what = `${String(entries.length)} parked ${entries.length === 1 ? "item" : "items"}`;
    if (!(await confirm(`Drop ${what} (${String(records)} records) for ever?`))) return undefined;
  }
  for (const entry of entries) await store.remove(entry);
  const wanted = Math.min(filter.limit, filter.sequences.size);
  return { dropped: entries.length, records, missing: Math.max(0, wanted - entries.length) };
}
