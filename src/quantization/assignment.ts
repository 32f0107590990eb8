import type { Architecture, Group, Role, Stack, Tensor } from "../architecture/model.ts";
import { elementsOf, groupOf } from "../architecture/parameters.ts";
import { layerCount } from "../architecture/stack.ts";
import { VramCalcError } from "../errors.ts";
import { STORAGE_FORMATS } from "../formats/storage-formats.ts";
import { onceFor } from "../remember.ts";
import type { Bytes } from "../units.ts";
import { type Encoding, plainById } from "./encoding.ts";
import type { Place, Scheme } from "./scheme.ts";
import { type FormatSum, formatSums, type WeightStorage } from "./storage.ts";

/** Equal tensors that are stored alike. */
export interface AssignmentRow {
  /** Path of the module list and name in the layer: "model.layers.*.mlp.down_proj.weight". */
  readonly name: string;
  readonly role: Role;
  readonly group: Group;
  /** Shape of one copy. */
  readonly shape: readonly number[];
  /** Layers that hold it this way. */
  readonly layers: number;
  /** Copies in a layer: experts. */
  readonly copies: number;
  /** Encoding of it: "bf16", "q6_k", "gptq-4bit-g128". */
  readonly format: string;
  /** Bytes of all of them. */
  readonly bytes: Bytes;
}

/** The remainder of a bare count, which has no shape to be quantized by. */
const isRemainder = (model: Architecture, tensor: Tensor): boolean =>
  model.assumed === true && tensor.name === "(rest)";

type Visit = (place: Place, layers: number, encoding: Encoding) => void;

/** Calls `visit` for every tensor with its encoding: once per distinct layer, or once per layer where the scheme goes by it. */
export function walkScheme(
  model: Architecture,
  scheme: Scheme,
  options: { readonly mtp: boolean },
  visit: Visit,
): void {
  const assign = scheme.begin(model);
  const left = plainById(scheme.leftAs?.(model) ?? model.dtype ?? "bf16");
  const at = (place: Place, layers: number): void => {
    const { tensor } = place;
    const encoding =
      tensor.pinnedFormat === undefined ? (assign(place) ?? left) : plainById(tensor.pinnedFormat);
    visit(place, layers, encoding);
  };
  for (const tensor of model.tensors) {
    if (!isRemainder(model, tensor)) at({ tensor, stack: null, layer: 0, siblings: model.tensors }, 1);
  }
  let before = 0;
  for (const stack of model.stacks) {
    const layers = layerCount(stack);
    // Prediction layers are numbered after those of the list they stand in.
    const first = stack.slice?.first ?? (stack.role === "mtp" ? before : 0);
    if (stack.role === "decoder") before = stack.slice?.of ?? layers;
    if (stack.role === "mtp" && !options.mtp) continue;
    walkStack(stack, first, scheme.layered, at);
  }
}

function walkStack(
  stack: Stack,
  firstLayer: number,
  layered: boolean,
  at: (place: Place, layers: number) => void,
): void {
  const seen = new Set<number>();
  let layer = firstLayer;
  for (const run of stack.runs) {
    const siblings = stack.kinds[run.kind]!.tensors;
    if (layered) {
      for (let i = 0; i < run.count; i++, layer++)
        for (const tensor of siblings) at({ tensor, stack, layer, siblings }, 1);
      continue;
    }
    if (!seen.has(run.kind)) {
      seen.add(run.kind);
      const layers = stack.counts[run.kind]!;
      for (const tensor of siblings) at({ tensor, stack, layer, siblings }, layers);
    }
    layer += run.count;
  }
}

/**
 * Bytes of a model under a scheme. The shapeless remainder of a bare count costs what the rest costs per
 * parameter.
 */
export function schemeBytes(model: Architecture, scheme: Scheme, options: { readonly mtp: boolean }): Bytes {
  let bytes = 0;
  walkScheme(model, scheme, options, ({ tensor }, layers, encoding) => {
    bytes += layers * tensor.copies * encoding.bytesOf(tensor.shape);
  });
  bytes += scheme.besides?.(model) ?? 0;
  const rest = model.tensors.find((tensor) => isRemainder(model, tensor));
  if (rest === undefined) return bytes;
  const elements = elementsOf(rest.shape);
  const shaped = model.parameters.stored - elements;
  const each = shaped > 0 ? bytes / shaped : 2;
  return Math.round(bytes + elements * each);
}

/** The tensors of `schemeBytes` by format, without what lies besides and the remainder of a bare count. */
function schemeSums(model: Architecture, scheme: Scheme): readonly FormatSum[] {
  return formatSums((add) =>
    walkScheme(model, scheme, { mtp: false }, ({ tensor }, layers, encoding) => {
      const copies = layers * tensor.copies;
      add({
        format: encoding.id,
        elements: copies * elementsOf(tensor.shape),
        bytes: copies * encoding.bytesOf(tensor.shape),
      });
    }),
  );
}

/** A storage that holds its sum per model, so that repeated estimates cost a lookup. */
export function schemeStorage(scheme: Scheme): WeightStorage {
  const loadedBytes = onceFor((model: Architecture) => schemeBytes(model, scheme, { mtp: false }));
  return {
    id: scheme.id,
    basis: scheme.basis,
    scheme,
    basisOf: (model) => (model.assumed === true ? "assumed" : scheme.basis),
    bytesOf: loadedBytes,
    sumsOf: (model) => schemeSums(model, scheme),
    fileBytesOf: (model) => schemeBytes(model, scheme, { mtp: true }),
    ...(scheme.notesOf === undefined ? {} : { notesOf: scheme.notesOf }),
  };
}

/**
 * Which tensor is stored how, MTP layers included: one row per tensor of a distinct layer and encoding.
 *
 * @throws bad-option for a storage whose formats only its file knows.
 * @example assignFormats(llama_3_1_8b, storageByName("q4_k_m")).find(({ name }) => name === "lm_head.weight").format // "q6_k"
 */
export function assignFormats(model: Architecture, storage: WeightStorage): readonly AssignmentRow[] {
  const scheme = storage.scheme ?? uniformScheme(storage);
  const rows = new Map<string, AssignmentRow & { layers: number; bytes: number }>();
  walkScheme(model, scheme, { mtp: true }, (place, layers, encoding) => {
    const { tensor, stack } = place;
    const name = stack === null ? tensor.name : `${stack.prefix}.*.${tensor.name}`;
    const key = `${name} ${tensor.shape.join("x")} ${tensor.copies} ${encoding.id} ${stack?.role}`;
    const bytes = layers * tensor.copies * encoding.bytesOf(tensor.shape);
    const row = rows.get(key);
    if (row === undefined)
      rows.set(key, {
        name,
        role: tensor.role,
        group: groupOf(stack, tensor),
        shape: tensor.shape,
        layers,
        copies: tensor.copies,
        format: encoding.id,
        bytes,
      });
    else {
      row.layers += layers;
      row.bytes += bytes;
    }
  });
  return [...rows.values()];
}

function uniformScheme(storage: WeightStorage): Scheme {
  const format = STORAGE_FORMATS.get(storage.id);
  if (format === undefined) {
    throw new VramCalcError("bad-option", {
      option: "storage",
      given: `"${storage.id}", which was read from a file`,
      expected: "a storage by name or from a config; the file lists its own tensors",
    });
  }
  const encoding = plainById(format.id);
  return { id: format.id, basis: "exact", layered: false, begin: () => () => encoding };
}
