/** How a number of equal devices divides a model when nobody says how. */
import type { Architecture } from "../architecture/model.ts";
import { VramCalcError } from "../errors.ts";
import { checkDegrees, type Degrees } from "./degrees.ts";

/** Devices that share a fast link: one server. Tensor parallelism beyond it is tried last. */
export const NODE_DEVICES = 8;

/** True for degrees that the model can be divided by. */
export function isLegal(model: Architecture, degrees: Degrees): boolean {
  try {
    checkDegrees(model, degrees);
    return true;
  } catch (error) {
    if (error instanceof VramCalcError && error.code === "bad-option") return false;
    throw error;
  }
}

/**
 * Tensor parallelism as wide as one server and the model's heads allow, and pipeline stages for the rest.
 *
 * @throws bad-option when no product of legal degrees is the number of devices
 * @example degreesOver(llama_3_1_8b, 6) // { tp: 2, pp: 3, ep: 1, dp: 1 }
 */
export function degreesOver(model: Architecture, devices: number): Degrees {
  const divisors: number[] = [];
  for (let tp = 1; tp <= devices && tp <= MOST_TP; tp++) if (devices % tp === 0) divisors.push(tp);
  const beyondNode = (tp: number): number => Number(tp > NODE_DEVICES);
  divisors.sort((a, b) => beyondNode(a) - beyondNode(b) || b - a);
  for (const tp of divisors) {
    const degrees = { tp, pp: devices / tp, ep: 1, dp: 1 };
    if (isLegal(model, degrees)) return degrees;
  }
  throw new VramCalcError("bad-option", {
    option: "--gpu",
    given: `${devices} cards`,
    expected: "a number that the model's heads and layers divide by, or --tp, --pp and --dp that say how",
  });
}

const MOST_TP = 1024;
