import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { imageShape } from "../../src/memory/image-tokens.ts";
import { imageWork } from "../../src/memory/image-work.ts";
import { parseImages } from "../../src/memory/images-request.ts";
import {
  COGVLM_17B,
  COGVLM2_19B,
  GLM_4V_9B,
  LLAVA_15_7B,
  LLAVA_OV_7B,
  OVIS2_1B,
  QWEN2_TEXT,
} from "../architecture/remote-models.ts";
import { named, VISION } from "../estimate/estimate-models.ts";

const LAYERS = { hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 4, intermediate_size: 128 };
/** Small models whose images are as those of the real ones. */
const COMPOSITES = {
  blip2: {
    model_type: "blip-2",
    num_query_tokens: 32,
    vision_config: { ...LAYERS, image_size: 224, patch_size: 14 },
    qformer_config: LAYERS,
    text_config: QWEN2_TEXT,
  },
  kosmos2: {
    model_type: "kosmos-2",
    latent_query_num: 64,
    vision_config: { ...LAYERS, image_size: 224, patch_size: 14 },
    text_config: { embed_dim: 64, layers: 1, attention_heads: 4, ffn_dim: 128, vocab_size: 100 },
  },
  got: {
    model_type: "got_ocr2",
    vision_config: { image_size: 1024, patch_size: 16 },
    text_config: QWEN2_TEXT,
  },
  idefics3: {
    model_type: "idefics3",
    scale_factor: 2,
    vision_config: { ...LAYERS, image_size: 364, patch_size: 14 },
    text_config: { ...QWEN2_TEXT, model_type: "llama" },
  },
};

describe("--images", () => {
  test.for([
    ["1", { count: 1 }],
    ["2@1280x720", { count: 2, width: 1280, height: 720 }],
    [" 3@64X32 ", { count: 3, width: 64, height: 32 }],
  ] as const)("reads %s", ([text, request]) => {
    expect(parseImages(text)).toEqual(request);
  });

  test.for(["", "0", "x", "2@", "2@1280", "2@0x5", "2@70000x5", "70000", "-1", "1e3", "2@1280x720x3"])(
    'refuses "%s" in one sentence that shows a right one',
    (text) => {
      expect(() => parseImages(text)).toThrow(/--images got .*2@1280x720\.$/);
    },
  );
});

