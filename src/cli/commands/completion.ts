import { Argument } from "commander";
import { definedCommands } from "../completion/definitions.ts";
import { createProgram } from "../program.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** `vram-calc completion <shell>`: a script that completes commands, flags and their values. */
export const defineCompletion: DefineCommand = (command, session) => {
  command
    .addArgument(new Argument("<shell>", "the shell to complete in").choices(SHELLS))
    .action((shell: Shell) => complete(shell, session));
};

async function complete(shell: Shell, session: Session): Promise<void> {
  const commands = definedCommands(await createProgram({ session, complain: () => {} }));
  session.io.stdout(await scriptFor(shell, commands));
}

async function scriptFor(shell: Shell, commands: ReturnType<typeof definedCommands>): Promise<string> {
  switch (shell) {
    case "bash":
      return (await import("../completion/bash.ts")).bashCompletion(commands);
    case "zsh":
      return (await import("../completion/zsh.ts")).zshCompletion(commands);
    case "fish":
      return (await import("../completion/fish.ts")).fishCompletion(commands);
  }
}
