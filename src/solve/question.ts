/** What a question of `fit` and its relatives has to hold, as JavaScript has it at run time. */
import { checkBytes } from "../budget.ts";
import { VramCalcError } from "../errors.ts";
import { checkModel } from "../estimate/option-kinds.ts";
import { checkOptions, shown } from "../known-options.ts";

const SERVING = {
  model: "object!",
  options: "object!",
  mostDevices: "number",
  budgetBytes: "number!",
} as const;
const TRAINING = {
  model: "object!",
  request: "object!",
  devices: "number",
  budgetBytes: "number!",
} as const;

/** @throws unknown-name, bad-option; the options themselves are checked by the estimate */
export function checkQuestion(input: unknown, of: string): void {
  checkOptions(input, SERVING, of);
  checkHeld(input as Held);
}

/** @throws unknown-name, bad-option; the request itself is checked by the estimate */
export function checkTrainQuestion(input: unknown, of: string): void {
  checkOptions(input, TRAINING, of);
  checkHeld(input as Held);
}

interface Held {
  readonly model: unknown;
  readonly budgetBytes: unknown;
}

function checkHeld({ model, budgetBytes }: Held): void {
  checkModel(model);
  checkBytes("budgetBytes", budgetBytes);
}

/** @throws bad-option for what cannot be solved for */
export function checkUnknown(unknown: string, known: readonly string[]): void {
  if (known.includes(unknown)) return;
  throw new VramCalcError("bad-option", {
    option: "the unknown",
    given: shown(unknown),
    expected: known.join(", "),
  });
}
