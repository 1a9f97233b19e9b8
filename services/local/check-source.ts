import { readDataSettings } from "../data-engine/config.js";
import { openSource } from "../data-engine/sources/index.js";
import type { Env } from "../shared/config.js";

/** Opens the source of SOURCE and closes it again. @throws UserError when it cannot be opened */
export async function checkSource(env: Env): Promise<void> {
  const settings = readDataSettings(env);
  const source = await openSource(settings.SOURCE, { lingerMs: settings.FRAME_LINGER_MS });
  await source.close();
}
