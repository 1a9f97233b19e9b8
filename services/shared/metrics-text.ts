/** One sample of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/s;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/gs;

/** Reads Prometheus' text format; lines that are no samples are left out. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : SAMPLE.exec(line.trim());
    if (match === null) continue;
    const labels = new Map<string, string>();
    for (const [, name = "", value = ""] of (match[2] ?? "").matchAll(LABEL)) {
      labels.set(
        name,
        value.replace(/\\(.)/gs, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
      );
    }
    samples.push({ name: match[1] ?? "", labels, value: numberOf(match[3] ?? "") });
  }
  return samples;
}

/** Sum over all samples of that name whose labels have these values; 0 if there is none. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value))
    .reduce((sum, sample) => sum + sample.value, 0);
}

function numberOf(text: string): number {
  if (text === "+Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  return Number(text);
}
