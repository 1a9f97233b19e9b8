/** What the page asks the console for, beside the look of every second. */
import type { ParkedDetail, ParkedList, ReplayAnswer } from "../console-look.js";

/** What is held back is answered after 10 s. */
const PATIENCE_MS = 20_000;

export function fetchParked(reason: string, fromSequence: number): Promise<ParkedList> {
  const query = new URLSearchParams({ reason, from: String(fromSequence) });
  return asked(`api/parked?${query.toString()}`);
}

export function fetchParkedItem(sequence: number): Promise<ParkedDetail> {
  return asked(`api/parked/${String(sequence)}`);
}

/** Never throws: what went wrong is in the answer. */
export async function replayItem(sequence: number, token: string): Promise<ReplayAnswer> {
  try {
    const response = await fetch(`api/parked/${String(sequence)}/replay`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return (await response.json()) as ReplayAnswer;
  } catch (thrown) {
    return { ok: false, detail: `no answer: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  }
}

/** @throws Error with the console's own sentence */
async function asked<Answer>(address: string): Promise<Answer> {
  const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const answer = (await response.json()) as Answer & { readonly detail?: string };
  if (!response.ok) throw new Error(answer.detail ?? `the console answers ${String(response.status)}`);
  return answer;
}
