import type { ConfigReader } from "./config-reader.ts";
import type { VisionFacts } from "./model.ts";

type Raw = Readonly<Record<string, unknown>>;

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
};

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

function first(places: readonly Raw[], keys: readonly string[]): number | undefined {
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
] as const;
const TOKEN_KEYS = ["mm_tokens_per_image", "vision_soft_tokens_per_image", "query_num"] as const;

/** Reads how images become tokens; undefined for a config without a vision tower. */
export function readVisionFacts(config: ConfigReader): VisionFacts | undefined {
  const top = config.child("thinker_config") ?? config;
  const modelType = typeof top.raw.model_type === "string" ? top.raw.model_type : "";
  const tower = top.child(["vision_config", "visual", "vision_tower_cfg"])?.raw;
  const fixed = Object.hasOwn(FIXED, modelType) ? FIXED[modelType]! : {};
  if (tower === undefined && modelType !== "phi3_v") return undefined;
  const places: readonly Raw[] = tower === undefined ? [] : [tower, top.raw];
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
    mostTiles !== undefined ? "tiles" : tokensPerImage === undefined && native ? "native" : "fixed";
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
    ...(pixtral ? { rowBreaks: true } : {}),
  };
}
