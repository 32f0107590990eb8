import { fieldOf, fieldText } from "../report/field.ts";
import type { Io } from "./io.ts";

/** Prints a result as JSON, or the one value of it that `--field` names. */
export function printJson(io: Io, value: unknown, field: string | undefined): void {
  io.stdout(
    field === undefined ? `${JSON.stringify(value, null, 2)}\n` : `${fieldText(fieldOf(value, field))}\n`,
  );
}
