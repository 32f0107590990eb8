/** Charts as SVG, readable on light and dark pages. */
import { axesOf, type Chart, tickText } from "./chart.ts";

const WIDTH = 720;
const HEIGHT = 440;
const BOX = { left: 72, right: 24, top: 48, bottom: 56 } as const;

/** Colours apart in hue and in lightness, for both backgrounds: light, dark. */
const COLOURS: readonly (readonly [string, string])[] = [
  ["#0b62c4", "#6cb2ff"],
  ["#b4460f", "#ff9e64"],
  ["#1a7f37", "#5fd08a"],
  ["#8250df", "#c6a0ff"],
  ["#9a6700", "#e5c07b"],
];

const escapeText = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => (c === "&" ? "&amp;" : c === "<" ? "&lt;" : c === ">" ? "&gt;" : "&quot;"));

const number = (value: number): string => String(Number(value.toFixed(2)));

/** The chart as one self-contained SVG document. */
export function svgChart(chart: Chart): string {
  const { x, y } = axesOf(chart, { x: 8, y: 6 });
  const left = BOX.left;
  const right = WIDTH - BOX.right;
  const top = BOX.top;
  const legendRows = chart.series.length + (chart.limits?.length ?? 0);
  const height = HEIGHT + Math.max(0, legendRows - 1) * 18;
  const bottom = HEIGHT - BOX.bottom;
  const px = (value: number): number => left + ((value - x.from) / (x.to - x.from)) * (right - left);
  const py = (value: number): number => bottom - ((value - y.from) / (y.to - y.from)) * (bottom - top);
  const parts: string[] = [];
  for (const tick of y.ticks) {
    const level = number(py(tick));
    parts.push(`<line class="grid" x1="${left}" x2="${right}" y1="${level}" y2="${level}"/>`);
    parts.push(
      `<text x="${left - 8}" y="${number(py(tick) + 4)}" text-anchor="end">${escapeText(tickText(tick))}</text>`,
    );
  }
  for (const tick of x.ticks) {
    const place = number(px(tick));
    parts.push(`<line class="grid" x1="${place}" x2="${place}" y1="${top}" y2="${bottom}"/>`);
    parts.push(
      `<text x="${place}" y="${bottom + 18}" text-anchor="middle">${escapeText(tickText(tick))}</text>`,
    );
  }
  chart.limits?.forEach((limit) => {
    const level = number(py(limit.y));
    parts.push(`<line class="limit" x1="${left}" x2="${right}" y1="${level}" y2="${level}"/>`);
  });
  chart.series.forEach((series, index) => {
    const points = series.points.map((point) => `${number(px(point.x))},${number(py(point.y))}`);
    parts.push(
      series.dots === true
        ? `<g class="dots s${index % COLOURS.length}">${points.map((p) => `<circle cx="${p.split(",")[0]}" cy="${p.split(",")[1]}" r="1.6"/>`).join("")}</g>`
        : `<polyline class="line s${index % COLOURS.length}" points="${points.join(" ")}"/>`,
    );
  });
  parts.push(`<text class="title" x="${left}" y="26">${escapeText(chart.title)}</text>`);
  parts.push(
    `<text x="${(left + right) / 2}" y="${bottom + 38}" text-anchor="middle">${escapeText(chart.xLabel)}</text>`,
  );
  parts.push(`<text x="${left}" y="${top - 8}">${escapeText(chart.yLabel)}</text>`);
  [
    ...chart.series.map((series, index) => [series.name, `s${index % COLOURS.length}`] as const),
    ...(chart.limits ?? []).map((limit) => [limit.name, "limit"] as const),
  ].forEach(([name, style], row) => {
    const level = bottom + 48 + row * 18;
    parts.push(`<line class="line ${style}" x1="${left}" x2="${left + 24}" y1="${level}" y2="${level}"/>`);
    parts.push(`<text x="${left + 32}" y="${level + 4}">${escapeText(name)}</text>`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height + 10}" role="img" aria-label="${escapeText(chart.title)}">
<style>${styles()}</style>
<rect class="page" width="${WIDTH}" height="${height + 10}"/>
${parts.join("\n")}
</svg>
`;
}

function styles(): string {
  const lines = (shade: 0 | 1): string =>
    COLOURS.map((pair, i) => `.line.s${i}{stroke:${pair[shade]}}.dots.s${i}{fill:${pair[shade]}}`).join("");
  return [
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-size:16px;font-weight:600}",
    ".page{fill:#ffffff}.grid{stroke:#d0d7de;stroke-width:1}.line{fill:none;stroke-width:2}",
    ".limit{stroke:#cf222e;stroke-width:1.5;stroke-dasharray:6 4}",
    lines(0),
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.grid{stroke:#30363d}.limit{stroke:#ff7b72}",
    lines(1),
    "}",
  ].join("");
}
