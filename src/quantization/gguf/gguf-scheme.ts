/** A llama.cpp file type as a scheme: the tensor bytes of the file that llama-quantize would write. */

import type { Architecture } from "../../architecture/model.ts";
import { elementsOf } from "../../architecture/parameters.ts";
import { inTower, isTower, layerCount } from "../../architecture/stack.ts";
import { STORAGE_FORMATS } from "../../formats/storage-formats.ts";
import { type Encoding, plainById } from "../encoding.ts";
import type { Assign, Place, Scheme } from "../scheme.ts";
import type { FileType } from "./file-types.ts";
import { recipeFormat } from "./recipe.ts";
import type { Category, RecipeModel, RecipePlace } from "./recipe-place.ts";
import { ggufPieces, type Piece } from "./tensor-category.ts";

export interface GgufOptions {
  /** Quantized with an importance matrix. Default: only where llama-quantize insists. */
  readonly imatrix?: boolean;
  /** The file holds output.weight. Default: as the config ties the embeddings; some converters write it anyway. */
  readonly outputTensor?: boolean;
}

/**
 * Every tensor of the text model in the type that the recipe chooses; towers and projectors in fp16, as
 * their separate mmproj file holds them. Norms, biases, routers and convolutions are fp32.
 *
 * Checked against published bits per weight and file sizes; files of other recipes (UD-, overrides by hand,
 * llama.cpp before 2025 for fused q, k and v) differ: read their header.
 */
export function ggufScheme(fileType: FileType, options: GgufOptions = {}): Scheme {
  return {
    id: options.imatrix === true ? `${fileType.name}-imatrix` : fileType.name,
    basis: "modelled",
    layered: true,
    begin: (model) => assignment(recipeModel(model, fileType, options)),
    besides: (model) =>
      ropeFrequencyBytes(model) + (options.outputTensor === true ? copiedHead(model, fileType, options) : 0),
  };
}

function assignment(model: RecipeModel): Assign {
  const counters = new Map<Category, number>();
  // A slice of a stack counts on from the layers before it.
  const next = (category: Category, place: Place): number => {
    const counter = counters.get(category) ?? place.stack?.slice?.first ?? 0;
    counters.set(category, counter + 1);
    return counter;
  };
  return (place) => {
    if ((place.stack !== null && isTower(place.stack.role)) || inTower(place.tensor))
      return plainById(place.tensor.shape.length < 2 ? "fp32" : "fp16");
    // MiniMax's small indexer projections keep what the converter wrote.
    if (/\bindex(er\.|_)[qk]_proj\.weight$/.test(place.tensor.name)) return plainById("bf16");
    if (KEPT.test(place.tensor.name) && place.tensor.shape.length >= 2) return plainById("bf16");
    const pieces = ggufPieces(place);
    if (pieces === null) return plainById("fp32");
    return piecesEncoding(
      place,
      pieces.map((piece) => ({
        piece,
        format: recipeFormat(model, placeOf(model, place, piece, next(piece.category, place))),
      })),
    );
  };
}

/** `tensor_allows_quantization` of llama-quant.cpp: small matrices of Gemma 3n and 4 E keep what the converter wrote. */
const KEPT = /\b(altup|laurel\.linear|per_layer_model_proj)/;

function placeOf(model: RecipeModel, place: Place, piece: Piece, counter: number): RecipePlace {
  return {
    category: piece.category,
    counter,
    index: model.experts > 1 ? place.layer : counter,
    threeDimensional: place.tensor.kind === "expert",
    columns: piece.columns,
  };
}

interface Stored {
  readonly piece: Piece;
  readonly format: string;
}

/** A tensor of one piece, or a tensor that the converter splits, as the sum of its pieces. */
function piecesEncoding(place: Place, stored: readonly Stored[]): Encoding {
  const [first, ...more] = stored;
  if (first !== undefined && more.length === 0) return rowEncoding(first.format);
  const elements = elementsOf(place.tensor.shape);
  return {
    id: [...new Set(stored.map(({ format }) => format))].join("+"),
    bytesOf: (shape) => {
      let bytes = 0;
      for (const { piece, format } of stored) bytes += piece.rows * rowBytes(format, piece.columns);
      // Another share of the same tensor costs in proportion.
      return elementsOf(shape) === elements ? bytes : Math.round((bytes * elementsOf(shape)) / elements);
    },
  };
}

