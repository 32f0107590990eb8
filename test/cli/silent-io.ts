import type { Io } from "../../src/cli/io.ts";

/** A world without input in which nothing is heard. */
export const silentIo: Io = {
  stdout: () => {},
  stderr: () => {},
  readerLeft: false,
  readStdin: async () => "",
  stdinChunks: async function* () {},
  env: {},
  cwd: "/",
  columns: 100,
  stdoutIsTerminal: false,
  stderrIsTerminal: false,
};
