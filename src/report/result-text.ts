/** A result as one line of JSON, for streams of them. */
import type { RowTerm } from "../check/result.ts";
import type { Band } from "../memory/term.ts";
import { onceFor } from "../remember.ts";
import type { DeviceJson, ResultJson } from "./result.ts";

/**
 * The text that `JSON.stringify` gives, in half the time: a stream of estimates does little else than write. The
 * model and the notes, half of the text, are the same from line to line and written once; the rest is mostly large
 * numbers, of which an exact term has one three times.
 *
 * @param id put before the rest: what a script tells its requests apart by
 * @example the answer of `vram-calc jsonl` to {"id":1,"model":"14B"}, which starts with {"id":1,"schema":
 */
export function resultText(
  { schema, model, request, devices, total, terms, budget, notes }: ResultJson,
  id?: unknown,
): string {
  // The terms of the worst device are written with it and again beside the total.
  const texts = devices.map((device) => termsText(device.terms));
  const worst = devices.findIndex((device) => device.terms === terms);
  return (
    `{${id === undefined ? "" : `"id":${JSON.stringify(id)},`}"schema":"${schema}","model":${keptText(model)},"request":${JSON.stringify(request)}` +
    `,"devices":[${devices.map((device, at) => deviceText(device, texts[at]!)).join(",")}]` +
    `,"total":{${bandText(total)}},"terms":${texts[worst] ?? termsText(terms)}` +
    `${budget === undefined ? "" : `,"budget":${JSON.stringify(budget)}`}` +
    `,"notes":[${notes.map(keptText).join(",")}]}`
  );
}

const keptText = onceFor((part: object): string => JSON.stringify(part));

const deviceText = ({ id, count, total, pool }: DeviceJson, terms: string): string =>
  `{"id":${quoted(id)},"count":${count},"terms":${terms},"total":{${bandText(total)}}` +
  `${pool === undefined ? "" : `,"pool":${JSON.stringify(pool)}`}}`;

const termsText = (terms: readonly RowTerm[]): string => `[${terms.map(termText).join(",")}]`;

const termText = (term: RowTerm): string =>
  `{"id":"${term.id}"${term.label === undefined ? "" : `,"label":"${term.label}"`}` +
  `${term.phase === undefined ? "" : `,"phase":"${term.phase}"`},${bandText(term)}` +
  `,"basis":"${term.basis}","formula":${quoted(term.formula)}}`;

function bandText({ bytes, low, high }: Band): string {
  const text = String(bytes);
  return (
    `"bytes":${text},"low":${low === bytes ? text : String(low)}` +
    `,"high":${high === bytes ? text : String(high)}`
  );
}

/** What JSON writes otherwise than it stands. */
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

const quoted = (text: string): string => (ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`);
