/** Records per second over threads, one line for each cost of the cruncher, as a PNG. */
import { Resvg } from "@resvg/resvg-js";
import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { fileURLToPath } from "node:url";

const FONT = fileURLToPath(
  new URL("../../../node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf", import.meta.url),
);
const WIDTH = 900;
const HEIGHT = 540;

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export interface ScalingPoint {
  readonly crunchUs: number;
  readonly threads: number;
  /** Records per second. */
  readonly rate: number;
}

/** @param cores of the machine: no more threads than these can crunch at once */
export function plotScaling(points: readonly ScalingPoint[], cores: number): Uint8Array {
  const threads = [...new Set(points.map((point) => point.threads))].sort((a, b) => a - b);
  const costs = [...new Set(points.map((point) => point.crunchUs))].sort((a, b) => a - b);
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: "DejaVu Sans", fontSize: 13 },
    title: {
      text: `One crunch-engine, ${String(cores)} cores`,
      left: 20,
      top: 12,
      textStyle: { fontSize: 16 },
    },
    legend: { top: 44, left: 20, itemGap: 30 },
    grid: { left: 90, right: 30, top: 104, bottom: 60 },
    xAxis: {
      type: "category",
      data: threads.map(String),
      name: "threads",
      nameLocation: "middle",
      nameGap: 34,
    },
    yAxis: {
      type: "log",
      name: "records/s",
      axisLabel: { formatter: (value: number) => value.toLocaleString("en") },
    },
    series: costs.map((crunchUs) => ({
      type: "line",
      name: crunchUs === 0 ? "identity" : `${String(crunchUs)} µs a record`,
      symbolSize: 9,
      lineStyle: { width: 2.5 },
      label: { show: true, formatter: ({ value }: { value: number }) => value.toLocaleString("en") },
      data: threads.map((count) => {
        const found = points.find((point) => point.threads === count && point.crunchUs === crunchUs);
        return found === undefined ? null : Math.round(found.rate);
      }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  const font = { fontFiles: [FONT], loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" };
  return new Resvg(svg, { font }).render().asPng();
}
