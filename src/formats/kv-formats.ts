import { nearestNames, VramCalcError } from "../errors.ts";
import type { Bytes } from "../units.ts";
import { type Part, sizeOf } from "./block.ts";

/**
 * How a cache stores one key and one value vector of a head of `dim` elements, for one token.
 *
 * Functions and not a factor: scales per vector, unequal keys and values and padded slots are not bytes per
 * element. Not here, because it belongs to an engine: pages, layers that stay unquantized, a residual of
 * recent tokens in fp16 (transformers: 128), a dequantized copy (exllamav2: one fp16 layer per device).
 */
export interface KvFormat {
  readonly id: string;
  readonly keyBytesPerVector: (dim: number) => Bytes;
  readonly valueBytesPerVector: (dim: number) => Bytes;
}

type Vector = (dim: number) => Bytes;

/** Blocks along the vector, the last one padded. */
const blocks =
  (...parts: readonly Part[]): Vector =>
  (dim) =>
    sizeOf({ id: "", parts }, dim);

/** `bits` per element, packed over the vector, and `extra` bytes once. */
const packed =
  (bits: number, extra: Bytes): Vector =>
  (dim) =>
    Math.ceil((dim * bits) / 8) + extra;

interface Row {
  readonly id: string;
  readonly key: Vector;
  /** Stored like the key when absent. */
  readonly value?: Vector;
  readonly aliases?: readonly string[];
}

const per32 = (bytes: Bytes): Vector => blocks({ elements: 32, bytes });
/** Groups of 64 with two 2-byte numbers each. */
const affine64 = (bits: number): Vector => blocks({ elements: 64, bytes: 8 * bits + 4 });

/**
 * vLLM, quantization/turboquant/config.py: values carry scale and zero in fp16, and the byte that makes the
 * slot of key + value even.
 */
const turboquant = (id: string, key: Vector, valueBits: number): Row => ({
  id,
  key,
  value: (dim) => {
    const bytes = packed(valueBits, 4)(dim);
    return bytes + ((key(dim) + bytes) % 2);
  },
});

/**
 * DeepSeek's sparse kernels, vLLM v1/kv_cache_interface.py: 64 rotary values in bf16, the others in fp8. V4's vector of
 * 512 has a one-byte scale per 64 and a byte of padding: 448 + 7 + 1 + 128 = 584. The 512 + 64 latents of V3.2 and GLM 5
 * have an fp32 scale per 128: 512 + 16 + 128 = 656. Narrower ones are index keys: all in fp8, an fp32 scale per 128.
 */
const dsMla: Vector = (dim) => {
  if (dim < 512) return dim + Math.ceil(dim / 128) * 4;
  const plain = dim - 64;
  const scales = dim < 576 ? Math.ceil(plain / 64) + 1 : Math.ceil(plain / 128) * 4;
  return plain + scales + 64 * 2;
};

