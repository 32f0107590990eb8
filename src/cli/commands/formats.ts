import type { CommandEntry } from "./command.ts";

/** `vram-calc formats [names and values]`. */
export const formatsCommand: CommandEntry = {
  name: "formats",
  summary: "number formats: the table, one explained bit by bit, or a value encoded in it",
  define: (_command, _session) => {},
};
