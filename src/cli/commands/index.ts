import type { CommandEntry } from "./command.ts";
import { formatsCommand } from "./formats.ts";
import { gpusCommand } from "./gpus.ts";

/** Every command besides the default one, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [formatsCommand, gpusCommand];
