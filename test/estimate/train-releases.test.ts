import { describe, expect, test } from "vitest";
import { loraLinears } from "../../src/adapters/lora.ts";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { type TrainResult, train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import { withExpertModules } from "../../src/memory/training/expert-modules.ts";
import {
  lossOfRelease,
  TRANSFORMERS_READ,
  transformersRelease,
} from "../../src/memory/training/transformers-release.ts";
import { smallLlama } from "./small-models.ts";

const term = (result: TrainResult, phase: string, id: string): number =>
  result.devices[0]!.phases.find((p) => p.phase === phase)!.terms.find((t) => t.id === id)?.bytes ?? 0;

const catalogued = (id: string) => catalogueArchitecture(findCatalogueEntry(id)!.entry);
const mixtral = catalogued("mixtral-8x7b");

const T = 4096;
const llama = smallLlama;
const bigcode = (vocab_size: number, n_layer = 2) =>
  readArchitecture(
    { model_type: "gpt_bigcode", n_embd: 256, n_layer, n_head: 4, n_positions: T, vocab_size },
    "config.json",
  );

/** Bytes per logit: what 32,000 more words cost, with a frozen head. */
function perLogit(model: (words: number) => ReturnType<typeof llama>, request: TrainRequest): number[] {
  const logits = (words: number, phase: string): number =>
    term(train(model(words), { method: "lora", seqTokens: T, ...request }), phase, "logits");
  return ["forward", "loss-backward"].map(
    (phase) => (logits(64_000, phase) - logits(32_000, phase)) / (T * 32_000),
  );
}

describe("a release of transformers", () => {
  test.for([
    ["4.0", "hf-upcast"],
    ["4.45.2", "hf-upcast"],
    ["4.46", "hf-shifted"],
    ["4.48.3", "hf-shifted"],
    ["4.49", "hf"],
    [TRANSFORMERS_READ, "hf"],
  ] as const)("%s computes Llama's loss as %s", ([version, loss]) => {
    expect(lossOfRelease({ family: "llama" }, transformersRelease(version))).toBe(loss);
    expect(train(llama(1000), { transformers: version }).request.loss).toBe(loss);
  });

  test.for(["4", "3.5", "5.18.0.1", "v4.45", "latest", "constructor"])("%s is none", (version) => {
    expect(() => train(llama(1000), { transformers: version })).toThrow("a release of transformers such as");
  });

  // Logits 2 B; widened 4; their shifted copy 4; log-softmax 4. Backward: log-softmax 4, its gradient 4, that of what it read 4.
  test.for([
    ["5.18", [2 + 4 + 4, 4 + 4 + 4]],
    ["4.46", [2 + 4 + 4 + 4, 4 + 4 + 4]],
    ["4.45", [4 + 4 + 4, 4 + 4 + 4]],
  ] as const)("%s has %j bytes per logit in forward and backward", ([transformers, [forward, backward]]) => {
    const [atForward, atBackward] = perLogit(llama, { transformers });
    expect(atForward).toBeCloseTo(forward, 2);
    expect(atBackward).toBeCloseTo(backward, 2);
  });

  test("before 4.53 GPT-BigCode's loss stays in 16 bits, 2 + 2 + 2 B, but for autocast, which widens the log-softmax: 2 + 2 + 4 + 4", () => {
    const old: TrainRequest = { transformers: "4.45" };
    expect(perLogit(bigcode, old)[0]).toBeCloseTo(6, 2);
    expect(perLogit(bigcode, { ...old, precision: "amp-bf16" })[0]).toBeCloseTo(12, 2);
    expect(perLogit(bigcode, { transformers: "4.53" })[0]).toBeCloseTo(10, 2);
  });

  test("--loss in-place overwrites what the release's loss reads: 2 + 4 forward and backward, 2 + 4 + 4 where it is a shifted copy, 2 + 2 where it stays narrow", () => {
    const inPlace = (model: typeof llama, transformers: string): number[] =>
      perLogit(model, { loss: "in-place", transformers });
    expect(inPlace(llama, "5.18")[0]).toBeCloseTo(2 + 4, 2);
    // The fp32 gradient lies over its logits, and is cast to 16 bits.
    expect(inPlace(llama, "5.18")[1]).toBeCloseTo(4 + 2, 2);
    expect(inPlace(llama, "4.46")[0]).toBeCloseTo(2 + 4 + 4, 2);
    expect(inPlace(bigcode, "4.45")[0]).toBeCloseTo(2 + 2, 2);
  });

  test("--loss in-place overwrites 16-bit logits where the class has a loss of its own: 2 B less than T5's log-softmax, forward and backward", () => {
    const t5 = (vocab_size: number) =>
      readArchitecture(
        {
          model_type: "t5",
          d_model: 64,
          d_kv: 16,
          d_ff: 128,
          num_layers: 1,
          num_decoder_layers: 1,
          num_heads: 4,
          vocab_size,
          tie_word_embeddings: false,
        },
        "config.json",
      );
    const [plain, inPlace] = [perLogit(t5, {}), perLogit(t5, { loss: "in-place" })];
    expect(plain[0]! - inPlace[0]!).toBeCloseTo(2, 2);
    expect(plain[1]! - inPlace[1]!).toBeGreaterThan(1.9);
  });

  test("under autocast accelerate widens the logits that the class returned: log-probabilities 4 + logits 2 + 4", () => {
    // Forward's peak stays the loss itself, 2 + 4 + 4; where that is overwritten, 4 + 2 + 4 is more than 2 + 4.
    expect(perLogit(llama, { precision: "amp-bf16" })[0]).toBeCloseTo(10, 2);
    expect(perLogit(llama, { precision: "amp-bf16", loss: "in-place" })[0]).toBeCloseTo(10, 2);
    expect(
      perLogit(llama, { precision: "amp-bf16", loss: "in-place", framework: "torchtune" })[0],
    ).toBeCloseTo(6, 2);
  });

  test("before 4.53 GPT-BigCode fills its cache beside checkpoints: a view of each layer's product, (256 + 2 x 64) x 2 B per token", () => {
    const forward = (transformers: string, n_layer: number): number =>
      term(
        train(bigcode(1000, n_layer), {
          transformers,
          method: "lora",
          seqTokens: T,
          checkpointing: "full",
        }),
        "forward",
        "activations",
      );
    const layers = (transformers: string): number => forward(transformers, 12) - forward(transformers, 2);
    expect(layers("4.52") - layers("4.53")).toBe(10 * T * (256 + 2 * 64) * 2);
  });

  test("before 4.48 Mistral's attention repeats keys and values before FlashAttention, Llama's not; before SDPA all do until 4.53: 2 x (8 - 2) heads x 64 x 2 B", () => {
    const kept = (model_type: string, attention: "flash" | "sdpa", transformers: string): number => {
      const of = (num_hidden_layers: number) =>
        readArchitecture(
          {
            model_type,
            hidden_size: 512,
            intermediate_size: 704,
            num_hidden_layers,
            num_attention_heads: 8,
            num_key_value_heads: 2,
            vocab_size: 1000,
            sliding_window: null,
          },
          "config.json",
        );
      const at = (layers: number): number =>
        term(train(of(layers), { attention, transformers, seqTokens: T }), "loss-backward", "activations");
      return (at(4) - at(2)) / 2 / T;
    };
    const copies = 2 * (8 - 2) * 64 * 2;
    expect(kept("mistral", "flash", "4.47") - kept("mistral", "flash", "4.48")).toBe(copies);
    expect(kept("llama", "flash", "4.47") - kept("llama", "flash", "4.48")).toBe(0);
    for (const family of ["mistral", "llama"])
      expect(kept(family, "sdpa", "4.53") - kept(family, "sdpa", "4.54")).toBe(copies);
  });

  test("before 4.48 each layer of Mixtral has rotary tables of all positions: 32 x 2 x 32,768 x 128 x 2 B", () => {
    const weights = (model: typeof mixtral, transformers: string): number =>
      term(
        train(model, { transformers, seqTokens: 512, parallel: { dp: 8, sharding: "fsdp" } }),
        "forward",
        "weights",
      );
    expect(weights(mixtral, "4.47") - weights(mixtral, "4.48")).toBe(32 * 2 * 32_768 * 128 * 2);
    expect(weights(llama(1000), "4.47")).toBe(weights(llama(1000), "4.48"));
  });

  test("only transformers' own classes know releases: elsewhere the option is idle", () => {
    const asked = (framework: TrainRequest["framework"]) =>
      train(llama(1000), { framework: framework!, transformers: "4.45" }).notes.some(({ message }) =>
        message.includes("--transformers"),
      );
    expect(asked("torchtune")).toBe(true);
    for (const framework of ["hf", "deepspeed", "trl"] as const) expect(asked(framework)).toBe(false);
  });
});

describe("experts as modules, before 5.0", () => {
  const EXPERTS = 32 * 8 * 3 * 4096 * 14_336;
  const qlora: TrainRequest = { method: "qlora", seqTokens: 512, quantization: "nf4" };

  test("are packed: 45,097,156,608 parameters of Mixtral at 0.5625 B instead of the 4 of prepare_model_for_kbit_training", () => {
    expect(EXPERTS).toBe(45_097_156_608);
    const weights = (transformers: string): number =>
      term(train(mixtral, { ...qlora, transformers }), "forward", "weights");
    expect((weights("5.0") - weights("4.57")) / EXPERTS).toBeCloseTo(4 - 0.5625, 3);
    const codes = (transformers: string) =>
      train(mixtral, { ...qlora, transformers }).notes.map(({ code }) => code);
    expect(codes("5.0")).toContain("unquantized-experts");
    expect(codes("4.57")).not.toContain("unquantized-experts");
    // Mixtral is a language model whole, however its experts are held.
    expect(codes("4.57")).not.toContain("language-model-only");
  });

  test("have adapters of their own with all-linear, 32 x 8 x 3, and so have routers", () => {
    const names = loraLinears(withExpertModules(mixtral), { rank: 8, targets: "all-linear" }).map(
      ({ name }) => name,
    );
    expect(names.filter((name) => /experts\.\d+\./.test(name)).length).toBe(8 * 3);
    expect(train(mixtral, { ...qlora, transformers: "4.57", loraRank: 8 }).parameters.trainable).toBe(
      // q, k, v, o; experts; routers: 8 (in + out)
      32 * 8 * (2 * (4096 + 4096) + 2 * (4096 + 1024) + 8 * 3 * (4096 + 14_336) + (4096 + 8)),
    );
  });

  test("of families that never had them stay one tensor", () => {
    const oss = catalogued("gpt-oss-20b");
    expect(withExpertModules(oss)).toBe(oss);
  });

  test("keep for one more expert per token: its rows 2h, gate, up and activated gate 6f, down's input 2f, its result 2h", () => {
    const small = (num_experts_per_tok: number) =>
      readArchitecture(
        {
          model_type: "mixtral",
          hidden_size: 256,
          intermediate_size: 704,
          num_hidden_layers: 1,
          num_attention_heads: 4,
          num_key_value_heads: 4,
          vocab_size: 1000,
          num_local_experts: 4,
          num_experts_per_tok,
        },
        "config.json",
      );
    const kept = (k: number): number =>
      term(train(small(k), { transformers: "4.57", seqTokens: T }), "loss-backward", "activations");
    const row = (kept(2) - kept(1)) / T;
    // Beside them indices, weights and probabilities.
    expect(row).toBeGreaterThan(2 * 256 + 8 * 704 + 2 * 256);
    expect(row).toBeLessThan(2 * 256 + 8 * 704 + 2 * 256 + 64);
  });
});
