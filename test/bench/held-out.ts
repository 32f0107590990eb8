/** Which scores are of rows that a constant came from, and what is left when it comes from others. */
import { MEASURED, type MeasuredRow } from "../engines/measured-rows.ts";
import { type Figure, figureOf, type Score } from "./figure.ts";
import { GIB, input, run, term } from "./serving-run.ts";

/**
 * True for rows of the studies that vLLM's constants were read from: sampler bytes, memory outside torch, graphs,
 * context. Other engines' formulas hold no constant that was read from a row scored here.
 */
const inFamily = (id: string): boolean => /^(llmd-0(11|19)-|vllm-pr10511-|vllm-10517-)/.test(id);

/** A line on the rows that no constant came from. */
export function heldOutLine(scores: readonly Score[]): readonly string[] {
  const held = scores.filter(({ id }) => !inFamily(id));
  if (held.length === 0 || held.length === scores.length) return [];
  const { median, p90, rows } = figureOf({ title: "", scores: held, leftOut: [] });
  const own = scores.length - rows;
  return [
    `       ${own} rows of the studies that constants came from; ${rows} held out: median ${median.toFixed(2)} %, p90 ${p90.toFixed(2)} %`,
  ];
}

/**
 * The pool of the 0.19 study with the two constants that decide it read again from one half of its models and scored
 * on the other: bytes of the sampler per vocabulary entry and sequence, and GiB outside torch by tensor ranks.
 */
export function halvesFigure(): Figure {
  const study = MEASURED.filter(
    (row) => row.id.startsWith("llmd-019-") && (row.flags.pp ?? 1) === 1 && row.measured.kvGiB !== undefined,
  );
  const models = [...new Set(study.map((row) => row.config))].sort();
  const half = (row: MeasuredRow): number => models.indexOf(row.config) % 2;
  const scores: Score[] = [];
  for (const scored of [0, 1]) {
    const others = study.filter((row) => half(row) !== scored);
    const sampler = middle(others.flatMap((row) => samplerRatio(row)));
    for (const row of study) {
      const ran = run(row);
      if (half(row) !== scored || typeof ran === "string") continue;
      const { terms, pool } = ran.result.devices[0]!;
      if (pool === undefined) continue;
      const tp = row.flags.tp ?? 1;
      const alike = others.filter(({ flags }) => Math.min(3, flags.tp ?? 1) === Math.min(3, tp));
      const outside = middle(alike.flatMap(({ measured: { nonTorchGiB } }) => nonTorchGiB ?? []));
      const change =
        term(terms, "logits") * (sampler - 1) + outside * GIB - input(terms, "runtime", "nonTorch") * GIB;
      const predicted = pool.blocks * pool.bytesPerBlock - change;
      scores.push({ id: row.id, predicted, measured: row.measured.kvGiB! * GIB });
    }
  }
  const bar = { median: 2, p90: 6 };
  return figureOf({
    title: "KV pool, constants from the other half of the models (vLLM)",
    scores,
    leftOut: [],
    bar,
  });
}

const middle = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Bytes that the sampler's moment took of those predicted for it; nothing where the layers set the peak. */
function samplerRatio(row: MeasuredRow): readonly number[] {
  const ran = run(row, { anyStorage: true });
  if (typeof ran === "string" || row.measured.computeGiB === undefined) return [];
  const { terms } = ran.result.devices[0]!;
  const logits = term(terms, "logits");
  return logits === 0 ? [] : [(row.measured.computeGiB * GIB - term(terms, "activations")) / logits];
}
