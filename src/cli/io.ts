import { fstatSync, statSync, writeSync } from "node:fs";
import { VramCalcError } from "../errors.ts";
import { readBoundedStream } from "./stdin.ts";

/** Everything the command line touches of the world, so that tests hand in their own. */
export interface Io {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** The reader of standard output has left: what is still written goes nowhere, and a stream of answers ends. */
  readonly readerLeft: boolean;
  /** Standard input to its end, at most `maxBytes`. */
  readonly readStdin: (maxBytes: number) => Promise<string>;
  /** Standard input as it arrives, for requests without end. */
  readonly stdinChunks: () => AsyncIterable<Uint8Array | string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Width of the terminal, or of an assumed one when output goes elsewhere. */
  readonly columns: number;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
}

/** Width used for files and pipes: wide enough that no table is cut for a reader who is not there. */
const PIPE_COLUMNS = 100;

/**
 * The real process. `process.stdout` is not touched where a file descriptor does: its first use loads node's
 * streams and sockets, which costs as much as everything else this program does at start.
 */
export function nodeIo(): Io {
  const { env } = process;
  let readerLeft = false;
  return {
    stdout: (text) => {
      readerLeft ||= !writeAll(1, text);
    },
    // Where a complaint cannot be written there is nowhere to say so; the exit code still does.
    stderr: (text) => {
      try {
        writeAll(2, text);
      } catch {}
    },
    get readerLeft() {
      return readerLeft;
    },
    readStdin: once((maxBytes) => readBoundedStream(process.stdin, maxBytes)),
    stdinChunks: () => process.stdin,
    env,
    cwd: process.cwd(),
    get columns() {
      const terminal = this.stdoutIsTerminal ? process.stdout.columns : PIPE_COLUMNS;
      const columns = Number(env.COLUMNS) || terminal || PIPE_COLUMNS;
      return Math.min(Math.max(Math.floor(columns), 20), 1000);
    },
    get stdoutIsTerminal() {
      return maybeTerminal(1) && process.stdout.isTTY === true;
    },
    get stderrIsTerminal() {
      return maybeTerminal(2) && process.stderr.isTTY === true;
    },
  };
}

/** As `devNull` of node:os, which takes half a millisecond to load. */
const NULL_DEVICE = process.platform === "win32" ? "\\\\.\\nul" : "/dev/null";

/** A terminal is a character device other than the null device: rules out what need not be asked. */
function maybeTerminal(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    return stat.isCharacterDevice() && stat.rdev !== statSync(NULL_DEVICE).rdev;
  } catch {
    return false;
  }
}

/** An output that takes no more (a full disk) is the world's fault, not a bug here. */
const unwritable = (cause: unknown): VramCalcError =>
  new VramCalcError(
    "source-unavailable",
    {
      source: "standard output",
      reason: `it cannot be written (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
      hint: "give it a place with room",
    },
    { cause },
  );

/**
 * Writes all of it before returning; a pipe that is full and does not block is waited for. A reader that closed the
 * pipe early (`| head -1`) has what it wanted: the run goes on in silence to the exit code that it would have had.
 *
 * @returns false when the reader has left
 */
function writeAll(descriptor: number, text: string): boolean {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return false;
      if (code !== "EAGAIN") throw unwritable(error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
  return true;
}

/** Standard input is read to its end, so a second reader would find it empty. */
function once(read: (maxBytes: number) => Promise<string>): (maxBytes: number) => Promise<string> {
  let taken = false;
  return async (maxBytes) => {
    if (taken)
      throw new VramCalcError("bad-option", {
        option: "-",
        given: "twice",
        expected: "once: standard input is read to its end",
      });
    taken = true;
    return read(maxBytes);
  };
}