const rows = new Map<string, Encoding>();

/** Rows of whole blocks; a share's row that is cut inside a block is padded. */
function rowEncoding(id: string): Encoding {
  let encoding = rows.get(id);
  if (encoding === undefined) {
    encoding = {
      id,
      bytesOf: (shape) => {
        const columns = shape[shape.length - 1]!;
        return (elementsOf(shape) / columns) * rowBytes(id, columns);
      },
    };
    rows.set(id, encoding);
  }
  return encoding;
}

function rowBytes(id: string, columns: number): number {
  const block = STORAGE_FORMATS.get(id)!.parts[0]!;
  return Math.ceil(columns / block.elements) * block.bytes;
}

/** 80-layer classes that llama.cpp calls 70B. */
const SEVENTY_B: ReadonlySet<string> = new Set([
  "llama",
  "mistral",
  "qwen2",
  "nemotron-nas",
  "deci",
  "olmoe",
]);

/** The converter drops the prediction layers of these; of others it counts them as layers. */
const WITHOUT_MTP = /^(deepseek|kimi)/;

function recipeModel(model: Architecture, fileType: FileType, options: GgufOptions): RecipeModel {
  const text = model.stacks.filter(
    ({ role }) => role === "decoder" || (role === "mtp" && !WITHOUT_MTP.test(model.modelType)),
  );
  const body = text.find(({ role }) => role === "decoder") ?? model.stacks[0];
  const first = body?.kinds[body.runs[0]?.kind ?? 0]?.mixers[0];
  const gqa =
    first?.kind === "attention"
      ? first.queryHeads / first.kvHeads
      : first?.kind === "latent"
        ? first.queryHeads
        : 0;
  let layers = 0;
  let attentionV = 0;
  let experts = 0;
  for (const stack of text) {
    stack.kinds.forEach((kind, k) => {
      const whole = stack.slice === undefined ? 1 : stack.slice.of / layerCount(stack);
      layers += stack.counts[k]! * whole;
      if (kind.feedForward.kind === "experts") experts = Math.max(experts, kind.feedForward.experts);
      const siblings = kind.tensors;
      for (const tensor of siblings) {
        const pieces = ggufPieces({ tensor, stack, layer: 0, siblings });
        for (const piece of pieces ?? [])
          if (piece.category === "attn-v" || piece.category === "attn-qkv")
            attentionV += stack.counts[k]! * whole;
      }
    });
  }
  layers = Math.round(layers);
  return {
    fileType,
    imatrix: options.imatrix ?? fileType.needsImatrix === true,
    gqa,
    experts,
    seventyB: layers === 80 && gqa > 1 && SEVENTY_B.has(model.modelType),
    falcon: model.modelType === "falcon",
    tied: options.outputTensor === undefined ? model.tied : !options.outputTensor,
    layers,
    attentionV: Math.round(attentionV),
  };
}

/** The output.weight that a converter wrote although the embeddings are tied. */
function copiedHead(model: Architecture, fileType: FileType, options: GgufOptions): number {
  const embedding = model.tensors.find(({ role }) => role === "embedding");
  if (!model.tied || embedding === undefined) return 0;
  const columns = embedding.shape[1]!;
  const format = recipeFormat(recipeModel(model, fileType, options), {
    category: "output",
    index: 0,
    counter: 0,
    threeDimensional: false,
    columns,
  });
  return embedding.shape[0]! * rowBytes(format, columns);
}

/**
 * rope_freqs.weight: one fp32 per pair of rotated dimensions, written for the rotary scaling of Llama 3.1
 * and later, which the vocabulary and the context length tell apart here.
 */
function ropeFrequencyBytes(model: Architecture): number {
  if (model.modelType !== "llama" || model.vocabSize !== 128_256 || model.maxContextTokens !== 131_072)
    return 0;
  const mixer = model.stacks[0]?.kinds[0]?.mixers[0];
  return mixer?.kind === "attention" ? 2 * mixer.keyDim : 0;
}