const ROWS: readonly Row[] = [
  { id: "fp32", key: packed(32, 0), aliases: ["f32", "float32", "float"] },
  { id: "fp16", key: packed(16, 0), aliases: ["f16", "float16", "half"] },
  { id: "bf16", key: packed(16, 0), aliases: ["bfloat16"] },
  {
    id: "fp8",
    // vLLM, SGLang, TensorRT-LLM; scales per tensor or head are not counted.
    key: packed(8, 0),
    aliases: [
      "fp8_e4m3",
      "fp8_e5m2",
      "fp8_inc",
      "fp8_e4m3fn",
      "e4m3",
      "e5m2",
      "float8_e4m3fn",
      "float8_e5m2",
    ],
  },
  { id: "fp8_ds_mla", key: dsMla },
  // llama.cpp -ctk/-ctv, blocks of 32 as in ggml-common.h.
  { id: "q8_0", key: per32(34) },
  { id: "q5_1", key: per32(24) },
  { id: "q5_0", key: per32(22) },
  { id: "q4_1", key: per32(20) },
  { id: "q4_0", key: per32(18) },
  { id: "iq4_nl", key: per32(18) },
  // vLLM, v1/kv_cache_interface.py (bc8282e) and attention/backends/triton_attn.py: one fp32 scale per vector;
  // int4 has scale and zero point in 4 bytes.
  { id: "int8_per_token_head", key: packed(8, 4) },
  { id: "fp8_per_token_head", key: packed(8, 4) },
  { id: "int4_per_token_head", key: packed(4, 4) },
  {
    id: "nvfp4",
    // vLLM nvfp4_kv_cache_full_dim: dim/2 + dim/16; SGLang fp4_e2m1 has the same size.
    key: blocks({ elements: 16, bytes: 9 }),
    aliases: ["nvfp4_4over6", "fp4_e2m1"],
  },
  turboquant("turboquant_k8v4", packed(8, 0), 4),
  turboquant("turboquant_4bit_nc", packed(4, 2), 4),
  turboquant("turboquant_k3v4_nc", packed(3, 2), 4),
  turboquant("turboquant_3bit_nc", packed(3, 2), 3),
  // exllamav2: fp8 by truncation, the others with one fp16 scale per 32.
  { id: "exllamav2_fp8", key: packed(8, 0), aliases: ["exl2_fp8"] },
  { id: "exllamav2_q4", key: per32(18), aliases: ["exl2_q4"] },
  { id: "exllamav2_q6", key: per32(34), value: per32(18), aliases: ["exl2_q6"] },
  { id: "exllamav2_q8", key: per32(34), aliases: ["exl2_q8"] },
  // exllamav3, cache/quant.py: int32 words and one fp16 scale per 32.
  ...[2, 3, 4, 5, 6, 7, 8].map((bits) => ({
    id: `exllamav3_${bits}bit`,
    key: per32(4 * bits + 2),
    aliases: [`exl3_${bits}bit`, `exllamav3_q${bits}`, `exl3_q${bits}`],
  })),
  // transformers QuantizedCache, scale and shift in fp16 per 64.
  ...[2, 4].map((bits) => ({ id: `quanto_int${bits}`, key: affine64(bits) })),
  ...[1, 2, 4, 8].map((bits) => ({ id: `hqq_int${bits}`, key: affine64(bits) })),
  // mlx-lm models/cache.py: uint32 words, scale and bias in 2 bytes per 64.
  ...[2, 4, 8].map((bits) => ({
    id: `mlx_${bits}bit`,
    key: affine64(bits),
    aliases: [`mlx_q${bits}`, `mlx_int${bits}`],
  })),
];

/** Every cache format by id. Keys and values are stored alike unless the row says otherwise. */
export const KV_FORMATS: ReadonlyMap<string, KvFormat> = new Map(
  ROWS.map(({ id, key, value }) => [id, { id, keyBytesPerVector: key, valueBytesPerVector: value ?? key }]),
);

const normalized = (name: string): string => name.toLowerCase().replace(/[\s._-]+/g, "");

/** Built when first asked for: the id of a format needs no list of names. */
let byName: ReadonlyMap<string, KvFormat> | undefined;

function allNames(): ReadonlyMap<string, KvFormat> {
  byName ??= new Map(
    ROWS.flatMap(({ id, aliases }) =>
      [id, ...(aliases ?? [])].map((name) => [normalized(name), KV_FORMATS.get(id)!] as const),
    ),
  );
  return byName;
}

/** Keys as `key` stores them and values as `value` does, as llama.cpp's -ctk and -ctv allow. */
function mixedKvFormat({ key, value }: { readonly key: KvFormat; readonly value: KvFormat }): KvFormat {
  if (key.id === value.id) return key;
  return {
    id: `${key.id}/${value.id}`,

    keyBytesPerVector: key.keyBytesPerVector,
    valueBytesPerVector: value.valueBytesPerVector,
  };
}

/**
 * The cache format that a name stands for; `keys/values` names one for each.
 *
 * @throws unknown-name with the nearest names
 * @example kvFormatByName("q8_0").keyBytesPerVector(128) // 136 = 4 blocks x 34 B
 * @example kvFormatByName("q8_0/q4_0").valueBytesPerVector(128) // 72 = 4 blocks x 18 B
 */
export function kvFormatByName(name: string): KvFormat {
  const [key, value, ...rest] = name.split("/");
  if (key !== undefined && value !== undefined && rest.length === 0)
    return mixedKvFormat({ key: kvFormatByName(key), value: kvFormatByName(value) });
  const found = KV_FORMATS.get(name) ?? (name.length > 100 ? undefined : allNames().get(normalized(name)));
  if (found !== undefined) return found;
  throw new VramCalcError("unknown-name", {
    kind: "KV cache format",
    name,
    nearest: nearestNames(name, KV_FORMATS.keys()),
    hint: "keys and values may differ: q8_0/q4_0",
  });
}