describe("tokens of an image", () => {
  test.for([
    ["qwen2.5-vl-3b", 1280, 720, 46 * 26, 46 * 26 * 4, "1280 / 28 = 45.7, 720 / 28 = 25.7: 46 x 26"],
    ["qwen2.5-vl-3b", 28, 28, 4, 16, "stretched to 3,136 pixels: 2 x 2"],
    [
      "qwen2.5-vl-3b",
      56,
      28,
      3 * 2,
      24,
      "by sqrt(3136 / 1568) = 1.41: 79.2 / 28 = 2.8, 39.6 / 28 = 1.4, both up",
    ],
    ["qwen2.5-vl-3b", 42, 98, 2 * 4, 32, "1.5 is 2, 3.5 is 4"],
    ["qwen2.5-vl-3b", 70, 126, 2 * 4, 32, "2.5 is 2, 4.5 is 4: a half goes to the even neighbour"],
    ["qwen2.5-vl-3b", 4200, 4200, 128 * 128, 256 * 256, "of 16,384 at most: 3,584 pixels"],
    ["qwen2.5-vl-3b", 20_000, 10_000, 181 * 90, 362 * 180, "2 x 90.5 x 90.5 is 16,384: both down"],
    ["qwen3-vl-2b", 1280, 720, 40 * 22, 40 * 22 * 4, "1280 / 32 = 40, 720 / 32 = 22.5 is 22"],
    ["qwen3-vl-2b", 336, 336, 10 * 10, 400, "336 / 32 = 10.5 is 10"],
    ["qwen3-vl-2b", 64, 64, 8 * 8, 256, "stretched to 65,536 pixels: 8 x 8"],
    ["qwen3-vl-2b", 1024, 1024, 32 * 32, 64 * 64, "1024 / 32 = 32"],
    ["gemma-3-4b", 1280, 720, 256, 64 * 64, "resized to 896: 64 x 64 patches pooled to 256"],
    ["llava-1.5-7b", 1280, 720, 24 * 24, 24 * 24, "resized to 336: 24 x 24"],
    ["mistral-small-3.1-24b", 1540, 1540, 55 * 56, 110 * 110, "55 rows of 55 and a break each"],
    ["mistral-small-3.1-24b", 3080, 1540, 28 * 56, 28 * 55 * 4, "the longest side is 1540: 28 rows of 55"],
  ] as const)("%s at %i x %i: %i of %i patches (%s)", ([name, width, height, tokens, patches]) => {
    expect(imageShape(VISION[name]!, { count: 1, width, height })).toMatchObject({ tokens, patches });
  });

  // What the published files say, from which each row of the catalogue drops what decides no size of a parameter.
  test.for([
    ["gemma-3-4b", 256, "mm_tokens_per_image"],
    ["gemma-3-12b", 256, "mm_tokens_per_image"],
    ["gemma-3-27b", 256, "mm_tokens_per_image"],
    ["medgemma-4b", 256, "mm_tokens_per_image"],
    ["gemma-4-26b-a4b", 280, "vision_soft_tokens_per_image"],
    ["mistral-small-3.1-24b", 26 * (46 + 1), "26 rows of 46 cells of 28 pixels, and a break each"],
    ["mistral-small-3.2-24b", 26 * (46 + 1), "26 rows of 46 cells of 28 pixels, and a break each"],
    ["ministral-3-3b", 26 * (46 + 1), "26 rows of 46 cells of 28 pixels, and a break each"],
    ["pixtral-12b", 36 * (64 + 1), "1024 x 576: 36 rows of 64 patches of 16 pixels, and a break each"],
    ["llama-4-scout", 13 * 12 * 12, "4 x 3 tiles and the whole, each 24 / 2 = 12 cells across"],
    ["llama-4-maverick", 13 * 12 * 12, "4 x 3 tiles and the whole, each 24 / 2 = 12 cells across"],
    ["qwen2-vl-7b", 46 * 26, "1280 / 28 = 45.7, 720 / 28 = 25.7"],
    ["qwen2.5-vl-3b", 46 * 26, "1280 / 28 = 45.7, 720 / 28 = 25.7"],
    ["qwen2.5-vl-72b", 46 * 26, "1280 / 28 = 45.7, 720 / 28 = 25.7"],
    ["qwen3-vl-32b", 40 * 22, "1280 / 32 = 40, 720 / 32 = 22.5 is 22"],
    ["qwen3.5-27b", 40 * 22, "1280 / 32 = 40, 720 / 32 = 22.5 is 22"],
    ["qwen3.6-35b-a3b", 40 * 22, "1280 / 32 = 40, 720 / 32 = 22.5 is 22"],
  ] as const)("%s by its name makes %i of 1280 x 720 (%s)", ([name, tokens]) => {
    const model = catalogueArchitecture(findCatalogueEntry(name)!.entry);
    expect(imageShape(model, { count: 1, width: 1280, height: 720 }).tokens).toBe(tokens);
  });

  const kimi = fileURLToPath(
    new URL("../../../shared/configs/nvidia__Kimi-K2.6-NVFP4.json", import.meta.url),
  );
  test.skipIf(!existsSync(kimi)).for([
    [1280, 720, 46 * 26, "1280 / 28 = 45.7, 720 / 28 = 25.7, filled up"],
    [330, 29, 12 * 2, "330 / 28 = 11.8, 29 / 28 = 1.04, filled up"],
    [3840, 2160, 86 * 49, "by sqrt(16384 / (274 x 154)) to 2392 x 1345, filled up to more than 4,096"],
  ] as const)(
    "Kimi K2.6 at %i x %i: %i (%s; skipped: no config folder beside the project)",
    ([width, height, tokens]) => {
      const model = readArchitecture(JSON.parse(readFileSync(kimi, "utf8")), kimi);
      expect(imageShape(model, { count: 1, width, height }).tokens).toBe(tokens);
    },
  );

  // As the processors of transformers 5.18 and of the repositories fill them in.
  test.for<[string, number, object]>([
    ["BLIP-2: 32 queries", 32, { ...COMPOSITES.blip2 }],
    ["Kosmos-2: 64 queries", 64, COMPOSITES.kosmos2],
    ["GOT-OCR 2: 64 x 64 patches, each 4 x 4 of them one", 256, COMPOSITES.got],
    ["CogVLM: 35 x 35, a begin and an end", 1227, COGVLM_17B],
    ["CogVLM 2: 48 x 48, a begin and an end", 2306, COGVLM2_19B],
    ["GLM-4V: 40 x 40, a begin and an end", 1602, GLM_4V_9B],
    ["LLaVA-1.5 as its authors publish it: 24 x 24", 576, LLAVA_15_7B],
    ["Ovis 2: 16 x 16 of a tile of 448 pixels, 9 tiles and the whole", 2560, OVIS2_1B],
  ])("%s", ([, tokens, config]) => {
    const model = readArchitecture(config, "config.json");
    expect(imageShape(model, { count: 1, width: 1300, height: 1300 }).tokens).toBe(tokens);
  });

  test("LLaVA-OneVision cuts up to 9 tiles where its file says so", () => {
    const config = { ...LLAVA_OV_7B, image_aspect_ratio: "anyres_max_9" };
    const tokensAt = (side: number) =>
      imageShape(readArchitecture(config, "config.json"), { count: 1, width: side, height: side }).tokens;
    expect([tokensAt(384), tokensAt(768), tokensAt(2000)]).toEqual([729, 5 * 729, 10 * 729]);
  });

  test("Idefics 3 stretches the longest side to four tiles: 4 x 4 and the whole, or 4 x 3 of a wide one", () => {
    const model = readArchitecture(COMPOSITES.idefics3, "config.json");
    const tokensAt = (width: number, height: number) => imageShape(model, { count: 1, width, height }).tokens;
    expect([tokensAt(100, 100), tokensAt(2000, 2000), tokensAt(1280, 720)]).toEqual([
      17 * 169,
      17 * 169,
      13 * 169,
    ]);
  });

  test("a native tower shrinks what exceeds 16,384 tokens", () => {
    const { tokens } = imageShape(VISION["qwen2.5-vl-3b"]!, { count: 1, width: 20_000, height: 10_000 });
    expect(tokens).toBeLessThanOrEqual(16_384);
    expect(tokens).toBeGreaterThan(16_000);
  });

  test("never fewer tokens for a larger image", () => {
    for (const model of Object.values(VISION)) {
      let before = 0;
      for (const side of [1, 14, 100, 336, 500, 896, 1000, 1540]) {
        const { tokens } = imageShape(model, { count: 1, width: side, height: side });
        expect(tokens).toBeGreaterThanOrEqual(before);
        before = tokens;
      }
    }
  });

  test("a size that was not given is said where it decides", () => {
    expect(imageShape(VISION["qwen2.5-vl-3b"]!, { count: 1 }).assumedSize).toBe(true);
    expect(imageShape(VISION["gemma-3-4b"]!, { count: 1 }).assumedSize).toBe(false);
  });

  test("CLIP's images stay in their own tower: 16 x 16 patches of it, no token of the text's 77", () => {
    const model = catalogueArchitecture(findCatalogueEntry("clip-vit-large-patch14")!.entry);
    expect(imageShape(model, { count: 1 })).toMatchObject({ tokens: 0, patches: 256, readBy: "context" });
  });

  test("a model without a tower is refused in one sentence", () => {
    expect(() => imageShape(named("llama-3.1-8b"), { count: 1 })).toThrow(
      "--images got a llama model, expected a model with a vision tower.",
    );
  });
});

