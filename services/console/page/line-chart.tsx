/** One chart of uPlot: lines that differ by dashes too, a legend that follows the pointer. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { HistoryPoint } from "../console-look.js";
import { time } from "./format.js";
import { useColours } from "./use-colours.js";
import { HISTORY_MS } from "./use-look.js";

export interface Line {
  readonly name: string;
  readonly of: (point: HistoryPoint) => number | null;
}

export interface LineChartProps {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
  readonly history: readonly HistoryPoint[];
  readonly nowMs: number;
  readonly format: (value: number) => string;
}

/** Dashes of the lines, in pixels, as `.legend svg` draws them too. */
const DASHES: readonly number[][] = [[], [6, 3], [2, 3]];
/** Looks that are further apart have a gap between them, in milliseconds. */
const GAP_MS = 5_000;
const HEIGHT = 168;

export function LineChart({ title, unit, lines, history, nowMs, format }: LineChartProps) {
  const id = useId();
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(undefined);
  const [pointed, setPointed] = useState<number | undefined>(undefined);
  const colours = useColours(frame);
  const columns = columnsOf(history, lines);

  useEffect(() => {
    const box = frame.current;
    if (box === null || colours === undefined) return undefined;
    const made = new uPlot(
      {
        width: Math.max(1, box.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        scales: { y: { range: (_chart, _min, max) => [0, Math.max(max, 0.001) * 1.08] } },
        axes: [
          {
            ...axisOf(colours),
            size: 26,
            values: (_chart, splits) => splits.map((at) => time(at * 1_000).slice(0, 5)),
          },
          { ...axisOf(colours), size: 62, values: (_chart, splits) => splits.map(format) },
        ],
        series: [
          {},
          ...lines.map(({ name }, index) => ({
            label: name,
            stroke: colours.lines[index] ?? colours.text,
            width: 1.5,
            dash: DASHES[index] ?? [],
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [(self) => setPointed(self.cursor.idx ?? undefined)] },
      },
      [[]],
      box,
    );
    chart.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: box.clientWidth, height: HEIGHT }));
    sizes.observe(box);
    return () => {
      sizes.disconnect();
      chart.current = undefined;
      made.destroy();
    };
  }, [colours]);

  useEffect(() => {
    chart.current?.setData(columns, false);
    chart.current?.setScale("x", { min: (nowMs - HISTORY_MS) / 1_000, max: nowMs / 1_000 });
  }, [colours, history, nowMs]);

  const isPointing = pointed !== undefined && pointed < columns[0].length;
  const shown = isPointing ? pointed : columns[0].length - 1;
  const valueOf = (line: number): string => {
    const value = columns[line + 1]?.[shown];
    return typeof value === "number" ? format(value) : "–";
  };
  const atMs = (columns[0][shown] ?? 0) * 1_000;
  const summary = lines.map(({ name }, line) => `${name} ${valueOf(line)}`).join(", ");
  return (
    <figure class="card chart" aria-labelledby={id}>
      <figcaption id={id}>
        <h2>{title}</h2>
        <span class="quiet">{unit}</span>
        <span class="quiet at">{isPointing && atMs > 0 ? time(atMs) : "now"}</span>
      </figcaption>
      <ul class="legend">
        {lines.map(({ name }, line) => (
          <li key={name}>
            <svg class={`line-${String(line)}`} width="22" height="8" viewBox="0 0 22 8" aria-hidden="true">
              <line x1="0" y1="4" x2="22" y2="4" />
            </svg>
            {name} <span class="figure">{valueOf(line)}</span>
          </li>
        ))}
      </ul>
      <div
        ref={frame}
        class="plot"
        role="img"
        aria-label={`${title}, the last 15 minutes. Now: ${summary}`}
      />
    </figure>
  );
}

function axisOf({ text, grid }: { readonly text: string; readonly grid: string }) {
  return {
    stroke: text,
    font: "11px system-ui, sans-serif",
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
  };
}

/** Seconds and a column for each line, with an empty row where looks are missing. */
function columnsOf(
  history: readonly HistoryPoint[],
  lines: readonly Line[],
): [number[], ...(number | null)[][]] {
  const times: number[] = [];
  const values: (number | null)[][] = lines.map(() => []);
  for (const [index, point] of history.entries()) {
    const before = history[index - 1];
    if (before !== undefined && point.atMs - before.atMs > GAP_MS) {
      times.push((before.atMs + 1) / 1_000);
      for (const column of values) column.push(null);
    }
    times.push(point.atMs / 1_000);
    for (const [line, { of }] of lines.entries()) values[line]?.push(of(point));
  }
  return [times, ...values];
}
