import type { Command } from "commander";
import type { Session } from "../session.ts";

/** One entry of the command line. Only the command that was typed is built in full: start-up is a feature. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Adds arguments, options and the action. */
  readonly define: (command: Command, session: Session) => void;
}
