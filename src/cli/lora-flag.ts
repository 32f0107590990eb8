import { type LoraTargets, parseLoraTargets } from "../adapters/lora-targets.ts";
import { VramCalcError } from "../errors.ts";

export interface LoraFlag {
  readonly rank: number;
  /** Adapters served beside the base at once. */
  readonly count: number;
  readonly targets: LoraTargets;
}

/**
 * Reads `--lora r=16,n=8,targets=attention`; targets are a group, module names joined by `+`, or `re:` and a
 * regular expression, which then ends the text.
 *
 * @throws bad-option
 */
export function parseLora(text: string): LoraFlag {
  const fail = (given: string): never => {
    throw new VramCalcError("bad-option", {
      option: "--lora",
      given,
      expected: "r=16, r=16,n=8 or r=16,targets=q_proj+v_proj",
    });
  };
  let rank: number | undefined;
  let count = 1;
  let targets: LoraTargets = "all-linear";
  // A regular expression may hold commas and equal signs, so it comes last.
  const [plain = "", pattern] = text.split(/,?targets=(?=re:)/);
  if (pattern !== undefined) targets = parseLoraTargets(pattern);
  for (const entry of plain.split(",")) {
    const [key, value] = entry.split("=").map((part) => part.trim());
    if (value === undefined || value === "") fail(`"${text}"`);
    else if (key === "r" || key === "rank") rank = whole(value, fail);
    else if (key === "n" || key === "count") count = whole(value, fail);
    else if (key === "targets") targets = parseLoraTargets(value);
    else fail(`"${entry}"`);
  }
  return { rank: rank ?? fail("no rank"), count, targets };
}

function whole(text: string, fail: (given: string) => never): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 1 && value <= 65_536 ? value : fail(`"${text}"`);
}
