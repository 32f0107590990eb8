/** `vram-calc inspect --explain`: the sums behind its figures, with their numbers. */
import type { LoraLinear } from "../adapters/lora.ts";
import { groupSums } from "../architecture/group-sums.ts";
import type { Mixer } from "../architecture/mixers/mixer.ts";
import { type Architecture, GROUPS, type LayerKind } from "../architecture/model.ts";
import { turnsOf } from "../architecture/stack.ts";
import { groupDigits } from "../units.ts";
import { wrap } from "./text-layout.ts";

/** "attention: 28 x 2,048 x 1,024 + ... = 176,160,768". */
export function groupExplanation(model: Architecture, columns: number): readonly string[] {
  const sums = groupSums(model);
  return GROUPS.flatMap((group) => {
    const shapes = sums.get(group) ?? [];
    const total = model.parameters.groups[group];
    if (total === 0) return [];
    const text = shapes
      .filter(({ count }) => count > 0)
      .map(({ count, shape }) => [...(count === 1 ? [] : [count]), ...shape].map(groupDigits).join(" x "))
      .join(" + ");
    return [wrap(`  ${group}: ${text} = ${groupDigits(total)}`, columns, "    ")];
  });
}

/** What each kind of mixer keeps of one token in 16 bits, over its layers. */
export function cacheExplanation(model: Architecture, columns: number): readonly string[] {
  const lines = new Map<string, number>();
  for (const stack of model.stacks)
    if (stack.role === "decoder")
      stack.kinds.forEach((kind: LayerKind, index) => {
        for (const mixer of kind.mixers) {
          const each = vectorText(mixer);
          if (each !== null) lines.set(each, (lines.get(each) ?? 0) + turnsOf(stack, index));
        }
      });
  return [...lines].map(([each, layers]) =>
    wrap(`  cache: ${layers} ${layers === 1 ? "layer" : "layers"} x ${each}`, columns, "    "),
  );
}

function vectorText(mixer: Mixer): string | null {
  switch (mixer.kind) {
    case "attention":
      if (mixer.cache === "none" || mixer.cache === "shared") return null;
      return mixer.indexKeyDim === undefined
        ? `${mixer.kvHeads} KV heads x (${mixer.keyDim} + ${mixer.valueDim}) x 2 B per token`
        : `(${mixer.kvHeads} KV heads x (${mixer.keyDim} + ${mixer.valueDim}) + ${mixer.indexKeyDim}) x 2 B per token`;
    case "latent":
      return `(${mixer.latentDim} + ${mixer.ropeDim}${mixer.indexer === undefined ? "" : ` + ${mixer.indexer.keyDim}`}) x 2 B per token`;
    case "compressed":
      return `${mixer.windowTokens} tokens x ${mixer.headDim} x 2 B per sequence${mixer.ratio > 0 ? `, and one in ${mixer.ratio} beyond` : ""}`;
    case "recurrent":
      return `(${Math.max(0, mixer.convKernel - 1)} x ${mixer.convChannels} x 2 + ${mixer.stateElements} x 4) B per sequence`;
    case "conv":
      return `${mixer.kernel - 1} x ${mixer.channels} x 2 B per sequence`;
  }
}

/** "self_attn.q_proj: 32 x (1,024 + 2,048) = 98,304 each"; what is more than that is said as a factor of experts. */
export const loraExplanation = (
  linears: readonly LoraLinear[],
  { rank, columns }: { readonly rank: number; readonly columns: number },
): readonly string[] =>
  linears.map(({ name, inDim, outDim, layers, parametersEach, parameters }) => {
    const plain = rank * (inDim + outDim);
    const each =
      parametersEach === plain
        ? `${rank} x (${groupDigits(inDim)} + ${groupDigits(outDim)})`
        : groupDigits(parametersEach);
    return wrap(`  ${name}: ${layers} x ${each} = ${groupDigits(parameters)}`, columns, "    ");
  });
