import { UserError } from "../../services/shared/errors.js";

/** What a person would be told; nothing when all is well. */
export function problemsOf(body: () => unknown): readonly string[] {
  try {
    body();
    return [];
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.problems;
    throw thrown;
  }
}
