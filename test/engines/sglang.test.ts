import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { EngineCard } from "../../src/engines/engine.ts";
import { engineCard } from "../../src/engines/engine-card.ts";
import { type DefaultsRequest, sglangDefaults } from "../../src/engines/sglang/defaults.ts";
import { decodeCaptures, prefillCaptures, sglangGraphs } from "../../src/engines/sglang/graphs.ts";
import { runningRequests, sglangPool } from "../../src/engines/sglang/pool.ts";
import { serveOnSglang } from "../../src/engines/sglang/serve.ts";
import type { SglangOptions } from "../../src/engines/sglang/setting.ts";
import { tokenBytes } from "../../src/engines/sglang/token-bytes.ts";
import { SGLANG_VERSIONS } from "../../src/engines/sglang/versions.ts";
import { segmentRounding } from "../../src/engines/torch-segments.ts";
import { versionRow } from "../../src/engines/versions.ts";
import { wideRotaryBytes } from "../../src/engines/vllm/profile.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import { formatByName } from "../../src/formats/format-names.ts";
import { acceleratorByName } from "../../src/hardware/lookup.ts";
import { uniformStorage } from "../../src/quantization/storage.ts";
import { cacheFormatOf } from "./measured-rows.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const named = (name: string) => catalogueArchitecture(findCatalogueEntry(name)!.entry);
const at = (version: string) => versionRow(SGLANG_VERSIONS, version);
const ONE = { tp: 1, pp: 1, dp: 1, ep: 1 };

const cardNamed = (name: string): EngineCard => engineCard(acceleratorByName(name));

function fraction(card: string, version: string, change: Partial<DefaultsRequest> = {}): number {
  const request = {
    version: at(version),
    degrees: ONE,
    graphsOff: { decode: false, prefill: false },
    latent: false,
  };
  return sglangDefaults(cardNamed(card), { ...request, ...change }).memFractionStatic;
}

function serve(
  name: string,
  card: string,
  options: SglangOptions & {
    readonly version?: string;
    readonly tp?: number;
    readonly pp?: number;
    readonly contextTokens?: number;
  },
) {
  const { tp = 1, pp = 1, contextTokens = 8192, ...flags } = options;
  return serveOnSglang({
    model: named(name),
    storage: uniformStorage(formatByName("bf16")),
    format: cacheFormatOf("bf16"),
    contextTokens,
    sequences: 1,
    computeBytes: 2,
    degrees: { ...ONE, tp, pp },
    card: cardNamed(card),
    ...flags,
  });
}

describe("--mem-fraction-static when it is not given", () => {
  test("0.5.9 on an RTX 4090, 24,564 MiB: 1 - (512 + 3072 + 48 + 128) / 24,564 = 0.847", () =>
    expect(fraction("rtx-4090", "0.5.9")).toBe(0.847));

  test("0.5.18 on an H100, 81,559 MiB: 58 prefill graphs x 8 MiB more are set aside, 0.830 as its log says", () => {
    expect(fraction("h100", "0.5.18")).toBe(0.83);
    expect(fraction("h100", "0.5.9")).toBe(0.835);
  });

  test("0.5.9 on eight H100: 512 + 12,288 + 1024 + 1024 = 14,848 MiB are set aside, 0.818", () =>
    expect(fraction("h100", "0.5.9", { degrees: { ...ONE, tp: 8 } })).toBe(0.818));

  test("0.4.10 on an RTX 5080, 16,303 MiB: 1 - 2.9 GiB / 15.92 GiB = 0.818", () =>
    expect(fraction("rtx-5080", "0.4.10")).toBe(0.818));

  test("0.5.2 on eight H100: 9.5 GiB and half a GiB for each rank, 0.831", () =>
    expect(fraction("h100", "0.5.2", { degrees: { ...ONE, tp: 8 } })).toBe(0.831));

  test("0.4.3 by the ranks alone: 0.88, 0.85 and 0.81 on 1, 4 and 8; 0.83 on 8 before 0.4", () => {
    const on = (tp: number, version = "0.4.3") => fraction("h100", version, { degrees: { ...ONE, tp } });
    expect([on(1), on(4), on(8), on(8, "0.3.5")]).toEqual([0.88, 0.85, 0.81, 0.83]);
  });

  test("0.5.20 on an RTX 5090: chunks of 4096 and batches of 48, 2048 and 24 before", () => {
    const of = (version: string) => serve("qwen3-8b", "rtx-5090", { version }).options!;
    expect(of("0.5.20")).toMatchObject({ chunkedPrefillTokens: 4096, graphMaxBatch: 48 });
    expect(of("0.5.19")).toMatchObject({ chunkedPrefillTokens: 2048, graphMaxBatch: 24 });
  });

  test("attention in each of eight ranks sets 4.5 x 512 x 8 MiB more aside", () => {
    const spread = { tp: 1, pp: 1, dp: 8, ep: 8 };
    const reserved = 512 + 12_288 + 1024 + 1024 + 4.5 * 512 * 8;
    const expected = Math.round((1 - reserved / 143_771) * 1000) / 1000;
    expect(fraction("h200", "0.5.9", { degrees: spread })).toBe(expected);
  });

  test("no card: chunks of 4096 and 0.88", () => {
    const request = {
      version: at("0.5.9"),
      degrees: ONE,
      graphsOff: { decode: false, prefill: false },
      latent: false,
    };
    expect(sglangDefaults(undefined, request)).toMatchObject({
      chunkedPrefillTokens: 4096,
      memFractionStatic: 0.88,
    });
  });
});

