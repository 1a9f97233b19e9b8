import { many } from "./format.js";
import type { Finding } from "./verdict.js";

const MARKS: Readonly<Record<Finding["level"] | "good", string>> = {
  bad: "✕",
  warn: "▲",
  note: "●",
  good: "✓",
};
const WORDS: Readonly<Record<Finding["level"], string>> = { bad: "Trouble", warn: "Look here", note: "Note" };

/** What needs somebody, at a glance; how much of it is read out when that changes, and nothing else is. */
export function Verdict({
  findings,
  isKnown,
}: {
  readonly findings: readonly Finding[];
  readonly isKnown: boolean;
}) {
  const isWell = findings.length === 0;
  const sentence = isKnown ? "All is well: every record is accounted for" : "Looking for the pipeline …";
  return (
    <section class="verdict" aria-label="Verdict">
      <p class="unseen" role="status">
        {isWell ? "" : `${many(findings.length, "thing")} to look at`}
      </p>
      {isWell ? (
        <p class={isKnown ? "finding good" : "finding"}>
          <span class="mark" aria-hidden="true">
            {isKnown ? MARKS.good : MARKS.note}
          </span>
          {sentence}
        </p>
      ) : (
        <ul>
          {findings.map(({ level, text }, place) => (
            <li key={place} class={`finding ${level}`}>
              <span class="mark" aria-hidden="true">
                {MARKS[level]}
              </span>
              <span class="unseen">{WORDS[level]}: </span>
              {text}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
