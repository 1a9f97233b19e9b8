/** One parked item: its reason, where it came from, a look at its payload, and its way back. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ParkedDetail } from "../console-look.js";
import { fetchParkedItem } from "./api.js";
import { count, many } from "./format.js";
import { ReplayForm } from "./replay-form.js";
import type { ReplayProps } from "./replay-form.js";

export function ParkedDialog(
  props: ReplayProps & { readonly sequence: number; readonly onClose: () => void },
) {
  const { sequence, onClose, ...replay } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [detail, setDetail] = useState<ParkedDetail | undefined>(undefined);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    // By the browser itself: keeps the focus inside, closes on Escape, gives the focus back.
    dialog.current?.showModal();
    fetchParkedItem(sequence).then(setDetail, (thrown: unknown) => {
      setProblem(thrown instanceof Error ? thrown.message : String(thrown));
    });
  }, []);
  return (
    <dialog ref={dialog} class="card" aria-labelledby="dialog-title" onClose={onClose}>
      <div class="dialog-head">
        <h2 id="dialog-title">Parked item {sequence}</h2>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
      {problem !== "" && <p class="warning">{problem}</p>}
      {detail !== undefined && (
        <>
          <Facts detail={detail} />
          <h3>Error</h3>
          <pre tabIndex={0} aria-label="Error">
            {detail.error}
          </pre>
          <Payload detail={detail} />
          <ReplayForm {...replay} sequence={sequence} />
        </>
      )}
    </dialog>
  );
}

function Facts({ detail }: { readonly detail: ParkedDetail }) {
  const { origin } = detail;
  const facts: readonly (readonly [string, string])[] = [
    ["reason", detail.reason],
    ["parked at", detail.parkedAt],
    [
      "came from",
      origin === null ? "no message: a row of a source" : `${origin.stream} ${String(origin.sequence)}`,
    ],
    ["deliveries", origin === null ? "–" : String(origin.deliveries)],
    ["goes back to", detail.subject ?? "nowhere: it never was a message, or is gone"],
    ["parked by", detail.engine === "" ? "the server itself" : detail.engine],
    ["records", `${count(detail.records)}${detail.isWhole ? "" : "; the other half is missing"}`],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Payload({ detail }: { readonly detail: ParkedDetail }) {
  const { rows, rowCount, payloadBytes, shownBytes } = detail;
  return (
    <>
      <h3>
        Payload <span class="quiet">{many(payloadBytes, "byte")}</span>
      </h3>
      {rows !== null && (
        <pre tabIndex={0} aria-label="Payload as records">
          {rows.map((row) => JSON.stringify(row)).join("\n")}
          {rowCount > rows.length && `\n… and ${count(rowCount - rows.length)} more`}
        </pre>
      )}
      <pre tabIndex={0} aria-label="Payload as bytes">
        {detail.hexDump}
        {payloadBytes > shownBytes && `… and ${many(payloadBytes - shownBytes, "byte")} more`}
      </pre>
    </>
  );
}
