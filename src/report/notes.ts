import type { Note } from "../architecture/model.ts";
import type { Paint } from "./paint.ts";
import { wrap } from "./text-layout.ts";

/** The notes, one after the other. */
export const noteLines = (
  notes: readonly Note[],
  { columns, paint }: { readonly columns: number; readonly paint: Paint },
): readonly string[] => notes.map(({ message }) => paint("dim", wrap(`note: ${message}`, columns, "      ")));
