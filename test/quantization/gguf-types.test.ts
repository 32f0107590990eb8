import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Architecture, Tensor } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { VramCalcError } from "../../src/errors.ts";
import { walkScheme } from "../../src/quantization/assignment.ts";
import { FILE_TYPES, findFileType } from "../../src/quantization/gguf/file-types.ts";
import { ggufFileBytes } from "../../src/quantization/gguf/gguf-file.ts";
import { ggufScheme } from "../../src/quantization/gguf/gguf-scheme.ts";
import vectors from "../vectors/quantization-checkpoints.json" with { type: "json" };
import { modelOf } from "./model-configs.ts";
import { HAVE_CONFIGS, sharedConfig } from "./shared-configs.ts";

const ROLES: Readonly<Record<string, (tensor: Tensor) => boolean>> = {
  "attn-v": ({ role, name }) => role === "attn-v" || role === "attn-qkv" || /in_proj_qkv/.test(name),
  "ffn-down": ({ role }) => role === "mlp-down",
};

/** Layers whose tensors of a category are stored in a format, MTP layers numbered on. */
function layersWith(model: Architecture, type: string, category: string, format: string): number[] {
  const layers = new Set<number>();
  const is = ROLES[category]!;
  walkScheme(
    model,
    ggufScheme(findFileType(type)!),
    { mtp: true },
    ({ tensor, stack, layer }, _n, encoding) => {
      if (stack?.role !== "decoder" && stack?.role !== "mtp") return;
      if (tensor.shape.length === 2 && is(tensor) && encoding.id.split("+")[0] === format) layers.add(layer);
    },
  );
  return [...layers].sort((a, b) => a - b);
}

describe("tensor types as llama.cpp's own snapshots list them", () => {
  test.skipIf(!HAVE_CONFIGS).each(vectors.ggufTypes.rows)(
    "$config $type: $category is $format in layers $layers (skipped without ../shared)",
    ({ config, type, category, format, layers }) => {
      expect(layersWith(readArchitecture(sharedConfig(config), config), type, category, format)).toEqual(
        layers,
      );
    },
  );
});

test("Gemma 3n in q4_k_m: matrices of altup, laurel and the per-layer projection keep 16 bits, as llama-quant skips them", () => {
  const model = catalogueArchitecture(findCatalogueEntry("gemma-3n-e4b")!.entry);
  const formats = new Set<string>();
  walkScheme(model, ggufScheme(findFileType("q4_k_m")!), { mtp: false }, ({ tensor }, _n, encoding) => {
    if (/altup\.\w+_coefs|altup_proj|laurel\.linear|per_layer_model_projection/.test(tensor.name))
      formats.add(encoding.id);
  });
  expect([...formats]).toEqual(["bf16"]);
});

describe("file types", () => {
  test("names and numbers are unique, and each base is a format that a row can be cut into", () => {
    const ids = [...FILE_TYPES.values()].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const model = modelOf("Llama-3-8B");
    for (const name of FILE_TYPES.keys()) expect(ggufFileBytes(model, name).tensorBytes).toBeGreaterThan(1e9);
  });

  test.each([
    ["Q4_K_M", "q4_k_m"],
    ["q4-k-m", "q4_k_m"],
    ["Q4_K", "q4_k_m"],
    ["gguf-q8_0", "q8_0"],
    ["gguf_f16", "gguf_f16"],
    ["MXFP4_MOE", "mxfp4_moe"],
  ])("%s is %s", (name, expected) => {
    expect(findFileType(name)?.name).toBe(expected);
  });

  test("a UD name is refused: its recipe is the uploader's", () => {
    expect(() => ggufFileBytes(modelOf("Llama-3-8B"), "UD-Q4_K_XL")).toThrow(VramCalcError);
    expect(() => ggufFileBytes(modelOf("Llama-3-8B"), "UD-Q4_K_XL")).toThrow(/give the \.gguf file/);
  });

  test("an importance matrix turns the first 4 of 32 ffn_down from Q4_0 to Q4_1: 4 x 58,720,256 / 32 x 2 B", () => {
    const model = modelOf("Llama-3-8B");
    const without = ggufFileBytes(model, "q4_0").tensorBytes;
    expect(ggufFileBytes(model, "q4_0", { imatrix: true }).tensorBytes - without).toBe(14_680_064);
  });

  test("Mixtral: eight experts put k and v at Q8_0: 32 x 2 x 4,194,304 x 34/32 B", () => {
    const model = readArchitecture(
      {
        model_type: "mixtral",
        hidden_size: 4096,
        intermediate_size: 14336,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        num_local_experts: 8,
        num_experts_per_tok: 2,
        vocab_size: 32000,
        tie_word_embeddings: false,
      },
      "mixtral",
    );
    let bytes = 0;
    walkScheme(model, ggufScheme(findFileType("q4_k_m")!), { mtp: false }, ({ tensor }, layers, encoding) => {
      if (tensor.role === "attn-k" || tensor.role === "attn-v")
        bytes += layers * encoding.bytesOf(tensor.shape);
    });
    expect(bytes).toBe((32 * 2 * 4_194_304 * 34) / 32);
  });

  test("latent attention: kv_b is split into k_b of 128 columns, at Q5_0 for Q4_K, and v_b of 512", () => {
    const model = modelOf("DeepSeek-V3");
    let found = "";
    walkScheme(
      model,
      ggufScheme(findFileType("q4_k_m")!),
      { mtp: false },
      ({ tensor }, _layers, encoding) => {
        if (tensor.role === "attn-kv-b") {
          found = encoding.id;
          expect(encoding.bytesOf(tensor.shape)).toBe(128 * 512 * 4 * 22 + 128 * 128 * 2 * 144);
        }
      },
    );
    expect(found).toBe("q5_0+q4_k");
  });
});
