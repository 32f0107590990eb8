/** Commands that ask about serving or about training: the flags of both, and never those of the wrong one. */
import type { Command, Option } from "commander";
import { VramCalcError } from "../errors.ts";
import { type ServeFlags, serveOptions } from "./serve-flags.ts";
import { type TrainFlags, trainOptions } from "./train-flags.ts";

/** Degrees of parallelism belong to both sides. */
type Degree = "tp" | "pp" | "ep" | "dp";

export interface BothSidesFlags extends Omit<ServeFlags, Degree>, TrainFlags {}

/** Adds the flags of serving and, under their own heading, those of training; what both have comes once. */
export function addBothSides(command: Command, headings: { readonly training: string }): void {
  addMissing(command, serveOptions(), "Options of serving:");
  addMissing(command, trainOptions(), headings.training);
}

/** Adds the options that a command has not defined in its own way. */
export function addMissing(command: Command, options: readonly Option[], heading?: string): void {
  const known = new Set(command.options.map(({ long }) => long));
  for (const option of options) {
    if (known.has(option.long)) continue;
    command.addOption(heading === undefined ? option : option.helpGroup(heading));
  }
}

/**
 * Refuses a flag of the other side: it would be ignored.
 *
 * @param chooser what on the command line makes it a question about training
 * @throws bad-option
 */
export function refuseOtherSide(command: Command, side: "serve" | "train", chooser: string): void {
  const serving = new Set(serveOptions().map(({ long }) => long));
  const training = new Set(trainOptions().map(({ long }) => long));
  const [own, other] = side === "train" ? [training, serving] : [serving, training];
  for (const option of command.options) {
    if (!other.has(option.long) || own.has(option.long)) continue;
    if (command.getOptionValueSource(option.attributeName()) !== "cli") continue;
    throw new VramCalcError("bad-option", {
      option: option.long!,
      given: side === "train" ? `a request with ${chooser}` : `a request without ${chooser}`,
      expected:
        side === "train"
          ? "options of training: --seq, --micro-batch, --method, ..."
          : `options of serving, or ${chooser} beside it`,
    });
  }
}
