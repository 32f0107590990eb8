import type { Command } from "commander";
import type { Session } from "../session.ts";

/** Adds a command's arguments, options and action. */
export type DefineCommand = (command: Command, session: Session) => void;

/** One entry of the command line. Only the command that was typed is loaded: start-up is a feature. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Shown below its help; each one runs. */
  readonly examples: readonly string[];
  readonly load: () => Promise<DefineCommand>;
}
