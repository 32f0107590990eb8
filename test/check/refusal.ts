import { VramCalcError } from "../../src/errors.ts";

/** The message of the error that a call ends in; any other ending fails the test. */
export function refusalOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof VramCalcError) return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}
