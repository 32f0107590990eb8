/** Whether the weight files beside a config hold the model that it describes. */
import type { Architecture, Note } from "../architecture/model.ts";
import { layerCount } from "../architecture/stack.ts";
import { groupDigits } from "../units.ts";
import type { StoredFiles } from "./stored-weights.ts";

/** Formats of one value per element: only there do elements count parameters. */
const WHOLE_VALUES: ReadonlySet<string> = new Set(["F64", "F32", "F16", "BF16"]);

/** What files keep beside parameters: rotary tables, masks, positions, and sums of a quantizer. */
const BUFFERS = /(^|\.)(inv_freq|position_ids|masked_bias|attn\.bias|attention\.bias|num_batches_tracked)$/;

export interface StoredCheck {
  /** True when the files hold less than the config describes. */
  readonly incomplete: boolean;
  readonly notes: readonly Note[];
}

/**
 * Compares stored tensors with the architecture: layers without a tensor by their numbers, and in files
 * without quantization the parameters.
 *
 * Names outside the layers differ between classes of the same model, so they are counted and not compared.
 */
export function checkStored(
  stored: StoredFiles,
  model: Architecture,
  loaded: (name: string) => boolean,
): StoredCheck {
  if (stored.tensors.length === 0 || model.parameters.stored === 0) return { incomplete: false, notes: [] };
  const empty = layersWithout(stored, model);
  const absent =
    empty.length === 0
      ? ""
      : `: no tensor of ${empty.length === 1 ? "layer" : `${empty.length} layers,`} ${spansOf(empty)}`;
  const whole = stored.tensors.every(({ format }) => WHOLE_VALUES.has(format));
  if (!whole)
    return empty.length === 0 ? { incomplete: false, notes: [] } : missing(`part of the model${absent}`, {});
  let held = 0;
  for (const { name, elements } of stored.tensors) if (loaded(name) && !BUFFERS.test(name)) held += elements;
  const described = model.parameters.total;
  if (held < described)
    return missing(
      `${groupDigits(held)} of the ${groupDigits(described)} parameters that config.json describes${absent}`,
      { held, described },
    );
  if (held > model.parameters.stored)
    return {
      incomplete: false,
      notes: [
        {
          code: "weights-extra",
          message:
            `the weight files hold ${groupDigits(held)} parameters, ${groupDigits(held - described)} more than ` +
            "config.json describes; all are counted",
          details: { held, described },
        },
      ],
    };
  return { incomplete: false, notes: [] };
}

function missing(what: string, details: Readonly<Record<string, number>>): StoredCheck {
  return {
    incomplete: true,
    notes: [
      {
        code: "weights-incomplete",
        message: `the weight files hold ${what}; the bytes are those of the files`,
        details,
      },
    ],
  };
}

/** Numbers of the decoder's layers that no stored tensor belongs to; none where no list of layers is named so. */
function layersWithout(stored: StoredFiles, model: Architecture): readonly number[] {
  const decoders = model.stacks.filter((stack) => stack.role !== "mtp");
  const [decoder] = decoders;
  // Two lists of layers have one numbering each.
  if (decoders.length !== 1 || decoder === undefined) return [];
  const count = layerCount(decoder);
  const seen = new Set<number>();
  for (const { name } of stored.tensors) {
    const match = /(?:^|\.)(?:layers|h|blocks|layer)\.(\d+)\./.exec(name);
    if (match !== null) seen.add(Number(match[1]));
  }
  if (seen.size === 0) return [];
  return Array.from({ length: count }, (_, layer) => layer).filter((layer) => !seen.has(layer));
}

/** @example spansOf([2, 3, 4, 9]) // "2-4, 9" */
function spansOf(numbers: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const number of numbers) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else spans.push([number, number]);
  }
  const shown = spans.slice(0, 5).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return shown.join(", ") + (spans.length > 5 ? " and more" : "");
}
