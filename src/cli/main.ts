import { EXIT, type ExitCode } from "../errors.ts";
import type { Io } from "./io.ts";
import { createProgram } from "./program.ts";
import type { Session } from "./session.ts";

/** Runs one invocation and returns its exit code. Never throws, never calls `process.exit`. */
export async function main(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  let spoken = "";
  try {
    const session: Session = {
      io,
      exit: (next) => {
        code = next;
      },
    };
    // Commander writes its complaint in pieces; it is kept and printed once, as one sentence.
    const complain = (text: string): void => {
      spoken += text;
    };
    const program = await createProgram({ session, args, complain });
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    const { explain } = await import("./complaint.ts");
    return explain(error, { args, io, spoken });
  }
}
