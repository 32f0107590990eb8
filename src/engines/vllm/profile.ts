import type { ForwardFacts } from "../../architecture/forward-facts.ts";
import type { Architecture } from "../../architecture/model.ts";
import { inTower, isTower } from "../../architecture/stack.ts";
import type { Explained } from "../../memory/term.ts";
import { onceForEach } from "../../remember.ts";
import { type Bytes, GiB, type Tokens } from "../../units.ts";
import type { EngineCard } from "../engine.ts";
import { peakElements, widestLayer } from "../layer-widths.ts";
import { versionRow } from "../versions.ts";
import { type LargeCards, VLLM_VERSIONS, type VllmVersion } from "./versions.ts";

export interface SchedulerLimits {
  readonly maxNumSeqs: number;
  readonly maxBatchedTokens: Tokens;
}

export interface LimitsOf {
  readonly version?: VllmVersion;
  /** `max_model_len`. */
  readonly contextTokens?: Tokens;
}

/** V0 reads longer prompts in chunks. */
const V0_LONG_CONTEXT: Tokens = 32_768;
/** Tokens that a step of V0 holds at least. */
const V0_STEP: Tokens = 2048;

/**
 * Limits of the API server when no flag sets them: 1024 sequences and 8192 tokens a step on cards of 70 GiB
 * and more that are no A100, else 256 and 2048; which cards count as large changed from 0.8 to 0.9
 * (`VLLM_VERSIONS`). Before 0.8 (the V0 engine): 256 sequences, and as many tokens as the longest prompt has, 2048 at
 * least; contexts over 32,768 in chunks (vLLM `engine/arg_utils.py`, `config.py`).
 *
 * Readings of V0: 1.26 GiB at 256 sequences on an H100 (PR 10511); 2.07 GiB for Llama-3.1-8B at 20,000 tokens on an RTX
 * 3090 and 2.99 at 29,000 (issue 10517), where steps of them take 2.10 and 3.02.
 *
 * @example defaultLimits({ totalBytes: 81_081 * 2 ** 20, generation: "hopper" }) // { maxNumSeqs: 1024, maxBatchedTokens: 8192 }
 */
export function defaultLimits(
  card: EngineCard | undefined,
  { version = versionRow(VLLM_VERSIONS, undefined), contextTokens }: LimitsOf = {},
): SchedulerLimits {
  const { scheduler } = version;
  switch (scheduler.engine) {
    case "v0": {
      const { sequences, chunk } = scheduler;
      const whole = contextTokens !== undefined && contextTokens <= V0_LONG_CONTEXT;
      return {
        maxNumSeqs: sequences,
        maxBatchedTokens: whole ? Math.max(contextTokens, V0_STEP) : chunk.tokens,
      };
    }
    case "v1": {
      const { sequences, tokens } = isLarge(card, scheduler.largeCards) ? scheduler.large : scheduler.other;
      return { maxNumSeqs: sequences, maxBatchedTokens: tokens };
    }
  }
}

function isLarge(card: EngineCard | undefined, cards: LargeCards): boolean {
  if (card === undefined) return false;
  switch (cards) {
    case "hopper":
      return card.generation === "hopper";
    case "70-gib":
      return card.totalBytes >= 70 * GiB;
    case "70-gib-no-ampere":
      return card.totalBytes >= 70 * GiB && card.generation !== "ampere";
  }
}

/** Does the profile run sample? Not in V0 up to 0.6.4 where prompts are read in chunks. */
export function samplesInProfile({ scheduler }: VllmVersion, contextTokens: Tokens): boolean {
  switch (scheduler.engine) {
    case "v0":
      return contextTokens <= V0_LONG_CONTEXT || scheduler.chunk.sampled;
    case "v1":
      return true;
  }
}

/** Kernels' fixed workspaces on top of the sampler: the same 36 MiB in every reading of 0.11 and 0.19. */
const SAMPLER_WORKSPACES = 36 * 2 ** 20;
/** The same where the layers set the peak: 0.77 GiB of CodeLlama-7B at 0.19; Granite-3.1-8B then comes to 0.2 %. */
const LAYER_WORKSPACES = 16 * 2 ** 20;

export interface ProfilePeak {
  /** Hidden states kept for the sampler, or the widest layer when that moment is the larger. */
  readonly activations: Bytes;
  /** The sampler's rows; 0 when the layers set the peak. */
  readonly logits: Bytes;
  /** How the two come about. */
  readonly explained: { readonly activations: Explained; readonly logits: Explained };
}

/**
 * Peak of the profile run: one forward of max_num_batched_tokens, then a dummy sampler run; what scores or embeds a text
 * has none (`gpu_model_runner.py`, `profile_run` of pooling models).
 *
 *     layers    tokens * (stream + widest feed-forward or mixer) * compute bytes + 16 MiB
 *     stream    4 hidden in compiled layers; 3 in eager ones, whose norms add in place: 54,880 elements a token from
 *               20,000 to 29,000 tokens of Llama-3.1-8B (issue 10517), where 3 x 4096 + 3 x 14336 are 55,296
 *     sampler   tokens * hidden * compute bytes + sequences * vocabulary * (compute bytes + c(version)) + 36 MiB
 *     peak      max(layers, sampler); a model with a tower also keeps its embeddings, tokens * hidden
 *
 * `model` is the rank's share: widths divide by tensor ranks, the vocabulary does not, because logits are
 * gathered. Not modelled: encoders of towers, whose largest image can exceed both moments.
 *
 * @example profilePeak(llama_3_1_8b at 0.19, { maxNumSeqs: 1024, maxBatchedTokens: 8192 })
 * // 104_857_600 + 1_924_045_210 = 1.89 GiB, as in the log
 */
