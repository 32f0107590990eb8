import { nearestNames, VramCalcError } from "../errors.ts";
import type { Format } from "./block.ts";
import { STORAGE_FORMATS } from "./storage-formats.ts";

/**
 * What people, frameworks and files call a format, beside its id. Case, `-`, `_`, `.` and spaces do not count.
 *
 * `e4m3` alone is the OCP format without infinities (e4m3fn), as in torch, safetensors and vLLM; the IEEE-like
 * one is `float8_e4m3` only in ml_dtypes, whose name for it is kept.
 */
const ALIASES: { readonly [id: string]: readonly string[] } = {
  fp64: ["float64", "f64", "double"],
  fp32: ["float32", "f32", "float", "single"],
  tf32: ["tensorfloat32", "tfloat32"],
  fp16: ["float16", "f16", "half"],
  bf16: ["bfloat16", "brain float 16"],
  fp8_e4m3fn: [
    "fp8",
    "float8",
    "f8",
    "e4m3fn",
    "fp8_e4m3",
    "e4m3",
    "f8_e4m3",
    "f8_e4m3fn",
    "float8_e4m3fn",
    "f8e4m3fn",
  ],
  fp8_e5m2: ["e5m2", "float8_e5m2", "f8_e5m2", "bf8"],
  fp8_e4m3_ieee: ["e4m3_ieee", "float8_e4m3", "float8_e4m3_ieee"],
  fp8_e4m3fnuz: ["e4m3fnuz", "float8_e4m3fnuz", "f8_e4m3fnuz"],
  fp8_e5m2fnuz: ["e5m2fnuz", "float8_e5m2fnuz", "f8_e5m2fnuz"],
  fp8_e4m3b11fnuz: ["e4m3b11fnuz", "float8_e4m3b11fnuz", "e4m3b11", "f8_e4m3b11fnuz"],
  fp8_e3m4: ["e3m4", "float8_e3m4", "f8_e3m4"],
  e8m0: ["ue8m0", "e8m0fnu", "float8_e8m0fnu", "f8_e8m0", "fp8_e8m0"],
  ue4m3: ["uint_e4m3", "fp8_ue4m3", "float_ue4m3"],
  fp6_e3m2: ["fp6", "float6", "e3m2", "e3m2fn", "float6_e3m2fn", "f6_e3m2"],
  fp6_e2m3: ["e2m3", "e2m3fn", "float6_e2m3fn", "f6_e2m3"],
  fp4_e2m1: ["fp4", "float4", "f4", "e2m1", "e2m1fn", "float4_e2m1fn", "f4_e2m1"],
  int64: ["i64", "long"],
  int32: ["i32"],
  int16: ["i16", "short"],
  int8: ["i8", "s8"],
  uint8: ["u8"],
  int4: ["i4", "s4"],
  uint4: ["u4"],
  mxfp8_e4m3: ["mxfp8", "mxfp8_e4m3fn"],
  mxfp6_e3m2: ["mxfp6"],
  mxfp4: ["mxfp4_e2m1", "ggml_mxfp4"],
  nf4: ["bnb_nf4", "normalfloat4", "bitsandbytes_nf4"],
  nf4_dq: ["nf4_double_quant", "nf4_double", "bnb_nf4_dq"],
  bnb_fp4: ["bitsandbytes_fp4"],
  bnb_fp4_dq: ["bnb_fp4_double_quant"],
  ggml_nvfp4: ["nvfp4_ggml"],
};

const normalized = (name: string): string =>
  name
    .toLowerCase()
    .replace(/^(torch|jnp|np|numpy|ml_dtypes)\./, "")
    .replace(/[\s._-]+/g, "");

/** Built when first asked for, because an id needs no list of names and the start-up is short. */
let idsByName: ReadonlyMap<string, string> | undefined;

function allNames(): ReadonlyMap<string, string> {
  idsByName ??= new Map(
    [...STORAGE_FORMATS.keys()].flatMap((id) =>
      [id, ...aliasesOf(id)].map((name) => [normalized(name), id] as const),
    ),
  );
  return idsByName;
}

/** Every other name of a format, for help and completion. */
export const aliasesOf = (id: string): readonly string[] => (Object.hasOwn(ALIASES, id) ? ALIASES[id]! : []);

/** The id that a name stands for, or undefined. */
export function findFormatId(name: string): string | undefined {
  if (STORAGE_FORMATS.has(name)) return name;
  return name.length > 100 ? undefined : allNames().get(normalized(name));
}

/**
 * The storage format that a name stands for.
 *
 * @throws unknown-name with the nearest names
 * @example formatByName("bfloat16").id // "bf16"
 * @example formatByName("Q4_K").parts // [{ elements: 256, bytes: 144 }]
 */
export function formatByName(name: string): Format {
  const id = findFormatId(name);
  if (id !== undefined) return STORAGE_FORMATS.get(id)!;
  throw unknownFormat(name);
}

/** The error for a name that is no format: nearest names, and what a llama.cpp recipe is made of. */
export function unknownFormat(name: string, kind = "format"): VramCalcError<"unknown-name"> {
  const base = findFormatId(name.replace(/[_-](xs|xl|s|m|l)$/i, ""));
  if (base !== undefined)
    return new VramCalcError("unknown-name", {
      kind,
      name,
      nearest: [base],
      hint: `${name} is a recipe that mixes tensor formats; ${base} is the one it starts from`,
    });
  const names = nearestNames(name, [...STORAGE_FORMATS.keys()].concat(Object.values(ALIASES).flat()), 8);
  // Two names of one format are one suggestion.
  const nearest = [...new Map(names.toReversed().map((near) => [findFormatId(near), near])).values()]
    .toReversed()
    .slice(0, 3);
  return new VramCalcError("unknown-name", {
    kind,
    name,
    nearest,
    ...(nearest.length === 0 ? { hint: "`vram-calc formats` lists them" } : {}),
  });
}
