import { describe, expect, test } from "vitest";
import type { Mixer } from "../../src/architecture/mixers/mixer.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { cacheBytes } from "../../src/memory/kv-cache.ts";
import { checkDegrees, type Degrees, SINGLE_DEVICE } from "../../src/parallelism/degrees.ts";
import { deviceShares, stageLayers } from "../../src/parallelism/share.ts";
import { bf16Cache } from "../engines/cache-formats.ts";
import { gatedDelta, handModel } from "../memory/hand-model.ts";

const llama = (more: Record<string, unknown> = {}): Architecture =>
  readArchitecture(
    {
      model_type: "llama",
      hidden_size: 4096,
      num_hidden_layers: 32,
      vocab_size: 128256,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      intermediate_size: 14336,
      tie_word_embeddings: false,
      ...more,
    },
    "config.json",
  );
const mixtral = readArchitecture(
  {
    model_type: "mixtral",
    hidden_size: 4096,
    num_hidden_layers: 32,
    vocab_size: 32000,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14336,
    num_local_experts: 8,
    num_experts_per_tok: 2,
  },
  "config.json",
);

const degrees = (change: Partial<Degrees>): Degrees => ({ ...SINGLE_DEVICE, ...change });
const parametersOf = (model: Architecture, change: Partial<Degrees>): number[] =>
  deviceShares(model, degrees(change)).map((device) => device.share.parameters.total);
const kvPerToken = (model: Architecture, change: Partial<Degrees>): number[] =>
  deviceShares(model, degrees(change)).map(
    (device) => cacheBytes(device.share, { contextTokens: 1, format: bf16Cache }).kv,
  );

const NORMS = 65 * 4096;

describe("tensor parallelism", () => {
  test.for([2, 4, 8])("Llama-3.1-8B on %i ranks: (8,030,261,248 - 65 norms) / tp + 65 norms", (tp) =>
    expect(parametersOf(llama(), { tp })).toEqual([(8_030_261_248 - NORMS) / tp + NORMS]),
  );

  test("16 ranks on 8 KV heads: each keeps one whole head, so 2 x 128 rows a layer instead of 128", () => {
    const keysAndValues = 32 * 2 * 1024 * 4096;
    expect(parametersOf(llama(), { tp: 16 })).toEqual([
      (8_030_261_248 - NORMS - keysAndValues) / 16 + keysAndValues / 8 + NORMS,
    ]);
    expect(kvPerToken(llama(), { tp: 16 })).toEqual([32 * 128 * 2 * 2]);
  });

  test("the cache divides by whole heads: 131,072 B on one rank, 65,536 on each of two", () =>
    expect([kvPerToken(llama(), {}), kvPerToken(llama(), { tp: 2 })]).toEqual([[131_072], [65_536]]));

  test("a latent cache is whole on every rank", () => {
    const mixer: Mixer = {
      kind: "latent",
      queryHeads: 16,
      latentDim: 512,
      ropeDim: 64,
      nopeDim: 128,
      valueDim: 128,
    };
    expect(kvPerToken(handModel([[[mixer], 27]]), { tp: 8 })).toEqual([27 * 1152]);
  });

  test("a state divides by heads: 16 x 128 x 128 x 4 B on one rank, half on each of two", () => {
    const model = handModel([[[gatedDelta(6144, 16 * 128 * 128)], 18]]);
    const [half] = deviceShares(model, degrees({ tp: 2 }));
    expect(cacheBytes(half!.share, { contextTokens: 1, format: bf16Cache }).state).toBe(
      18 * (8 * 128 * 128 * 4 + 3072 * 3 * 2),
    );
  });

  test("vocabulary rows: 32,001 becomes 501 x 64 = 32,064 and 4008 on each of 8", () => {
    const [one] = deviceShares(llama({ vocab_size: 32001 }), degrees({ tp: 8 }));
    expect(one!.share.tensors.find((t) => t.role === "embedding")?.shape).toEqual([4008, 4096]);
  });
});

