import { VramCalcError } from "../errors.ts";
import type { Accelerator } from "./accelerator.ts";
import { acceleratorByName } from "./lookup.ts";

/** A number of equal accelerators. */
export interface GpuGroup {
  readonly accelerator: Accelerator;
  readonly count: number;
  /** The name as it was typed. */
  readonly name: string;
}

const MOST_DEVICES = 65_536;
const MOST_GROUPS = 64;
const EXPECTED = "a GPU such as rtx-4090, h100 or 2xrtx-4090";

/**
 * Reads `--gpu`: names separated by commas or plus signs, each with an optional count in front.
 *
 * @throws unknown-name for an unknown GPU, bad-option for an empty entry, a count of zero, more than
 * 65,536 devices or more than 64 entries
 * @example parseGpuSpec("8 x h100").map(({ accelerator, count }) => [accelerator.id, count]) // [["h100-80gb-sxm", 8]]
 */
export function parseGpuSpec(spec: string): readonly GpuGroup[] {
  const fail = (given: string, expected: string): never => {
    throw new VramCalcError("bad-option", { option: "--gpu", given, expected });
  };
  const entries = spec.slice(0, 8192).split(/[,+]/);
  if (entries.length > MOST_GROUPS) fail(`${entries.length} entries`, `at most ${MOST_GROUPS}`);
  let devices = 0;
  return entries.map((entry) => {
    const text = entry.trim();
    if (text === "") return fail(spec.trim() === "" ? "nothing" : `an empty entry in "${spec}"`, EXPECTED);
    const counted = /^(\d+)\s*[x×*]\s*(.+)$/i.exec(text);
    const count = counted === null ? 1 : Number(counted[1]);
    devices += count;
    if (count < 1 || devices > MOST_DEVICES)
      fail(`${text}`, `between 1 and ${MOST_DEVICES} devices, as in 2xrtx-4090`);
    const name = counted?.[2] ?? text;
    return { accelerator: acceleratorByName(name), count, name };
  });
}