describe("the pool", () => {
  test("is the fraction of what context and communicators leave, less segments of weights and rotary tables", () => {
    const { devices } = serve("llama-3.1-8b", "h100", { memFractionStatic: 0.9 });
    const { terms, pool } = devices[0]!;
    const context = terms.find((t) => t.id === "runtime")!.bytes;
    const model = named("llama-3.1-8b");
    const weights = 8_030_261_248 * 2 + segmentRounding(model, 2) + 131_072 * 128 * 4;
    // 32 layers x 2 x 8 heads x 128 x 2 B a token.
    expect(pool!.tokens).toBe(Math.floor((0.9 * (81_081 * MIB - context) - weights) / 131_072));
  });

  const each = { full: 16_384, window: 0, state: 25_755_648 };
  test("with states: 0.9 / 1.9 of 9.49 GiB over 25,755,648 B are 187 slots, the rest over 16,384 B the tokens", () => {
    const bytes = 9.49 * GIB;
    const slots = Math.floor((bytes * 0.9) / 1.9 / each.state);
    const tokens = Math.floor((bytes - slots * each.state) / each.full);
    expect(sglangPool(bytes, { each, flags: {}, version: at("0.5.10") })).toMatchObject({
      slots: 187,
      tokens,
    });
    expect(slots).toBe(187);
  });

  test("states without the radix cache: a slot for each request; with --max-mamba-cache-size as many as it says", () => {
    const slots = (flags: SglangOptions) => sglangPool(9 * GIB, { each, flags, version: at("0.5.10") }).slots;
    expect(slots({ disableRadixCache: true, maxRunningRequests: 20 })).toBe(20);
    expect(slots({ stateSlots: 50 })).toBe(50);
    expect(slots({ stateShare: 2 })).toBe(Math.floor((9 * GIB * 2) / 3 / each.state));
  });

  test("windows: a token takes full + 0.8 x window from 0.5.9 on, all of both before", () => {
    const windowed = { full: 1000, window: 5000, state: 0 };
    const perToken = (version: string) =>
      sglangPool(GIB, { each: windowed, flags: {}, version: at(version) }).perToken;
    expect([perToken("0.5.9"), perToken("0.5.8")]).toEqual([5000, 6000]);
  });

  test("whole pages, at most --max-total-tokens", () => {
    const plain = { full: 1000, window: 0, state: 0 };
    const tokens = (flags: SglangOptions) =>
      sglangPool(1e6, { each: plain, flags, version: at("0.5.10") }).tokens;
    expect([tokens({}), tokens({ pageTokens: 64 }), tokens({ maxTotalTokens: 500 })]).toEqual([
      1000, 960, 500,
    ]);
  });

  test("requests: 512 for each context that it holds, 298,447 / 40,960 x 512 = 3730; a third of the slots of states", () => {
    const of = (tokens: number, slots: number) =>
      runningRequests({ tokens, slots }, { contextTokens: 40_960, flags: {}, version: at("0.5.10") });
    expect([of(298_447, 0), of(1000, 0), of(1e9, 0), of(327_310, 186)]).toEqual([3730, 2048, 4096, 62]);
  });

  test("a state pool too small for the sequences is short, and a note says which flag makes room", () => {
    const result = serve("qwen3.5-9b", "rtx-4090", { tp: 2, stateSlots: 2 });
    expect(result.devices[0]!.pool!.idleBytes).toBe(-25_755_648);
    expect(result.notes.map(({ code }) => code)).toEqual(["state-slots"]);
  });
});

