import { count, duration } from "./format.js";

/** One figure of `crunch status --json`, by its place there: `data.records`. */
export function Figure({ of, value }: { readonly of: string; readonly value: number }) {
  return (
    <data class="figure" value={String(value)} data-figure={of}>
      {count(value)}
    </data>
  );
}

/** The same of seconds; null where there is nothing to tell. */
export function Seconds({ of, value }: { readonly of: string; readonly value: number | null }) {
  return (
    <data class="figure" value={String(value)} data-figure={of}>
      {value === null ? "–" : duration(value)}
    </data>
  );
}
