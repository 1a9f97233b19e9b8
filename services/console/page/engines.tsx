import type { EngineEvent } from "../console-look.js";
import type { Status } from "../../status/status-report.js";
import { duration, time } from "./format.js";

/** Comings and goings that are shown. */
const EVENTS = 6;
const WORDS: Readonly<Record<EngineEvent["what"], { readonly mark: string; readonly text: string }>> = {
  joined: { mark: "+", text: "joined" },
  left: { mark: "−", text: "left" },
  missing: { mark: "✕", text: "is gone" },
  back: { mark: "+", text: "is back" },
};

export function Engines(props: {
  readonly engines: Status["engines"];
  readonly events: readonly EngineEvent[];
  readonly nowMs: number;
}) {
  const { engines, events, nowMs } = props;
  return (
    <section class="card engines" aria-labelledby="engines-title">
      <h2 id="engines-title">Engines</h2>
      {engines.length === 0 ? (
        <p class="quiet">No engine has shown itself.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Engines, as a table">
          <table>
            <thead>
              <tr>
                <th scope="col">engine</th>
                <th scope="col">state</th>
                <th scope="col" class="number">
                  up
                </th>
                <th scope="col" class="number">
                  heard
                </th>
                <th scope="col">where</th>
                <th scope="col">about</th>
              </tr>
            </thead>
            <tbody>
              {engines.map((engine) => (
                <EngineRow key={engine.engineId} engine={engine} nowMs={nowMs} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {events.length > 0 && (
        <ol class="events" aria-label="Engines that came and went, the newest first">
          {events.slice(0, EVENTS).map((event) => (
            <li key={`${String(event.atMs)} ${event.engineId} ${event.what}`} class={event.what}>
              <time class="quiet">{time(event.atMs)}</time>{" "}
              <span aria-hidden="true">{WORDS[event.what].mark}</span> {event.service} {event.host}{" "}
              {String(event.pid)} {WORDS[event.what].text}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function EngineRow({
  engine,
  nowMs,
}: {
  readonly engine: Status["engines"][number];
  readonly nowMs: number;
}) {
  const { engineId, service, state, host, pid, version, about, atMs, startedAtMs } = engine;
  const isGone = state === "missing";
  return (
    <tr class={isGone ? "gone" : ""} data-engine={engineId} data-state={state}>
      <th scope="row">{service}</th>
      <td class={isGone ? "alarm" : "well"}>
        <span aria-hidden="true">{isGone ? "✕" : "●"}</span> {isGone ? "gone" : "running"}
      </td>
      <td class="number">{duration(Math.max(0, atMs - startedAtMs) / 1_000)}</td>
      <td class="number">{duration(Math.max(0, nowMs - atMs) / 1_000)} ago</td>
      <td title={`version ${version}`}>
        {host} <span class="quiet">{String(pid)}</span>
      </td>
      <td class="about" title={about}>
        {about}
      </td>
    </tr>
  );
}