describe("the pool in pages", () => {
  test("a request takes whole pages: 8000 tokens are 125 of 64", () => {
    const { pool } = serve("llama-3.1-8b", "h100", { pageTokens: 64, contextTokens: 7950 }).devices[0]!;
    expect(pool).toMatchObject({ blocksPerRequest: 125, bytesPerBlock: 64 * 131_072 });
    expect(pool!.tokens).toBe(pool!.blocks * 64);
  });

  test("stages of a pipeline get as many tokens as the poorest", () => {
    const pools = serve("llama-3.1-8b", "h100", { pp: 3 }).devices.map(({ pool }) => pool!);
    expect(new Set(pools.map(({ tokens }) => tokens)).size).toBe(1);
    expect(new Set(pools.map(({ bytesPerBlock }) => bytesPerBlock / 4096))).toEqual(new Set([10, 11]));
  });

  test.each([{ pageTokens: 0 }, { maxRunningRequests: 0 }, { maxTotalTokens: 1.5 }])(
    "%o is refused",
    (engineOptions) =>
      expect(() => estimate(named("qwen3-8b"), { engine: "sglang", engineOptions })).toThrow(
        /whole number from 1/,
      ),
  );
});

describe("bytes of a token", () => {
  const of = (name: string, format = "bf16") =>
    tokenBytes(named(name), { format: cacheFormatOf(format), computeBytes: 2, stateBytes: 4 });
  test("DeepSeek V3: 61 x 576 x 2 = 70,272, which the log's 17.99 GiB over 274,935 tokens are", () =>
    expect(of("deepseek-v3").full).toBe(70_272));

  test("sparse attention: 132 B of index key in every layer, and 656 B of latent in fp8", () => {
    expect(of("deepseek-v3.2").full).toBe(61 * (1152 + 132));
    expect(of("deepseek-v3.2", "fp8").full).toBe(61 * (656 + 132));
  });

  test("Gemma 4 E4B: its 18 layers that read another's cache have buffers too, 7 full and 35 with a window", () =>
    expect(of("gemma-4-e4b")).toEqual({ full: 7 * 2 * 512 * 4, window: 35 * 2 * 256 * 4, state: 0 }));
});

describe("graphs", () => {
  test("batches and lengths as the logs count them", () => {
    expect([8, 24, 256, 512].map(decodeCaptures)).toEqual([4, 7, 36, 52]);
    expect([2048, 8192, 16_384].map(prefillCaptures)).toEqual([42, 58, 74]);
  });

  test("none: nothing; more ranks talk in them", () => {
    const model = named("qwen3-8b");
    const bytes = (batch: number, ranks: number) =>
      sglangGraphs(model, { batch, prefillTokens: 0, ranks }).decode;
    expect(bytes(0, 4)).toBe(0);
    expect(bytes(8, 2)).toBeGreaterThan(bytes(8, 1));
    expect(bytes(8, 4)).toBeGreaterThan(bytes(8, 2));
  });

  test("each switch takes its own away", () => {
    const workspace = (flags: SglangOptions & { readonly version?: string }) =>
      serve("qwen3-8b", "h100", flags).devices[0]!.terms.find(({ id }) => id === "workspace")!.inputs;
    expect(workspace({})).toMatchObject({ captures: 36, prefillGraphs: 58 });
    expect(workspace({ disableCudaGraph: true })).toMatchObject({ captures: 0, prefillGraphs: 58 });
    expect(workspace({ disablePrefillGraphs: true })).toMatchObject({ captures: 36, prefillGraphs: 0 });
    expect(workspace({ graphMaxBatch: 8 })).toMatchObject({ captures: 4 });
    expect(workspace({ version: "0.5.9" })).toMatchObject({ captures: 36, prefillGraphs: 0 });
  });
});

describe("segments", () => {
  test("Qwen3-0.6B: tensors of 4 to 8 MiB share segments of 20, which adds 0.06 GiB", () => {
    const rounding = segmentRounding(named("qwen3-0.6b"), 2) / GIB;
    expect(rounding).toBeGreaterThan(0.05);
    expect(rounding).toBeLessThan(0.07);
  });

  test("Llama 3.1 8B: matrices of whole multiples of 2 MiB add next to nothing", () =>
    expect(segmentRounding(named("llama-3.1-8b"), 2)).toBeLessThan(8 * MIB));

  test("rotary tables in fp32, once for all sections: 40,960 x 128 x 4 B; 262,144 x 64 x 4 B", () => {
    expect(wideRotaryBytes(named("qwen3-8b"))).toBe(40_960 * 128 * 4);
    expect(wideRotaryBytes(named("qwen3.5-9b"))).toBe(262_144 * 64 * 4);
  });
});
