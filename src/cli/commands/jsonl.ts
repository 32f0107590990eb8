import { answerer, MOST_LINE_CHARACTERS } from "../jsonl/answer.ts";
import { lineBatches } from "../jsonl/lines.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

/** Characters of results that are gathered before they are written. */
const MOST_PENDING = 2 ** 16;

/**
 * `vram-calc jsonl`: a request per line in, a result per line out, in order. Blank lines are skipped. Every
 * answer to the lines that have arrived is written before more are waited for, and writing waits for the reader,
 * so memory does not grow with the stream; where the reader has left, so does the command.
 *
 * Exits 0 when every line was sized, fitting or not, and else with the code of the gravest refusal.
 */
export const defineJsonl: DefineCommand = (command, session) => {
  command.action(() => runJsonl(session));
};

/** As the command; also what `vram-calc --jsonl` runs. */
export async function runJsonl({ io, exit }: Session): Promise<void> {
  const { answer, worst } = answerer(io);
  let lineNumber = 0;
  for await (const lines of lineBatches(io.stdinChunks(), MOST_LINE_CHARACTERS)) {
    let pending = "";
    for (const line of lines) {
      lineNumber++;
      if (line !== null && line.trim() === "") continue;
      const answered = answer(line, lineNumber);
      pending += `${typeof answered === "string" ? answered : await answered}\n`;
      if (pending.length >= MOST_PENDING) {
        io.stdout(pending);
        pending = "";
      }
    }
    if (pending !== "") io.stdout(pending);
    if (io.readerLeft) break;
  }
  exit(worst());
}
