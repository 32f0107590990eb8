/** `vram-calc plot --json`: the points of a chart as plain data. */
import type { Note } from "../../architecture/model.ts";
import type { ModelFacts } from "../../architecture/summary.ts";
import { rowTerm } from "../../check/result.ts";
import type { Band, Term } from "../../memory/term.ts";
import { GiB } from "../../units.ts";
import { notesJson } from "../result.ts";
import type { Chart } from "./chart.ts";

/** What a chart of memory is about. */
export interface Charted {
  readonly model: ModelFacts;
  /** At the end of the axis, with what it takes on the worst device. */
  readonly request: object;
  readonly total: Band;
  readonly terms: readonly Term[];
  readonly notes: readonly Note[];
}

/** Memory is told in whole bytes; a value that is not finite becomes null, as JSON has no other. */
export function chartJson(chart: Chart, about?: Charted): Record<string, unknown> {
  const bytes = about !== undefined;
  const y = (value: number): number => (bytes ? Math.round(value * GiB) : value);
  return {
    schema: "vram-calc/plot@1",
    title: chart.title,
    ...(about === undefined
      ? {}
      : {
          model: about.model,
          request: about.request,
          total: about.total,
          terms: about.terms.map(rowTerm),
        }),
    x: { label: chart.xLabel, unit: chart.tokens === true ? "token" : null },
    y: { label: bytes ? "memory" : chart.yLabel, unit: bytes ? "B" : null },
    series: chart.series.map(({ name, points }) => ({
      name,
      points: points.map((point) => ({ x: point.x, y: y(point.y) })),
    })),
    limits: (chart.limits ?? []).map((limit) => ({ name: limit.name, y: y(limit.y) })),
    notes: notesJson(about?.notes ?? []),
  };
}
