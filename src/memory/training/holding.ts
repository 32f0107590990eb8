import { expertTargets } from "../../adapters/fused-experts.ts";
import { isLoraTarget, loraParameters } from "../../adapters/lora.ts";
import type { NamedTargets } from "../../adapters/lora-targets.ts";
import type { Architecture, Tensor } from "../../architecture/model.ts";
import { forEachTensor, tensorElements } from "../../architecture/parameters.ts";
import { inTower, isTower } from "../../architecture/stack.ts";
import { onceFor } from "../../remember.ts";
import type { Bytes } from "../../units.ts";
import type { AdapterUse, Holding } from "./pass.ts";
import { allocated, type Width } from "./tape.ts";

export type TrainMethod = "full" | "lora" | "qlora" | "freeze";

/** How the frozen linears of QLoRA are stored. */
export type PackedFormat = "nf4" | "nf4-dq" | "int8" | "int4-g128";

export interface LoraHolding {
  readonly rank: number;
  readonly targets: NamedTargets;
  readonly dropout: number;
  readonly width: Width;
  readonly dora: boolean;
}

export interface HoldingRequest {
  readonly method: TrainMethod;
  /** Bytes per element of the weights that the forward pass reads. */
  readonly width: Width;
  readonly packed: PackedFormat;
  /** Everything that is not packed is cast to fp32 (`prepare_model_for_kbit_training`). */
  readonly kbitPreparation: boolean;
  /** The head is packed too (`LayerCode.packedHead`). */
  readonly packedHead?: boolean;
  readonly lora: LoraHolding;
  /** Weights that train when the method is `freeze`. */
  readonly unfrozen?: ReadonlySet<Tensor>;
}

/** How each weight of `model` is held: width, trained or frozen, packed, adapted. */
export function holdingOf(model: Architecture, request: HoldingRequest): Holding {
  const { inLayer, inTowers, ungraded } = placesOf(model);
  const adapted = request.method === "lora" || request.method === "qlora";
  const targets = {
    rank: request.lora.rank,
    targets: request.lora.targets,
    dora: request.lora.dora,
    ...expertTargets(model),
  };
  const packed = (tensor: Tensor): boolean =>
    request.method === "qlora" &&
    (tensor.role === "head"
      ? request.packedHead === true && tensor.kind === "linear"
      : inLayer.has(tensor) && (isPackable(tensor) || (targets.routers && isRouter(tensor))));
  const uses = new Map<Tensor, AdapterUse | null>();
  const adapter = (tensor: Tensor): AdapterUse | null => {
    if (!adapted || inTowers.has(tensor)) return null;
    let use = uses.get(tensor);
    if (use === undefined) {
      const { rank, dropout, width, dora } = request.lora;
      use = isLoraTarget(tensor, inLayer.has(tensor), targets)
        ? { rank, dropout, width, dora, parameters: loraParameters(tensor, targets) }
        : null;
      uses.set(tensor, use);
    }
    return use;
  };
  return {
    width: (tensor) => {
      if (request.method !== "qlora") return request.width;
      return packed(tensor) ? 2 : request.kbitPreparation ? 4 : request.width;
    },
    trainable: (tensor) => {
      if (ungraded.has(tensor) || inTowers.has(tensor)) return false;
      if (request.method === "freeze") return request.unfrozen?.has(tensor) === true;
      return request.method === "full";
    },
    packed,
    adapter,
  };
}

/** Where the tensors of a model stand, and which of them never get a gradient. */
interface Places {
  readonly inLayer: ReadonlySet<Tensor>;
  readonly inTowers: ReadonlySet<Tensor>;
  readonly ungraded: ReadonlySet<Tensor>;
}

const placesOf = onceFor((model: Architecture): Places => {
  const inLayer = new Set<Tensor>();
  const inTowers = new Set<Tensor>();
  const ungraded = new Set<Tensor>();
  const fixed = FIXED_POSITIONS[model.family];
  forEachTensor(model, (tensor, _, stack) => {
    if (stack !== null) inLayer.add(tensor);
    if (inTower(tensor) || (stack !== null && isTower(stack.role))) inTowers.add(tensor);
    if (tensor.buffer === true || isIndexer(tensor) || fixed?.test(tensor.name) === true)
      ungraded.add(tensor);
  });
  return { inLayer, inTowers, ungraded };
});

/** Which tokens sparse attention reads is chosen without a graph (`torch.no_grad`): no gradient comes to what chooses. */
const isIndexer = ({ name }: Tensor): boolean => name.includes("indexer.");

/** Sinusoidal positions are parameters that never train (`requires_grad_(False)` in the class). */
const FIXED_POSITIONS: { readonly [family: string]: RegExp } = {
  marian: /embed_positions/,
  pegasus: /embed_positions/,
  whisper: /encoder\.embed_positions/,
};

/** bitsandbytes replaces `nn.Linear` modules: not the head, not experts fused into one tensor, nor the routers beside those. */
export function isPackable(tensor: Tensor): boolean {
  if (tensor.kind !== "linear" || tensor.shape.length !== 2 || tensor.role === "head") return false;
  return tensor.role !== "router" || tensor.shape[0] === 1;
}

const isRouter = (tensor: Tensor): boolean => tensor.kind === "linear" && tensor.role === "router";

/**
 * Bytes of one packed weight of n elements (bitsandbytes 0.48 `functional.py`, quantize_4bit).
 *
 *     nf4         n/2 + 4 per 64, and a table of 16 values
 *     nf4-dq      n/2 + 1 per 64 + 4 per 64*256, tables of 16 and 256 values and an offset
 *     int8        n + 4 per row
 *     int4-g128   n/2 + 2.5 per 128
 *
 * @example packedBytes({ shape: [4096, 4096], copies: 1 }, "nf4-dq") // 8_656_896 = 8,388,608 + 262,144 + 4,096 + 2,048
 */
export function packedBytes(tensor: Tensor, format: PackedFormat): Bytes {
  return packedData(tensor, format) + packedState(tensor, format);
}

/** Bytes per element of the packed values alone, which is what sharding divides and gathers. */
export const packedWidth = (format: PackedFormat): number => (format === "int8" ? 1 : 0.5);

const packedData = (tensor: Tensor, format: PackedFormat): Bytes =>
  allocated(tensorElements(tensor) * packedWidth(format));

/**
 * The scales and tables of a packed weight: attributes of the parameter, which every rank holds whole however its values are divided.
 *
 * @example packedState({ shape: [4096, 4096], copies: 1 }, "nf4-dq") // 268_288
 */
export function packedState(tensor: Tensor, format: PackedFormat): Bytes {
  const n = tensorElements(tensor);
  const blocks = Math.ceil(n / 64);
  switch (format) {
    case "nf4":
      return allocated(blocks * 4) + allocated(16 * 4);
    case "nf4-dq":
      return (
        allocated(blocks) +
        allocated(Math.ceil(blocks / 256) * 4) +
        allocated(16 * 4) +
        allocated(256 * 4) +
        allocated(4)
      );
    case "int8":
      return allocated(tensor.shape[0]! * 4);
    case "int4-g128":
      return allocated(Math.ceil((n / 128) * 2.5));
  }
}
