/** Figures and times for people. */

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** `1,234,567` */
export function count(value: number): string {
  return whole.format(value);
}

/** `1.23M`: for axes and narrow places */
export function shortCount(value: number): string {
  return Math.abs(value) < 10_000 ? whole.format(value) : short.format(value);
}

/** `0.3 s`, `42 s`, `3 min`, `2 h`, `5 d`: no more than is needed to act on it */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${String(Math.round(seconds))} s`;
  if (seconds < 5_400) return `${String(Math.round(seconds / 60))} min`;
  if (seconds < 129_600) return `${String(Math.round(seconds / 3_600))} h`;
  return `${String(Math.round(seconds / 86_400))} d`;
}

/** `12:03:11`, in the reader's time zone */
export function time(ms: number): string {
  return clock.format(ms);
}

/** `38 %`; undefined of a stream without a limit */
export function percent(part: number, all: number): string | undefined {
  if (all <= 0) return undefined;
  const share = (100 * part) / all;
  return share > 0 && share < 1 ? "< 1 %" : `${String(Math.round(share))} %`;
}

/** `1 engine`, `2 engines` */
export function many(value: number, one: string): string {
  return `${count(value)} ${one}${value === 1 ? "" : "s"}`;
}
