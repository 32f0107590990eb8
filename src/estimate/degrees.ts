/** The degrees of a serving request: as asked for, or laid out over the cards that there are. */
import type { Architecture, Note } from "../architecture/model.ts";
import { runtimeOf } from "../engines/engine-name.ts";
import { VramCalcError } from "../errors.ts";
import { checkDegrees, type Degrees, SINGLE_DEVICE, worldSize } from "../parallelism/degrees.ts";
import { degreesOver } from "../parallelism/layout-over-devices.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { idleNotes } from "./idle-notes.ts";

export interface ServingDegrees {
  readonly degrees: Degrees;
  readonly notes: readonly Note[];
}

/** llama.cpp divides whole layers over its devices, whatever a degree is called. */
const dividesByLayers = (engine: string | undefined): boolean => runtimeOf(engine) === "llama.cpp";

/**
 * The request with its degrees written out and the number of cards left out, for callers that vary the degrees.
 */
export function withDegrees(model: Architecture, options: EstimateOptions): EstimateOptions {
  const { devices, ...rest } = options;
  return devices === undefined ? options : { ...rest, ...servingDegrees(model, options).degrees };
}

/**
 * @throws bad-option for degrees that the model does not divide by, or that need more cards than there are
 */
export function servingDegrees(model: Architecture, options: EstimateOptions): ServingDegrees {
  const { tp, pp, ep = 1, dp, devices } = options;
  const byLayers = dividesByLayers(options.engine);
  const given = tp !== undefined || pp !== undefined || dp !== undefined;
  const asked: Degrees = { tp: tp ?? 1, pp: pp ?? 1, ep, dp: dp ?? 1 };
  let degrees: Degrees = asked;
  if (byLayers) {
    const split = options.engineOptions?.tensorSplit;
    const cards = Array.isArray(split) ? split.length : given ? asked.tp * asked.pp : (devices ?? 1);
    degrees = { ...asked, tp: 1, pp: cards };
  } else if (!given && devices !== undefined && devices > 1) {
    degrees = { ...degreesOver(model, devices), ep };
  }
  const world = worldSize(degrees);
  if (devices !== undefined && world > devices)
    throw new VramCalcError("bad-option", {
      option: "--gpu",
      given: `${devices} ${devices === 1 ? "card" : "cards"} for tp ${degrees.tp} x pp ${degrees.pp} x dp ${degrees.dp} = ${world} devices`,
      expected: `${world} cards, or smaller degrees`,
    });
  if (world === 1 && ep === 1) return { degrees: SINGLE_DEVICE, notes: idleNotes(devices, world) };
  checkDegrees(model, degrees);
  return { degrees, notes: idleNotes(devices, world) };
}