describe("expert parallelism", () => {
  const EXPERTS = 32 * 8 * 3 * 4096 * 14336;
  test("Mixtral on tp 2: every expert cut in two", () => {
    const rest = 46_702_792_704 - EXPERTS;
    const whole = NORMS + 32 * 8 * 4096;
    expect(parametersOf(mixtral, { tp: 2 })).toEqual([EXPERTS / 2 + (rest - whole) / 2 + whole]);
  });

  test("tp 2 with ep 2: four whole experts a rank, the same bytes", () => {
    expect(parametersOf(mixtral, { tp: 2, ep: 2 })).toEqual(parametersOf(mixtral, { tp: 2 }));
    const [rank] = deviceShares(mixtral, degrees({ tp: 2, ep: 2 }));
    expect(rank!.share.stacks[0]!.kinds[0]!.feedForward).toMatchObject({ experts: 4, width: 14336 });
  });

  test("dp 4 with ep 4: attention whole, two experts each", () =>
    expect(parametersOf(mixtral, { dp: 4, ep: 4 })).toEqual([EXPERTS / 4 + 46_702_792_704 - EXPERTS]));
});

describe("pipelines", () => {
  test.for([
    [32, 4, [8, 8, 8, 8]],
    [80, 3, [27, 27, 26]],
    [61, 8, [7, 7, 8, 8, 8, 8, 8, 7]],
    [5, 2, [3, 2]],
  ] as const)("%i layers on %i stages: %o", ([layers, pp, stages]) =>
    expect(stageLayers(layers, pp)).toEqual(stages),
  );

  test("stages of Llama-3.1-8B hold 8 x 218,112,000 and the ends: first 4.23 GiB in bf16, as vLLM shows 4.26", () => {
    const stages = parametersOf(llama(), { pp: 4 });
    const layer = 218_112_000;
    const table = 128_256 * 4096;
    expect(stages).toEqual([8 * layer + table, 8 * layer, 8 * layer, 8 * layer + table + 4096]);
    expect(stages.reduce((sum, n) => sum + n, 0)).toBe(8_030_261_248);
  });

  test("a tied embedding lies on both ends", () => {
    const model = llama({ tie_word_embeddings: true });
    const stages = parametersOf(model, { pp: 2 });
    expect(stages.reduce((sum, n) => sum + n, 0)).toBe(model.parameters.total + 128_256 * 4096);
  });

  test("tp 2 x pp 2 x dp 2: two stages of four devices", () =>
    expect(deviceShares(llama(), degrees({ tp: 2, pp: 2, dp: 2 })).map((d) => [d.id, d.count])).toEqual([
      ["pp0", 4],
      ["pp1", 4],
    ]));
});

describe("degrees that cannot be", () => {
  test.for([
    [{ tp: 3 }, /--tp got 3, expected a divisor of the 32 query heads: 32 \/ 3 leaves 2/],
    [{ tp: 0 }, /--tp got 0/],
    [{ pp: 33 }, /--pp got 33, expected at most the 32 layers/],
    [{ ep: 2, tp: 2 }, /--ep got 2, expected 1, because the model has no experts/],
    [{ tp: 2, ep: 3 }, /a divisor of the tp 2 x dp 1 = 2 ranks/],
    [{ tp: 1e9 }, /65536/],
  ] as const)("%o", ([change, message]) =>
    expect(() => checkDegrees(llama(), degrees(change))).toThrow(message),
  );

  test("the product is printed: tp 2 x pp 2 x dp 1 = 4 devices against the 8 of --gpu", () =>
    expect(() => checkDegrees(llama(), degrees({ tp: 2, pp: 2 }), 8)).toThrow(
      /tp 2 x pp 2 x dp 1 = 4 devices, expected the 8 devices of --gpu/,
    ));

  test("8 experts do not spread over 16 ranks", () =>
    expect(() => checkDegrees(mixtral, degrees({ tp: 16, ep: 16 }))).toThrow(/at most the 8 experts/));
});
