import type { Architecture, LayerKind, Run, Stack } from "../../architecture/model.ts";
import { countParameters } from "../../architecture/parameters.ts";
import { dividedStack } from "../../parallelism/layer-range.ts";

/**
 * The model with the routed experts of its first `layers` layers left out: `--n-cpu-moe N`, or `--cpu-moe`
 * for all of them.
 *
 * @example withoutExperts(qwen3_30b_a3b, 48).parameters.total // 1_541_093_376 of 30_532_122_624
 */
export function withoutExperts(model: Architecture, layers: number): Architecture {
  const divided = dividedStack(model);
  if (divided === undefined || layers <= 0) return model;
  const stacks = model.stacks.map((stack) => (stack === divided ? stripFirst(stack, layers) : stack));
  const part = { ...model, stacks };
  return { ...part, parameters: countParameters(part) };
}

function stripFirst(stack: Stack, layers: number): Stack {
  const kinds: LayerKind[] = [...stack.kinds];
  const counts = stack.counts.map(() => 0);
  const runs: Run[] = [];
  const stripped = new Map<number, number>();
  let left = layers;
  const push = (kind: number, count: number): void => {
    if (count <= 0) return;
    counts[kind] = (counts[kind] ?? 0) + count;
    runs.push({ kind, count });
  };
  for (const run of stack.runs) {
    const gone = Math.min(left, run.count);
    left -= gone;
    if (gone > 0) {
      let kind = stripped.get(run.kind);
      if (kind === undefined) {
        const original = stack.kinds[run.kind]!;
        kind = kinds.length;
        stripped.set(run.kind, kind);
        kinds.push({ ...original, tensors: original.tensors.filter((t) => t.group !== "experts") });
      }
      push(kind, gone);
    }
    push(run.kind, run.count - gone);
  }
  return { ...stack, kinds, counts, runs };
}
