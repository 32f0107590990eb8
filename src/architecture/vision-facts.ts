import type { Tokens } from "../units.ts";
import type { ConfigReader, JsonObject } from "./config-reader.ts";

/** How images become tokens, where the config says. */
export interface VisionFacts {
  /**
   * `native` keeps the image's own size, `fixed` resizes every image to one size, `tiles` cuts it into tiles of
   * one size and adds the whole image as one more.
   */
  readonly sizing: "native" | "fixed" | "tiles";
  /** Patches along the side of the square that becomes one token. */
  readonly merge: number;
  /** Side of a patch in pixels; absent where the patch embedding's shape says it. */
  readonly patchSize?: number;
  /** Side of an image or a tile; of a native tower, the longest side it takes. */
  readonly imageSize?: number;
  /** Tokens of an image or a tile whatever its patches: pooled or resampled; 0 where no language model reads them. */
  readonly tokensPerImage?: Tokens;
  /** Tokens that a native tower stretches smaller images to, and shrinks larger ones to. */
  readonly fewestTokens?: Tokens;
  readonly mostTokens?: Tokens;
  /** A native tower fills the last patch of a side up, where others round the side to the nearest. */
  readonly fill?: true;
  /** Most tiles of one image, the whole image aside. */
  readonly mostTiles?: number;
  /** Tiles along the longest side of any image, which is stretched or shrunk to it. */
  readonly longestTiles?: number;
  /** Each row of patches ends with a token of its own (Pixtral). */
  readonly rowBreaks?: true;
  /** Tokens of an image besides those of its patches: a begin and an end. */
  readonly marks?: Tokens;
}

/** Model types that cut images into tiles, and the most tiles their processors make of one image. */
const TILED: { readonly [modelType: string]: number } = {
  internvl_chat: 12,
  internvl: 12,
  llama4: 16,
  mllama: 4,
  llava_next: 4,
  llava_onevision: 9,
  idefics3: 16,
  smolvlm: 16,
  aya_vision: 12,
  cohere2_vision: 12,
  minicpmv: 9,
  phi3_v: 16,
  lfm2_vl: 10,
  llava_next_video: 4,
  minimax_vl_01: 36,
  interns1: 12,
  h2ovl_chat: 6,
  skywork_chat: 12,
  NVLM_D: 6,
  qianfan_ocr: 12,
  NemotronH_Nano_VL_V2: 12,
  ovis: 9,
  ovis2: 9,
};

/** Sizes that classes or processors fix and configs leave out. */
const FIXED: { readonly [modelType: string]: Partial<VisionFacts> } = {
  // CLIP ViT-L/14 at 336 pixels, folded by two.
  phi3_v: { imageSize: 336, patchSize: 14, merge: 2 },
  // A resampler of 16 x 16 queries.
  qwen: { tokensPerImage: 256 },
  gemma3n: { tokensPerImage: 256 },
  llava_llama: { merge: 2 },
  aya_vision: { merge: 2 },
  cohere2_vision: { merge: 2 },
  lfm2_vl: { imageSize: 512 },
  // The longest side becomes four tiles, smaller images are stretched (image_processing_idefics3.py).
  idefics3: { longestTiles: 4 },
  smolvlm: { longestTiles: 4 },
  // A perceiver of 64 queries.
  idefics2: { tokensPerImage: 64 },
  // A query for every 1,225 patches of a tile at 490 pixels, twice as many at 980.
  aria: { tokensPerImage: 256 },
  // Two convolutions behind Segment Anything halve each side.
  got_ocr2: { merge: 4 },
  pp_chart2table: { merge: 4 },
  step3p7: { merge: 4 },
  // Words of the image's own vocabulary: 512 pixels by 16.
  chameleon: { tokensPerImage: 1024 },
  // 768 pixels by 32, and a mean of all.
  florence2: { tokensPerImage: 577 },
  video_llama_3: { sizing: "native", merge: 1 },
  ernie4_5_vl_moe: { sizing: "native" },
  paddleocr_vl: { sizing: "native" },
  Keye: { sizing: "native", merge: 2 },
  KeyeVL1_5: { sizing: "native", merge: 2 },
  ovis2_5: { sizing: "native" },
};

/** Qwen's processors from Qwen3-VL on: "size" of 65,536 to 16,777,216 pixels, cells of 32 x 32. */
const QWEN3: Partial<VisionFacts> = { fewestTokens: 64, mostTokens: 16_384 };
/** 3,136 to 12,845,056 pixels, cells of 28 x 28. */
const QWEN2: Partial<VisionFacts> = { fewestTokens: 4, mostTokens: 16_384 };

