/** Methods that can be asked for by name on a model that is not quantized: what their usual recipe would store. */

import type { Architecture, Note } from "../architecture/model.ts";
import { hasExperts } from "../architecture/stack.ts";
import type { Format } from "../formats/block.ts";
import { type Encoding, plainById } from "./encoding.ts";
import {
  affine,
  averageBits,
  awq,
  bitsAndBytes4,
  byteWeights,
  exl3,
  gptq,
  HQQ_BITS,
  hqq,
  LLM_INT8,
  MXFP4,
  MXFP8,
  nvfp4,
  packed,
} from "./linear-encodings.ts";
import { isBlockLinear, isHead, isReplacedLinear } from "./linears.ts";
import { average, fixed, type Grammar, grouped } from "./name-grammar.ts";
import { type Place, type Scheme, sixteenBit } from "./scheme.ts";

type Selects = (place: Place) => boolean;

function schemeOf(spec: {
  readonly id: string;
  readonly selects: Selects;
  readonly encoding: Encoding;
  /** What the head becomes, where the method has a say. */
  readonly head?: Encoding;
  readonly notesOf?: (model: Architecture) => readonly Note[];
}): Scheme {
  const { id, selects, encoding, head } = spec;
  return {
    id,
    basis: "modelled",
    layered: false,
    leftAs: sixteenBit,
    begin: () => (place) => {
      if (head !== undefined && isHead(place)) return head;
      return selects(place) ? encoding : null;
    },
    ...(spec.notesOf === undefined ? {} : { notesOf: spec.notesOf }),
  };
}

const blocks = (id: string, encoding: Encoding, head?: Encoding): Scheme =>
  schemeOf({ id, selects: isBlockLinear, encoding, ...(head === undefined ? {} : { head }) });

/** Replaces linear modules as the model loads: experts stay, and the result says so. */
const replaced = (id: string, encoding: Encoding): Scheme =>
  schemeOf({ id, selects: isReplacedLinear, encoding, notesOf: (model) => expertsLeft(id, model) });

function expertsLeft(id: string, model: Architecture): readonly Note[] {
  if (!hasExperts(model)) return [];
  return [
    {
      code: "experts-unquantized",
      message: `${id} replaces linear modules; transformers 5 holds routed experts as three-dimensional parameters, which stay in 16 bits`,
      details: { method: id },
    },
  ];
}

/** MXFP4 as gpt-oss ships it: the experts, or in a model without any the linears of its blocks. */
const mxfp4: Scheme = {
  id: "mxfp4",
  basis: "modelled",
  layered: false,
  leftAs: sixteenBit,
  begin: (model) => {
    const expertsOnly = hasExperts(model);
    return (place) =>
      isBlockLinear(place) && (!expertsOnly || place.tensor.kind === "expert") ? MXFP4 : null;
  },
};

/** MLX quantizes every linear and the embedding; towers stay. */
const mlx = (id: string, encoding: Encoding): Scheme =>
  schemeOf({
    id,
    selects: (place) => isBlockLinear(place) || isTextTable(place) || isTextRouter(place),
    encoding,
  });

const isTextTable = (place: Place): boolean =>
  (place.tensor.role === "embedding" || isHead(place)) && place.tensor.shape.length === 2;

const isTextRouter = ({ tensor, stack }: Place): boolean =>
  tensor.role === "router" && tensor.kind === "linear" && tensor.shape.length === 2 && stack?.role !== "mtp";

/** The head of EXL2 and EXL3 files unless asked otherwise: `head_bits` 6. */
const EXL_HEAD_BITS = 6;

const E4M3 = { scaleBytes: 4 } as const;
const BLOCK = { rows: 128, columns: 128 } as const;