describe("work of the tower", () => {
  const model = VISION["qwen2.5-vl-3b"]!;
  const shape = imageShape(model, { count: 1, width: 1280, height: 720 });
  const input = { shape, together: 2, kept: 2, computeBytes: 2, laterBytes: 0, ownBuffer: false };
  // Widest moment per patch: 4 x 1280 of the stream and 3 x 3420 of the gated MLP.
  const tower = 2 * 4784 * (4 * 1280 + 3 * 3420) * 2;
  const embeddings = 2 * 1196 * 2048 * 2;

  test("2 x 4784 patches x (4 x 1280 + 3 x 3420) x 2 B beside 2 x 1196 x 2048 x 2 B of embeddings", () => {
    expect(imageWork(model, input)).toMatchObject({
      id: "activations",
      label: "images",
      bytes: embeddings + tower,
      low: embeddings,
      high: embeddings + tower,
    });
  });

  test("only what exceeds the layers' moment after it is more", () => {
    expect(imageWork(model, { ...input, laterBytes: tower - 1000 })!.bytes).toBe(embeddings + 1000);
    expect(imageWork(model, { ...input, laterBytes: 2 * tower })!.bytes).toBe(embeddings);
    expect(imageWork(model, { ...input, laterBytes: 2 * tower, ownBuffer: true })!.bytes).toBe(
      embeddings + tower,
    );
  });

  test("nothing on a device without the tower", () => {
    const text = { ...model, stacks: model.stacks.filter((s) => s.role !== "vision"), tensors: [] };
    expect(imageWork(text, input)).toBeNull();
  });
});
