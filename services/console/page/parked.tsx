/** What is parked, by reason; each reason opens its items, each item a dialog. */
import { useState } from "preact/hooks";
import { count } from "./format.js";
import { ParkedDialog } from "./parked-dialog.js";
import { ParkedItems } from "./parked-items.js";
import type { ReplayProps } from "./replay-form.js";

export function Parked(
  props: ReplayProps & {
    readonly parkedNow: Readonly<Record<string, number>>;
    readonly parkedEver: number;
  },
) {
  const { parkedNow, parkedEver, ...replay } = props;
  const [reason, setReason] = useState<string | undefined>(undefined);
  const [sequence, setSequence] = useState<number | undefined>(undefined);
  const reasons = Object.entries(parkedNow);
  return (
    <section class="card parked" aria-labelledby="parked-title">
      <h2 id="parked-title">Parked</h2>
      {reasons.length === 0 ? (
        <p class="quiet">
          Nothing is parked now
          {parkedEver > 0 ? `; ${count(parkedEver)} once were, all replayed or dropped.` : "."}
        </p>
      ) : (
        <ul class="reasons">
          {reasons.map(([name, records]) => {
            const isOpen = name === reason;
            return (
              <li key={name}>
                <button
                  type="button"
                  class="reason"
                  aria-expanded={isOpen}
                  onClick={() => setReason(isOpen ? undefined : name)}
                >
                  <span class="twist" aria-hidden="true" />
                  {name}
                  <data class="figure" value={String(records)} data-figure={`parkedNow.${name}`}>
                    {count(records)}
                  </data>
                </button>
                {isOpen && <ParkedItems reason={name} records={records} onOpen={setSequence} />}
              </li>
            );
          })}
        </ul>
      )}
      {!replay.canReplay && (
        <p class="quiet">
          Read-only: no <code>CONSOLE_TOKEN</code> is set. <code>crunch parked replay</code> sends records
          again.
        </p>
      )}
      {sequence !== undefined && (
        <ParkedDialog key={sequence} {...replay} sequence={sequence} onClose={() => setSequence(undefined)} />
      )}
    </section>
  );
}