const GRAMMARS: readonly Grammar[] = [
  fixed(replaced("nf4", bitsAndBytes4("nf4", false)), ["bnb-nf4", "bnb-4bit"]),
  fixed(replaced("nf4-dq", bitsAndBytes4("nf4", true)), ["bnb-nf4-dq", "nf4-double-quant", "qlora"]),
  fixed(replaced("bnb-fp4", bitsAndBytes4("bnb_fp4", false))),
  fixed(replaced("bnb-fp4-dq", bitsAndBytes4("bnb_fp4", true))),
  fixed(replaced("int8", LLM_INT8), ["llm-int8", "llm.int8", "bnb-int8", "bnb-8bit", "i8", "s8"]),
  grouped({
    prefix: "gptq",
    bits: [2, 3, 4, 8],
    defaultBits: 4,
    defaultGroup: 128,
    make: (bits, group) => named(blocks, gptq({ bits, group })),
    examples: ["gptq-4bit-g128", "gptq-4bit-g32", "gptq-8bit-g128", "gptq-3bit-g128"],
  }),
  grouped({
    prefix: "awq",
    bits: [4, 8],
    defaultBits: 4,
    defaultGroup: 128,
    make: (bits, group) => named(blocks, awq({ bits, group })),
    examples: ["awq-4bit-g128", "awq-4bit-g64"],
  }),
  grouped({
    prefix: "auto-round",
    aliases: ["autoround"],
    bits: [2, 3, 4, 8],
    defaultBits: 4,
    defaultGroup: 128,
    make: (bits, group) => named(blocks, awq({ bits, group }, "auto-round")),
    examples: ["auto-round-4bit-g128"],
  }),
  fixed(blocks("fp8", byteWeights("fp8", "tensor", E4M3)), ["fp8-tensor", "fp8-per-tensor"]),
  fixed(blocks("fp8-channel", byteWeights("fp8", "channel", { scaleBytes: 2 })), [
    "fp8-dynamic",
    "fp8-per-channel",
    "ct-fp8",
  ]),
  fixed(blocks("fp8-block", byteWeights("fp8", BLOCK, E4M3)), ["fp8-128x128"]),
  fixed(blocks("fbgemm-fp8", byteWeights("fp8", "channel", E4M3))),
  fixed(mxfp4),
  fixed(blocks("mxfp8", MXFP8), ["mxfp8-e4m3"]),
  fixed(blocks("nvfp4", nvfp4(2))),
  fixed(blocks("nvfp4a16", nvfp4(1)), ["w4a16-nvfp4"]),
  ...([4, 8] as const).map((bits) =>
    grouped({
      prefix: `ct-w${bits}a16`,
      aliases: [`w${bits}a16`],
      bits: [bits],
      defaultBits: bits,
      defaultGroup: bits === 8 ? -1 : 128,
      make: (_bits, group) => named(blocks, packed({ bits, group })),
      examples: [bits === 8 ? "ct-w8a16" : "ct-w4a16-g128"],
    }),
  ),
  fixed(blocks("ct-w8a8", byteWeights("int8", "channel", { scaleBytes: 2 })), ["w8a8", "ct-int8"]),
  grouped({
    prefix: "hqq",
    bits: HQQ_BITS,
    defaultBits: 4,
    defaultGroup: 64,
    make: (bits, group) => named(replaced, hqq({ bits, group })),
    examples: ["hqq-4bit-g64", "hqq-3bit-g64", "hqq-2bit-g64"],
  }),
  fixed(replaced("torchao-int8", byteWeights("int8", "channel", { scaleBytes: 2 }))),
  fixed(replaced("torchao-fp8", byteWeights("fp8", "channel", E4M3)), ["torchao-float8"]),
  grouped({
    prefix: "torchao",
    bits: [4],
    defaultBits: 4,
    defaultGroup: 128,
    make: (bits, group) => named(replaced, affine("torchao", { bits, group })),
    examples: ["torchao-int4-g128"],
  }),
  fixed(replaced("quanto-int8", byteWeights("int8", "channel", { scaleBytes: 2 }))),
  fixed(replaced("quanto-fp8", byteWeights("fp8", "channel", { scaleBytes: 2 })), ["quanto-float8"]),
  grouped({
    prefix: "quanto",
    bits: [2, 4],
    defaultBits: 4,
    defaultGroup: 128,
    make: (bits, group) => named(replaced, affine("quanto", { bits, group })),
    examples: ["quanto-int4", "quanto-int2"],
  }),
  fixed(replaced("eetq", byteWeights("int8", "channel", { scaleBytes: 2 }))),
  grouped({
    prefix: "mlx",
    bits: [2, 3, 4, 5, 6, 8],
    defaultBits: 4,
    defaultGroup: 64,
    make: (bits, group) => named(mlx, affine("mlx", { bits, group })),
    examples: ["mlx-4bit-g64", "mlx-8bit-g64", "mlx-6bit-g64", "mlx-3bit-g64"],
  }),
  average("exl2", [2, 8], (bits) =>
    blocks(`exl2-${bits}bpw`, averageBits(`exl2-${bits}bpw`, bits), averageBits("exl2-head", EXL_HEAD_BITS)),
  ),
  average("exl3", [1, 8], (bits) => blocks(`exl3-${bits}bpw`, exl3(bits), exl3(EXL_HEAD_BITS))),
];

/**
 * A bare element format below 16 bits: the linears of the blocks, as every method leaves embeddings, head and
 * norms in 16 bits. Nothing is added for scales, which a bare name does not tell.
 */
export const elementScheme = (format: Format): Scheme =>
  schemeOf({
    id: format.id,
    selects: isBlockLinear,
    encoding: plainById(format.id),
    notesOf: () => [
      {
        code: "elements-only",
        message: `${format.id} for the linears of the layers; embeddings, head and norms stay in 16 bits, and ${
          SCALED.test(format.id)
            ? "its own scales are counted"
            : "scales are not counted: name a method (awq, gptq-4bit-g128, nvfp4, fp8) to have them"
        }`,
        details: { format: format.id },
      },
    ],
  });

/** Formats that bring their scales. */
const SCALED = /^(mx|nv|nf|bnb|ggml|i?q\d|tq)/;

/** A scheme called as its encoding is. */
function named(make: (id: string, encoding: Encoding) => Scheme, encoding: Encoding): Scheme {
  return make(encoding.id, encoding);
}

/** Names of schemes by method, for suggestions and completion. */
export const SCHEME_NAMES: readonly string[] = GRAMMARS.flatMap(({ names }) => names);

/**
 * The scheme that a name asks for, or null. Case does not count, "_" reads as "-".
 *
 * @throws bad-option for a method with a number of bits or a group that it does not have.
 */
export function schemeByName(name: string): Scheme | null {
  const key = name.toLowerCase().replaceAll("_", "-");
  if (key.length > 60) return null;
  for (const { read } of GRAMMARS) {
    const scheme = read(key);
    if (scheme !== null) return scheme;
  }
  return null;
}