/**
 * What the processors of native towers make of any image, from the preprocessor_config.json published with the models:
 * Qwen2-VL, Qwen3.5-2B and GLM-4.1V-9B (12,544 to 9,633,792 pixels of two equal frames); Kimi K2.6 and K3 from their
 * `in_patch_limit` of 16,384 and 65,536 patches, four to a token.
 */
const NATIVE: { readonly [modelType: string]: Partial<VisionFacts> } = {
  qwen2_vl: QWEN2,
  qwen2_5_vl: QWEN2,
  qwen3_vl: QWEN3,
  qwen3_vl_moe: QWEN3,
  qwen3_5: QWEN3,
  qwen3_5_moe: QWEN3,
  glm4v: { fewestTokens: 8, mostTokens: 6144 },
  kimi_k25: { mostTokens: 4096, fill: true },
  kimi_k3: { mostTokens: 16_384, fill: true },
};

/** Model types whose image part is not where the others have theirs. */
const ELSEWHERE: readonly string[] = ["phi3_v", "chameleon"];

function whole(value: unknown): number | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === "number" && Number.isSafeInteger(first) && first >= 1 && first <= 2 ** 20
    ? first
    : undefined;
}

/** 1 / ratio for a ratio such as 0.5. */
function inverse(value: unknown): number | undefined {
  return typeof value === "number" && value > 0 && value <= 1 ? whole(Math.round(1 / value)) : undefined;
}

function first(places: readonly JsonObject[], keys: readonly string[]): number | undefined {
  for (const key of keys) {
    for (const place of places) {
      const found = whole(place[key]);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

const MERGE_KEYS = [
  "spatial_merge_size",
  "merge_kernel_size",
  "merge_size",
  "downsample_factor",
  "scale_factor",
  "pooling_kernel_size",
  "hidden_stride",
] as const;
const TOKEN_KEYS = [
  "mm_tokens_per_image",
  "vision_soft_tokens_per_image",
  "num_soft_tokens",
  "query_num",
  "num_query_tokens",
  "latent_query_num",
] as const;
const TOWERS = [
  "vision_config",
  "visual",
  "vision_tower_cfg",
  "vit_config",
  "visual_tokenizer_config",
] as const;

/** Reads how images become tokens; undefined for a config without a vision tower. */
export function readVisionFacts(config: ConfigReader): VisionFacts | undefined {
  const top = config.child("thinker_config") ?? config;
  const modelType = typeof top.raw.model_type === "string" ? top.raw.model_type : "";
  const tower = top.child(TOWERS)?.raw;
  const fixed = Object.hasOwn(FIXED, modelType) ? FIXED[modelType]! : {};
  if (tower === undefined && !ELSEWHERE.includes(modelType)) return undefined;
  const places: readonly JsonObject[] = tower === undefined ? [] : [tower, top.raw];
  const ratio = inverse(tower?.pixel_shuffle_ratio) ?? inverse(top.raw.downsample_ratio);
  const temporal =
    tower?.temporal_patch_size !== undefined ||
    tower?.patch_temporal !== undefined ||
    modelType === "minimax_m3_vl";
  const merge = fixed.merge ?? first(places, MERGE_KEYS) ?? ratio ?? (temporal ? 2 : 1);
  const tokensPerImage = fixed.tokensPerImage ?? first(places, TOKEN_KEYS);
  const mostTiles = Object.hasOwn(TILED, modelType)
    ? (first(places, ["max_dynamic_patch", "max_num_tiles"]) ?? TILED[modelType])
    : undefined;
  const pixtral = tower?.model_type === "pixtral";
  const native =
    temporal ||
    pixtral ||
    (typeof tower?.model_type === "string" && /moonvit|muse/.test(tower.model_type)) ||
    "merge_kernel_size" in (tower ?? {});
  const sizing =
    fixed.sizing ??
    (mostTiles !== undefined ? "tiles" : tokensPerImage === undefined && native ? "native" : "fixed");
  const patchSize = fixed.patchSize ?? first(places, ["patch_size"]);
  // Of GLM's and MiniMax's native towers the size is that of the trained grid, not a limit.
  const imageSize =
    sizing === "native" && !pixtral
      ? undefined
      : (fixed.imageSize ??
        first(modelType === "minicpmv" ? [top.raw] : places, ["force_image_size", "image_size"]));
  return {
    sizing,
    merge,
    ...(patchSize === undefined ? {} : { patchSize }),
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(tokensPerImage === undefined ? {} : { tokensPerImage }),
    ...(mostTiles === undefined ? {} : { mostTiles }),
    ...(fixed.longestTiles === undefined ? {} : { longestTiles: fixed.longestTiles }),
    ...(Object.hasOwn(NATIVE, modelType) ? NATIVE[modelType] : {}),
    ...(pixtral ? { rowBreaks: true, fill: true } : {}),
  };
}
