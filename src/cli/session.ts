import type { ExitCode } from "../errors.ts";
import type { Io } from "./io.ts";

/** What a command's action may do besides returning: read and print, and say how the run ends. */
export interface Session {
  readonly io: Io;
  readonly exit: (code: ExitCode) => void;
}
