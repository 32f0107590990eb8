import type { Architecture } from "../architecture/model.ts";
import { findFormatId } from "../formats/format-names.ts";
import { STORAGE_FORMATS } from "../formats/storage-formats.ts";
import type { FormatSum, WeightStorage } from "../quantization/storage.ts";
import { onceForEach } from "../remember.ts";
import type { Bytes } from "../units.ts";
import { type Explained, explainedLater, type Term } from "./term.ts";

/**
 * The weights as they lie on the card.
 *
 *     uniform   parameters x bytes per parameter          (2 for fp16, 4.5 bits in Q4_0 blocks, ...)
 *     scheme    sum over formats of weights / block x bytes of a block
 *
 * Not modelled: padding that an engine adds to its own copies (MXFP4 kernels, rotary tables); that is
 * the engine's `runtime`.
 *
 * @example weights(typicalArchitecture(14e9), storageByName("fp16")).bytes // 28_000_000_000
 */
export function weights(model: Architecture, storage: WeightStorage): Term {
  return weightsTerm(model, storage);
}

/** Contexts and batches change around the same weights, and objects with accessors are slow to make. */
const weightsTerm = onceForEach((model: Architecture, storage: WeightStorage): Term => {
  const bytes = storage.bytesOf(model);
  // Worked out only where a formula is shown: most estimates never are.
  return explainedLater(
    { id: "weights", bytes, low: bytes, high: bytes, basis: storage.basisOf?.(model) ?? storage.basis },
    () => sumOf(model, storage, bytes),
  );
});

function sumOf(model: Architecture, storage: WeightStorage, bytes: Bytes): Explained {
  const rows = storage.sumsOf?.(model) ?? [];
  return rows.length === 0 ? average(model, bytes) : byFormat(rows, bytes);
}

const average = (model: Architecture, bytes: Bytes): Explained => eachSum(model.parameters.stored, bytes);

/**
 * So many parameters of whole thousandths of a byte, and what is left: a few fp32 tensors among the 16-bit ones.
 *
 * @example eachSum(1000, 2002).inputs // { parameters: 1000, each: 2, rest: 2 }
 */
export function eachSum(parameters: number, bytes: Bytes): Explained {
  const exactly = parameters === 0 ? 0 : bytes / parameters;
  const each = exactly - Math.floor(exactly) < 0.01 ? Math.floor(exactly) : Math.floor(exactly * 1000) / 1000;
  const rest = bytes - Math.round(parameters * each);
  return {
    formula: `{parameters} x {each} B${rest === 0 ? "" : " + {rest} B besides"}`,
    inputs: { parameters, each, ...(rest === 0 ? {} : { rest }) },
  };
}

/** Formats that a formula names; the rest is one number. */
const MOST_NAMED = 5;

/**
 * The sum by format, largest first, so that it can be redone by hand: blocks where a format is nothing but
 * blocks, else the bytes of that many weights.
 *
 * @example byFormat([{ format: "q4_k", elements: 512, bytes: 288 }], 288).formula // "q4_k {q4_k} / 256 x 144 B"
 */
function byFormat(rows: readonly FormatSum[], bytes: Bytes): Explained {
  const sorted = [...rows].sort((a, b) => b.bytes - a.bytes);
  const named = sorted.length > MOST_NAMED + 1 ? sorted.slice(0, MOST_NAMED) : sorted;
  const inputs: Record<string, number> = {};
  let rest = bytes;
  const texts = named.map(({ format, elements, bytes: own }) => {
    rest -= own;
    const id = findFormatId(format) ?? format.toLowerCase();
    const key = id.replace(/\W/g, "_");
    inputs[key] = elements;
    const [part, more] = STORAGE_FORMATS.get(id)?.parts ?? [];
    if (part !== undefined && more === undefined && own * part.elements === elements * part.bytes)
      return `${id} {${key}}${part.elements === 1 ? "" : ` / ${part.elements}`} x ${part.bytes} B`;
    inputs[`${key}_bytes`] = own;
    return `{${key}_bytes} B of ${id}`;
  });
  if (rest !== 0) {
    inputs.rest = rest;
    const others = sorted.length - named.length;
    texts.push(others === 0 ? "{rest} B besides" : "{rest} B in other formats");
  }
  return { formula: texts.join(" + "), inputs };
}
