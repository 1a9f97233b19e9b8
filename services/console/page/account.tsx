/** published = stored + repeats + parked + outstanding, with the share of each. */
import type { Status } from "../../status/status-report.js";
import { Figure } from "./figure.js";
import { duration } from "./format.js";

const TERMS = ["stored", "repeats", "parked", "outstanding"] as const;

export function Account({ status }: { readonly status: Status }) {
  const { published, unaccounted, late, drainSeconds, outstanding } = status;
  return (
    <section class="card account" id="account" tabIndex={-1} aria-labelledby="account-title">
      <h2 id="account-title">Account of every record</h2>
      <dl class="equation">
        <Term name="published" value={published} />
        {TERMS.map((name, index) => (
          <Term key={name} name={name} value={status[name]} sign={index === 0 ? "=" : "+"} isTerm />
        ))}
      </dl>
      <dl class="beside">
        <div class={unaccounted > 0 ? "alarm" : ""}>
          <dt>unaccounted</dt>
          <dd>
            <Figure of="unaccounted" value={unaccounted} />
          </dd>
        </div>
        <div class={late > 0 ? "warning" : ""}>
          <dt>late</dt>
          <dd>
            <Figure of="late" value={late} />
          </dd>
        </div>
        <div>
          <dt>until drained</dt>
          <dd>
            <data value={String(drainSeconds)} data-figure="drainSeconds">
              {outstanding === 0
                ? "nothing to do"
                : drainSeconds === null
                  ? "nothing moves"
                  : duration(drainSeconds)}
            </data>
          </dd>
        </div>
      </dl>
      <div class="shares" aria-hidden="true">
        {TERMS.map((name) => (
          <span
            key={name}
            class={name}
            style={{ flexGrow: published === 0 ? 0 : status[name] / published }}
          />
        ))}
      </div>
    </section>
  );
}

function Term(props: {
  readonly name: string;
  readonly value: number;
  readonly sign?: string;
  readonly isTerm?: boolean;
}) {
  const { name, value, sign, isTerm = false } = props;
  return (
    <div class={`${name}${value === 0 && isTerm ? " zero" : ""}`}>
      {sign !== undefined && (
        <span class="sign" aria-hidden="true">
          {sign}
        </span>
      )}
      <dt>{name}</dt>
      <dd>
        <Figure of={name} value={value} />
      </dd>
    </div>
  );
}
