import { openSource } from "../data-engine/sources/index.js";

/**
 * Opens the source and closes it again, so that a mistake in SOURCE shows before anything is
 * started that writes.
 *
 * @throws UserError in one sentence with SOURCE and what is wrong
 */
export async function checkSource(text: string): Promise<void> {
  const source = await openSource(text, { lingerMs: 1_000 });
  await source.close();
}
