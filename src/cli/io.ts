import { readBoundedStream } from "./stdin.ts";

/** Everything the command line touches of the world, so that tests hand in their own. */
export interface Io {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Standard input to its end, at most `maxBytes`. */
  readonly readStdin: (maxBytes: number) => Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Width of the terminal, or of an assumed one when output goes elsewhere. */
  readonly columns: number;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
}

/** Width used for files and pipes: wide enough that no table is cut for a reader who is not there. */
const PIPE_COLUMNS = 100;

/** The real process. */
export function nodeIo(): Io {
  const columns = Number(process.env.COLUMNS) || process.stdout.columns || PIPE_COLUMNS;
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    readStdin: (maxBytes) => readBoundedStream(process.stdin, maxBytes),
    env: process.env,
    cwd: process.cwd(),
    columns: Math.min(Math.max(Math.floor(columns), 20), 1000),
    stdoutIsTerminal: process.stdout.isTTY === true,
    stderrIsTerminal: process.stderr.isTTY === true,
  };
}
