import { schemeStorage } from "./assignment.ts";
import { autoRoundScheme, awqScheme, gptqScheme } from "./config/calibrated.ts";
import { compressedTensorsScheme } from "./config/compressed-tensors.ts";
import {
  bitnetScheme,
  blockFloatScheme,
  exlScheme,
  metalScheme,
  mlxScheme,
  mxfp4Scheme,
  quarkScheme,
} from "./config/file-native.ts";
import { fbgemmScheme, float8Scheme } from "./config/float8.ts";
import { modeloptScheme } from "./config/modelopt.ts";
import {
  bitsAndBytesScheme,
  eetqScheme,
  hqqScheme,
  quantoScheme,
  torchaoScheme,
} from "./config/module-replacing.ts";
import { type QuantizationBlock, quantizationBlock } from "./config/quantization-block.ts";
import type { Scheme } from "./scheme.ts";
import type { WeightStorage } from "./storage.ts";

type Reader = (block: QuantizationBlock["block"], whole: QuantizationBlock["whole"]) => Scheme;

/** How each `quant_method` is read. */
const METHODS: { readonly [method: string]: Reader } = {
  gptq: gptqScheme,
  gptqmodel: gptqScheme,
  gptq_marlin: gptqScheme,
  awq: awqScheme,
  awq_marlin: awqScheme,
  "auto-round": autoRoundScheme,
  auto_round: autoRoundScheme,
  "intel/auto-round": autoRoundScheme,
  "compressed-tensors": compressedTensorsScheme,
  compressed_tensors: compressedTensorsScheme,
  fp8: float8Scheme,
  fbgemm_fp8: fbgemmScheme,
  modelopt: modeloptScheme,
  modelopt_fp4: modeloptScheme,
  modelopt_mixed: modeloptScheme,
  bitsandbytes: bitsAndBytesScheme,
  hqq: hqqScheme,
  torchao: torchaoScheme,
  quanto: quantoScheme,
  eetq: eetqScheme,
  mxfp4: mxfp4Scheme,
  nvfp4: (block) => blockFloatScheme("nvfp4", block),
  mxfp8: (block) => blockFloatScheme("mxfp8", block),
  exl2: (block) => exlScheme("exl2", block),
  exl3: (block) => exlScheme("exl3", block),
  mlx: mlxScheme,
  metal: metalScheme,
  quark: quarkScheme,
  bitnet: bitnetScheme,
};

/**
 * How a config says that the weights are stored; null when it says nothing, so that they have the published
 * dtype. Read from `quantization_config` (at top level or in the text part), MLX's `quantization`, or the whole
 * of an hf_quant_config.json, quantize_config.json or quant_config.json.
 *
 * Headers of the weight files beat this whenever they are there.
 *
 * @throws bad-config for a method that is not described, or a key of one that is impossible.
 * @example storageFromConfig(findCatalogueEntry("gpt-oss-20b").entry.config, "x").bytesOf(gpt_oss_20b) // 13_761_264_768
 */
export function storageFromConfig(configJson: unknown, file: string): WeightStorage | null {
  const found = quantizationBlock(configJson, file);
  if (found === null) return null;
  const { block, method, whole } = found;
  const reader = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (reader !== undefined) return schemeStorage(reader(block, whole));
  return block.fail(
    "quant_method",
    method === "gguf"
      ? "a method whose sizes follow from it; give the .gguf file"
      : `a method that is sized here (${SIZED.join(", ")}); the headers of its weight files give its size too`,
  );
}

const SIZED = [
  "gptq",
  "awq",
  "auto-round",
  "compressed-tensors",
  "fp8",
  "fbgemm_fp8",
  "modelopt",
  "bitsandbytes",
  "hqq",
  "torchao",
  "quanto",
  "eetq",
  "mxfp4",
  "exl2",
  "exl3",
  "mlx",
  "quark",
];
