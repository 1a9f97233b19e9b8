/** source -> data-engine -> DATA -> crunch-engine -> RESULTS -> results-engine -> table, as a picture. */
import type { ComponentChildren } from "preact";
import type { Status } from "../../status/status-report.js";
import { Figure, Seconds } from "./figure.js";
import { many, percent } from "./format.js";

/** A message that is unfinished for longer is worth a colour, in seconds. */
const SLOW_SECONDS = 30;

export function Path({ status }: { readonly status: Status }) {
  const { data, results } = status;
  return (
    <section class="card path" aria-labelledby="path-title">
      <h2 id="path-title">Path of the records</h2>
      <ol>
        <Node title="source" kind="end" about={aboutOf(status, "data-engine")} />
        <Arrow
          label="from the source to the data-engine"
          flows={data.recordsPerSecond > 0}
          count={<Figure of="published" value={status.published} />}
          unit="published"
          rate={<Figure of="data.recordsPerSecond" value={data.recordsPerSecond} />}
        />
        <Engine service="data-engine" status={status} />
        <Arrow
          label="from the data-engine to DATA"
          flows={data.recordsPerSecond > 0}
          count={<Figure of="data.records" value={data.records} />}
          unit="records"
          rate={<Figure of="data.recordsPerSecond" value={data.recordsPerSecond} />}
        />
        <Stream title="DATA" name="data" stage={data} />
        <Arrow
          label="from DATA to the crunch-engines"
          flows={results.recordsPerSecond > 0}
          count={<Figure of="data.pendingMessages" value={data.pendingMessages} />}
          unit="waiting"
          rate={<Figure of="results.recordsPerSecond" value={results.recordsPerSecond} />}
          lag={{ of: "data.oldestUnackedSeconds", seconds: data.oldestUnackedSeconds, word: "oldest" }}
        />
        <Engine service="crunch-engine" status={status} />
        <Arrow
          label="from the crunch-engines to RESULTS"
          flows={results.recordsPerSecond > 0}
          count={<Figure of="crunched" value={status.crunched} />}
          unit="crunched"
          rate={<Figure of="results.recordsPerSecond" value={results.recordsPerSecond} />}
          lag={{ of: "newestCrunchSeconds", seconds: status.newestCrunchSeconds, word: "after" }}
        />
        <Stream title="RESULTS" name="results" stage={results} />
        <Arrow
          label="from RESULTS to the results-engine"
          flows={status.storedPerSecond > 0}
          count={<Figure of="results.pendingMessages" value={results.pendingMessages} />}
          unit="waiting"
          rate={<Figure of="storedPerSecond" value={status.storedPerSecond} />}
          lag={{ of: "results.oldestUnackedSeconds", seconds: results.oldestUnackedSeconds, word: "oldest" }}
        />
        <Engine service="results-engine" status={status} />
        <Arrow
          label="from the results-engine to the table"
          flows={status.storedPerSecond > 0}
          count={<Figure of="stored" value={status.stored} />}
          unit="stored"
          rate={<Figure of="storedPerSecond" value={status.storedPerSecond} />}
          late={status.late}
        />
        <Node title="table" kind="end" about={aboutOf(status, "results-engine")} />
      </ol>
    </section>
  );
}

function Node(props: {
  readonly title: string;
  readonly kind: "end" | "engine" | "stream";
  readonly about?: string | undefined;
  readonly isWrong?: boolean;
  readonly children?: ComponentChildren;
}) {
  const { title, kind, about, isWrong = false, children } = props;
  return (
    <li class={`node ${kind}${isWrong ? " wrong" : ""}`}>
      <strong>{title}</strong>
      {children}
      {about !== undefined && (
        <span class="about" title={about}>
          {about}
        </span>
      )}
    </li>
  );
}

function Engine({ service, status }: { readonly service: string; readonly status: Status }) {
  const engines = status.engines.filter((engine) => engine.service === service);
  const running = engines.filter(({ state }) => state === "running").length;
  const gone = engines.length - running;
  return (
    <Node title={service} kind="engine" isWrong={gone > 0}>
      <span class="line">{running === 0 ? "none running" : `${String(running)} running`}</span>
      {gone > 0 && (
        <span class="line alarm">
          <span aria-hidden="true">✕ </span>
          {String(gone)} gone
        </span>
      )}
    </Node>
  );
}

function Stream(props: {
  readonly title: string;
  readonly name: "data" | "results";
  readonly stage: Status["data"];
}) {
  const { title, name, stage } = props;
  const { streamBytes, streamMaxBytes } = stage;
  const full = percent(streamBytes, streamMaxBytes);
  return (
    <Node title={title} kind="stream">
      <span class="line">
        <Figure of={`${name}.unackedMessages`} value={stage.unackedMessages} /> in hand
      </span>
      {full !== undefined && (
        <>
          <meter
            min={0}
            max={streamMaxBytes}
            high={0.8 * streamMaxBytes}
            optimum={0}
            value={streamBytes}
            aria-label={`How full ${title} is`}
          />
          <span class="line quiet">
            <data value={String(streamBytes)} data-figure={`${name}.streamBytes`}>
              {full}
            </data>{" "}
            full
          </span>
        </>
      )}
    </Node>
  );
}

function Arrow(props: {
  readonly label: string;
  readonly flows: boolean;
  readonly count: ComponentChildren;
  readonly unit: string;
  readonly rate: ComponentChildren;
  readonly lag?: { readonly of: string; readonly seconds: number | null; readonly word: string };
  readonly late?: number;
}) {
  const { label, flows, count, unit, rate, lag, late } = props;
  const isSlow = (lag?.seconds ?? 0) >= SLOW_SECONDS;
  return (
    <li class={`arrow${flows ? " flows" : ""}`} aria-label={label}>
      <span class="above">
        {count} <span class="unit">{unit}</span>
      </span>
      <span class="shaft" aria-hidden="true" />
      <span class="below">
        {rate}
        <span class="unit">/s</span>
      </span>
      {lag !== undefined && (
        <span class={`below${isSlow ? " warning" : ""}`}>
          <span class="unit">{lag.word} </span>
          <Seconds of={lag.of} value={lag.seconds} />
        </span>
      )}
      {late !== undefined && (
        <span class={`below${late > 0 ? " warning" : ""}`} title={many(late, "row")}>
          <Figure of="late" value={late} /> <span class="unit">late</span>
        </span>
      )}
    </li>
  );
}

/** Source or sink, as the newest engine of the service names it. */
function aboutOf({ engines }: Status, service: string): string | undefined {
  const ours = engines.filter((engine) => engine.service === service);
  return (ours.findLast(({ state }) => state === "running") ?? ours.at(-1))?.about;
}
