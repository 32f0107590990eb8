/** llama.cpp's buffers by the names and in the unit of its own load log. */
import type { Term } from "../memory/term.ts";
import { formatBytes } from "../units.ts";
import { wrap } from "./text-layout.ts";

/** "load_tensors: CUDA0 model buffer size = ... MiB", "KV buffer size", "RS buffer size", "compute buffer size". */
const BUFFERS: readonly (readonly [term: string, buffer: string])[] = [
  ["weights", "model"],
  ["kv-cache", "KV"],
  ["recurrent-state", "RS"],
  ["activations", "compute"],
];

/**
 * A device's buffers as its log prints them; two KV lines of a model with windows are one sum here.
 *
 * @example loadLogLines([{ id: "weights", bytes: 2_491_321_344, ... }], 79) // ["  in its log: model buffer 2375.91 MiB"]
 */
export function loadLogLines(terms: readonly Term[], columns: number): readonly string[] {
  const parts = BUFFERS.flatMap(([id, buffer]) =>
    terms
      .filter((term) => term.id === id && term.label === undefined)
      .map(({ bytes }) => `${buffer} buffer ${formatBytes(bytes, { unit: "MiB" })}`),
  );
  return parts.length === 0 ? [] : [wrap(`  in its log: ${parts.join(", ")}`, columns, "    ")];
}
