import type { CommandEntry } from "./command.ts";
import { formatsCommand } from "./formats.ts";
import { gpusCommand } from "./gpus.ts";
import { inspectCommand } from "./inspect.ts";

/** Every command besides the default one, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [inspectCommand, formatsCommand, gpusCommand];
