import type { LoadOptions } from "../sources/load-model.ts";
import type { Io } from "./io.ts";

/** What loading a model may use of the world. */
export function loadOptionsOf(
  io: Io,
  more: {
    readonly assumeFamily?: string | undefined;
    readonly otherNames?: readonly string[];
    readonly shapesOnly?: boolean;
  } = {},
): LoadOptions {
  return {
    readStdin: io.readStdin,
    env: io.env,
    terminal: {
      get isTerminal() {
        return io.stderrIsTerminal;
      },
      write: io.stderr,
    },
    ...(more.assumeFamily === undefined ? {} : { assumeFamily: more.assumeFamily }),
    ...(more.otherNames === undefined ? {} : { otherNames: more.otherNames }),
    shapesOnly: more.shapesOnly === true,
  };
}
