import type { Architecture, Note } from "../architecture/model.ts";
import { hasExperts, isTower, readsText } from "../architecture/stack.ts";
import { cacheLayers, draftCacheLayers, reachOf } from "../engines/cache-layers.ts";
import { runtimeOf } from "../engines/engine-name.ts";
import { onceFor } from "../remember.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { idleNote } from "./idle-notes.ts";

/** What of a model options work on. */
const factsOf = onceFor((model: Architecture) => {
  const mixers = cacheLayers(model).map(({ mixer }) => mixer);
  const states = mixers.filter(({ kind }) => kind === "recurrent" || kind === "conv").length;
  const windows = mixers.filter((mixer) => mixer.kind === "attention" && reachOf(mixer) < Infinity).length;
  return {
    cache: mixers.length > states,
    states: states > 0,
    attention: model.stacks.some(
      ({ role, kinds }) =>
        readsText(role) &&
        kinds.some(({ mixers: all }) => all.some(({ kind }) => kind !== "recurrent" && kind !== "conv")),
    ),
    windows: windows > 0,
    /** Windows beside layers that look back on everything. */
    hybrid: windows > 0 && mixers.length - states > windows,
    experts: hasExperts(model),
    predictions: draftCacheLayers(model).length > 0,
    tower: model.stacks.some(({ role }) => isTower(role)),
  };
});

/** An option, whether it does anything here, and what it would need. */
type Rule = readonly [flag: string, given: unknown, works: boolean, needs: string];

/**
 * Options of serving that were given and change nothing: the engine, the model or another option leaves them without
 * effect. `estimate` takes them all the same, and this says which they were.
 *
 * @throws unknown-name for an engine
 * @example idleServingOptions(llama_3_1_8b, { engine: "llama.cpp", engineOptions: { swaFull: true } }).length // 1
 */
export function idleServingOptions(model: Architecture, options: EstimateOptions): readonly Note[] {
  const { engineOptions: set = {}, weightsOnly, kvDtype } = options;
  if (options.engineOptions === undefined && weightsOnly !== true && kvDtype === undefined) return [];
  const facts = factsOf(model);
  const notes = [...commonRules(options, facts.cache), ...engineRules(options, { set, facts })];
  return notes.flatMap(([flag, given, works, needs]) =>
    given === undefined || works ? [] : [idleNote(flag, needs)],
  );
}

function commonRules(options: EstimateOptions, cache: boolean): readonly Rule[] {
  const { weightsOnly, kvDtype, contextTokens, batch, images } = options;
  const whole = weightsOnly !== true;
  const needs = "a request that is not for the weights only";
  return [
    ["--context", contextTokens, whole, needs],
    ["--batch", batch, whole, needs],
    ["--images", images, whole, needs],
    [
      "--kv-dtype",
      kvDtype?.toLowerCase() === "auto" ? undefined : kvDtype,
      whole && cache,
      whole ? "a model with a KV cache" : needs,
    ],
  ];
}

function engineRules(
  options: EstimateOptions,
  {
    set,
    facts,
  }: {
    readonly set: NonNullable<EstimateOptions["engineOptions"]>;
    readonly facts: ReturnType<typeof factsOf>;
  },
): readonly Rule[] {
  const engine = runtimeOf(options.engine);
  const card = options.card !== undefined;
  const { cache, states } = facts;
  const pool = card && (cache || (states && engine === "vllm"));
  const poolNeeds = card ? "a model with a KV cache" : "a card, from which the pool is cut: --gpu";
  const guesses = positive(set.speculativeTokens);
  switch (engine) {
    case "vllm": {
      const stated = set.kvCacheMemoryBytes !== undefined || set.numGpuBlocks !== undefined;
      return [
        [
          "--set gpu-memory-utilization",
          set.gpuMemoryUtilization,
          pool && !stated,
          pool ? "a pool whose size is not set beside it" : poolNeeds,
        ],
        [
          "--set kv-cache-memory-bytes",
          set.kvCacheMemoryBytes,
          pool && set.numGpuBlocks === undefined,
          pool ? "a pool whose blocks are not set beside it" : poolNeeds,
        ],
        ["--set num-gpu-blocks-override", set.numGpuBlocks, pool, poolNeeds],
        ["--set block-size", set.blockTokens, cache, "a model with a KV cache"],
        ["--set enable-prefix-caching", set.prefixCaching, states, "a model with recurrent states"],
        [
          "--set disable-hybrid-kv-cache-manager",
          set.hybridManager,
          facts.hybrid,
          "a model with windows beside full attention",
        ],
        [
          "--set num-speculative-tokens",
          guesses,
          states || facts.predictions,
          "a model with prediction layers or recurrent states",
        ],
      ];
    }
    case "sglang":
      return [
        ["--set mem-fraction-static", set.memFractionStatic, pool, poolNeeds],
        ["--set disable-radix-cache", set.disableRadixCache, states, "a model with recurrent states"],
      ];
    case "transformers":
      return [
        ["--set attn-implementation", set.attention, cache, "a model with a KV cache"],
        ["--set cache-implementation", set.cache, cache || states, "a model that decodes"],
      ];
    case "llama.cpp":
      return [
        ["--set n-cpu-moe", set.cpuExpertLayers, facts.experts, "a model with experts"],
        ["--set cpu-moe", set.cpuExperts, facts.experts, "a model with experts"],
        ["--set swa-full", set.swaFull, facts.windows, "a model with windows"],
        ["--set kv-unified", set.unified, (options.batch ?? 1) > 1, "--batch above 1"],
        ["--set fa", set.flashAttention, facts.attention, "a model with attention"],
        ["--set no-kv-offload", set.hostCache, cache || states, "a model that keeps a cache"],
        ["--set mmproj", set.projector, facts.tower, "a model with a vision or audio tower"],
        ["--set num-speculative-tokens", guesses, states, "a model with recurrent states"],
      ];
    case "generic":
      return [];
  }
}

const positive = (value: unknown): unknown => (value === 0 ? undefined : value);
