import type { Finding } from "./verdict.js";

const MARKS: Readonly<Record<Finding["level"] | "good", string>> = {
  bad: "✕",
  warn: "▲",
  note: "●",
  good: "✓",
};
const WORDS: Readonly<Record<Finding["level"], string>> = { bad: "Trouble", warn: "Look here", note: "Note" };

/** The one part of the page that is read out when it changes. */
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
    <section class="verdict" aria-label="Verdict" aria-live="polite">
      {isWell ? (
        <p class={isKnown ? "finding good" : "finding"}>
          <span class="mark" aria-hidden="true">
            {isKnown ? MARKS.good : MARKS.note}
          </span>
          {sentence}
        </p>
      ) : (
        <ul>
          {findings.map(({ level, text }) => (
            <li key={text} class={`finding ${level}`}>
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
