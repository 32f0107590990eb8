import type { DefineCommand } from "./command.ts";

/** `vram-calc formats [names and values]`. */
export const defineFormats: DefineCommand = (_command, _session) => {};