export function profilePeak(
  model: Architecture,
  input: {
    readonly limits: SchedulerLimits;
    readonly computeBytes: number;
    readonly version: VllmVersion;
    /** Do the layers run as PyTorch writes them, uncompiled: V0, and `--enforce-eager`? */
    readonly eager: boolean;
    /** Stages but the last make no logits, and what scores or embeds a text is not sampled from. */
    readonly sampler: boolean;
  },
): ProfilePeak {
  const { limits, computeBytes, version } = input;
  const tokens = limits.maxBatchedTokens;
  const rows = Math.min(limits.maxNumSeqs, tokens);
  const kept = tokens * model.hiddenSize * computeBytes;
  const tower = model.stacks.some(({ role }) => isTower(role)) ? kept : 0;
  const widths = widestLayer(model);
  const widest = peakElements(input.eager ? { ...widths, stream: (widths.stream / 4) * 3 } : widths);
  const layers = tokens * widest * computeBytes;
  const each = computeBytes + version.samplerBytes;
  const sampler = input.sampler ? Math.round(rows * model.vocabSize * each) : 0;
  const sampled = kept + sampler + SAMPLER_WORKSPACES >= layers + LAYER_WORKSPACES;
  const fixed = sampled ? SAMPLER_WORKSPACES : LAYER_WORKSPACES;
  return {
    activations: (sampled ? kept : layers) + tower + fixed,
    logits: sampled ? sampler : 0,
    explained: {
      activations: {
        formula: `{tokens} tokens x {elements} elements x {width} B${tower > 0 ? " + {tower} B of image embeddings" : ""} + {fixed} B of workspaces`,
        inputs: { tokens, elements: sampled ? model.hiddenSize : widest, width: computeBytes, tower, fixed },
      },
      logits: {
        formula: "{rows} rows x {vocabulary} x {each} B",
        inputs: { rows, vocabulary: model.vocabSize, each },
      },
    },
  };
}

/**
 * Tables of rotary cosines and sines: rows * rotary width * compute bytes, one per distinct width and scaling.
 *
 *     rows   positions; linear and dynamic scaling: positions * factor; yarn: original positions * factor;
 *            positions in sections: 4 times as many
 *
 * Window layers with a base of their own (Gemma 3) have a second, unstretched table.
 * Source: vLLM `model_executor/layers/rotary_embedding`, `linear_scaling_rope.py`, `yarn_scaling_rope.py`,
 * `mrope.py`; `models/gemma3.py`.
 *
 * Reading: Llama-3.1-8B shows 14.99 GiB, 14.96 of weights and 131,072 x 128 x 2 B = 32 MiB.
 *
 * @example rotaryTableBytes(llama_3_1_8b, 2) // 33_554_432 = 131,072 x 128 x 2 B
 */
export function rotaryTableBytes(model: Architecture, computeBytes: number): Bytes {
  return rotaryElements(model, SECTION_FACTOR) * computeBytes;
}

/**
 * The same tables as SGLang makes them: in fp32, and no longer for positions in sections. Source: its
 * `layers/rotary_embedding.py`. Reading: Qwen3-8B shows 15.28 GiB, 15.26 of weights and 40,960 x 128 x 4 B = 20 MiB.
 *
 * @example wideRotaryBytes(llama_3_1_8b) // 67_108_864 = 131,072 x 128 x 4 B
 */
export const wideRotaryBytes = (model: Architecture): Bytes => rotaryElements(model, 1) * 4;

/** What sections of time, height and width leave room for: long videos. */
const SECTION_FACTOR = 4;

function tableRows(
  positions: Tokens,
  facts: Pick<ForwardFacts, "ropeScaling" | "ropeSections"> & { readonly sectionFactor: number },
): number {
  const sections = facts.ropeSections === true ? facts.sectionFactor : 1;
  const scaling = facts.ropeScaling;
  if (scaling === undefined) return sections * positions;
  switch (scaling.kind) {
    case "linear":
    case "dynamic":
      return sections * Math.ceil(positions * scaling.factor);
    case "yarn": {
      const { originalTokens } = scaling;
      return (
        sections * (originalTokens === undefined ? positions : Math.ceil(originalTokens * scaling.factor))
      );
    }
  }
}

const rotaryElements = onceForEach((model: Architecture, sectionFactor: number): number => {
  const positions = model.maxContextTokens;
  // A tower's learned positions say nothing of the language model's.
  const learned = model.tensors.some((tensor) => tensor.role === "position-embedding" && !inTower(tensor));
  if (positions === undefined || learned) return 0;
  const { rotaryFraction = 1, localRope, ...facts } = model.forward ?? {};
  const full = tableRows(positions, { ...facts, sectionFactor });
  const rows = new Map<string, number>();
  for (const stack of model.stacks) {
    if (stack.role !== "decoder") continue;
    for (const kind of stack.kinds) {
      for (const mixer of kind.mixers) {
        if (mixer.kind === "attention") {
          const width = Math.round(mixer.keyDim * rotaryFraction);
          const local = localRope === true && mixer.windowTokens !== undefined;
          rows.set(`${width} ${local}`, width * (local ? positions : full));
        } else if (mixer.kind === "latent") rows.set(`${mixer.ropeDim} false`, mixer.ropeDim * full);
      }
    }
  }
  let elements = 0;
  for (const each of rows.values()) elements += each;
  return elements;
});
