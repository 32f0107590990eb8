import type { Architecture } from "../architecture/model.ts";
import { VramCalcError } from "../errors.ts";

/** How a model is spread over devices. Every degree is 1 on a single device. */
export interface Degrees {
  /** Tensor parallelism: ranks that divide each layer. */
  readonly tp: number;
  /** Pipeline parallelism: stages that divide the layers. */
  readonly pp: number;
  /** Expert parallelism: ranks that divide the experts whole, out of the tp * dp ranks of a stage. */
  readonly ep: number;
  /** Data parallelism: replicas that divide the sequences. */
  readonly dp: number;
}

/** One device, nothing divided. */
export const SINGLE_DEVICE: Degrees = Object.freeze({ tp: 1, pp: 1, ep: 1, dp: 1 });

/** Devices of a run: experts lie on the tensor and data ranks, so they add none. */
export function worldSize({ tp, pp, dp }: Degrees): number {
  return tp * pp * dp;
}

const MOST_DEVICES = 65_536;

/**
 * Checks degrees against the model, once, before anything is divided.
 *
 * @throws bad-option for a degree that is no whole number from 1; a product that is not the number of
 * devices; tp that does not divide the query heads, or neither divides nor is a multiple of the KV heads;
 * pp above the layers; ep that does not divide tp * dp, or a model without experts
 * @example checkDegrees(llama_3_1_8b, { tp: 3, pp: 1, ep: 1, dp: 1 })
 * // --tp got 3, expected a divisor of the 32 query heads: 32 / 3 leaves 2.
 */
export function checkDegrees(model: Architecture, degrees: Degrees, devices?: number): void {
  const { tp, pp, ep, dp } = degrees;
  for (const [option, value] of Object.entries({ tp, pp, ep, dp })) {
    if (!Number.isSafeInteger(value) || value < 1 || value > MOST_DEVICES)
      fail(`--${option}`, String(value), `a whole number from 1 to ${MOST_DEVICES}`);
  }
  const world = worldSize(degrees);
  const product = `tp ${tp} x pp ${pp} x dp ${dp} = ${world} devices`;
  if (world > MOST_DEVICES) fail("--tp, --pp and --dp", product, `at most ${MOST_DEVICES} devices`);
  if (devices !== undefined && devices !== world)
    fail("--tp, --pp and --dp", product, `the ${devices} devices of --gpu`);
  if ((tp * dp) % ep !== 0)
    fail("--ep", String(ep), `a divisor of the tp ${tp} x dp ${dp} = ${tp * dp} ranks of a stage`);
  checkModel(model, degrees);
}

function checkModel(model: Architecture, { tp, pp, ep }: Degrees): void {
  let layers = 0;
  let experts = 0;
  for (const stack of model.stacks) {
    if (stack.role !== "decoder" && stack.role !== "encoder") continue;
    for (let k = 0; k < stack.kinds.length; k++) {
      layers += stack.counts[k]!;
      const kind = stack.kinds[k]!;
      if (kind.feedForward.kind === "experts") experts = Math.max(experts, kind.feedForward.experts);
      for (const mixer of kind.mixers) {
        if (mixer.kind === "conv" || mixer.kind === "recurrent") continue;
        checkDivides(tp, mixer.queryHeads, "query heads");
        if (mixer.kind === "attention" && mixer.kvHeads % tp !== 0 && tp % mixer.kvHeads !== 0)
          fail("--tp", String(tp), `a divisor or a multiple of the ${mixer.kvHeads} KV heads`);
      }
    }
  }
  if (pp > 1 && pp > layers) fail("--pp", String(pp), `at most the ${layers} layers`);
  if (ep > 1 && experts === 0) fail("--ep", String(ep), "1, because the model has no experts");
  if (ep > 1 && ep > experts) fail("--ep", String(ep), `at most the ${experts} experts`);
}

function checkDivides(tp: number, size: number, what: string): void {
  if (size % tp !== 0)
    fail("--tp", String(tp), `a divisor of the ${size} ${what}: ${size} / ${tp} leaves ${size % tp}`);
}

function fail(option: string, given: string, expected: string): never {
  throw new VramCalcError("bad-option", { option, given, expected });
}
