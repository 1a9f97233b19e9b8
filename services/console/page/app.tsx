import { useState } from "preact/hooks";
import type { ConsoleLook } from "../console-look.js";
import { Account } from "./account.js";
import { Charts } from "./charts.js";
import { Engines } from "./engines.js";
import { time } from "./format.js";
import { Latest } from "./latest.js";
import { Parked } from "./parked.js";
import { Path } from "./path.js";
import { Verdict } from "./verdict-bar.js";
import { findingsOf } from "./verdict.js";
import { useLook } from "./use-look.js";

export function App() {
  const looked = useLook();
  const { look, history } = looked;
  // Kept as long as the page is open, and nowhere else.
  const [token, setToken] = useState("");
  const isStale = looked.silentSinceMs !== undefined || (look?.trouble ?? null) !== null;
  return (
    <>
      <Head look={look} />
      <main class={isStale ? "stale" : ""}>
        <Verdict findings={findingsOf(looked)} isKnown={look?.status != null} />
        {look?.status != null && (
          <>
            <Path status={look.status} />
            <Account status={look.status} />
            <Charts history={history} nowMs={look.nowMs} />
            <div class="columns">
              <Engines engines={look.status.engines} events={look.events} nowMs={look.nowMs} />
              <Parked
                parkedNow={look.status.parkedNow}
                parkedEver={look.status.parked}
                canReplay={look.canReplay}
                token={token}
                onToken={setToken}
              />
            </div>
            <Latest rows={look.latest} />
          </>
        )}
      </main>
    </>
  );
}

function Head({ look }: { readonly look: ConsoleLook | undefined }) {
  return (
    <header class="head">
      <h1>
        data-crunch <span class="quiet">console</span>
      </h1>
      {look !== undefined && (
        <dl class="where">
          <div>
            <dt>NATS</dt>
            <dd>{look.natsUrl}</dd>
          </div>
          {look.namespace !== null && (
            <div>
              <dt>namespace</dt>
              <dd>{look.namespace}</dd>
            </div>
          )}
          <div>
            <dt>looked</dt>
            <dd>
              <time
                data-looked-from={look.lookedFromMs}
                data-looked-until={look.lookedUntilMs}
                data-server-now={look.nowMs}
              >
                {look.lookedUntilMs === null ? "not yet" : time(look.lookedUntilMs)}
              </time>
            </dd>
          </div>
          <div>
            <dt>replay</dt>
            <dd>{look.canReplay ? "with the token" : "off: read-only"}</dd>
          </div>
        </dl>
      )}
    </header>
  );
}
