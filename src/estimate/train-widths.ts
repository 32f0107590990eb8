import { dividedBy } from "../memory/training/sharding.ts";
import type { Width } from "../memory/training/tape.ts";
import type { EffectiveTrain } from "./effective-train.ts";

/** How wide everything is. */
export interface Widths {
  /** Weights that the forward pass reads, and what it computes in without autocast. */
  readonly compute: Width;
  /** Weights as they lie on the card between steps. */
  readonly stored: Width;
  readonly gradient: Width;
  /** fp32 master weights beside 16-bit ones. */
  readonly master: Width | null;
  readonly autocast: boolean;
}

/**
 * Widths of a precision under a sharding scheme. FSDP's mixed precision keeps fp32 shards and gathers 16-bit
 * layers, so it needs no autocast; Megatron accumulates gradients in fp32.
 */
export function widthsOf(effective: EffectiveTrain): Widths {
  const { precision, method, framework } = effective;
  const { sharding } = effective.parallel;
  const frozenBase = method === "lora" || method === "qlora";
  const wide: Widths = { compute: 4, stored: 4, gradient: 4, master: null, autocast: true };
  const half: Widths = { compute: 2, stored: 2, gradient: 2, master: null, autocast: false };
  const mastered: Widths = {
    ...half,
    master: frozenBase ? null : 4,
    gradient: framework === "megatron" && !frozenBase ? 4 : 2,
  };
  switch (precision) {
    case "bf16":
    case "fp16":
      return framework === "megatron" || framework === "deepspeed" || zeroMasters(effective)
        ? mastered
        : half;
    case "fp32":
      return { compute: 4, stored: 4, gradient: 4, master: null, autocast: false };
    case "amp-bf16":
    case "amp-fp16":
      if (frozenBase) return effective.baseFormat === "fp32" ? wide : { ...half, autocast: true };
      if (dividedBy(sharding).weights && !sharding.startsWith("zero"))
        return { compute: 2, stored: 4, gradient: 4, master: null, autocast: false };
      if (sharding.startsWith("zero") || framework === "megatron" || framework === "deepspeed")
        return mastered;
      return wide;
    case "bf16-master":
    case "fp16-master":
    case "fp8":
      return mastered;
  }
}

/** DeepSpeed's 16-bit optimizers keep fp32 master weights whatever trainer starts them (`runtime/zero/stage_1_and_2.py`). */
export const zeroMasters = ({ method, parallel }: EffectiveTrain): boolean =>
  parallel.sharding.startsWith("zero") && (method === "full" || method === "freeze");
