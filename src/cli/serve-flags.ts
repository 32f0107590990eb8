/** The flags that say how a model is served, shared by every command that estimates serving. */
import type { Command } from "commander";
import type { EstimateOptions } from "../estimate/estimate.ts";
import type { LoadedModel } from "../sources/load-model.ts";
import type { Tokens } from "../units.ts";
import { batchOption, contextOption, dtypeOption, kvDtypeOption } from "./options.ts";

export interface ServeFlags {
  readonly context?: Tokens | undefined;
  readonly batch?: number | undefined;
  readonly dtype?: string | undefined;
  readonly kvDtype?: string | undefined;
}

/** Adds the flags to a command. */
export function addServeOptions(command: Command): Command {
  return command
    .addOption(dtypeOption())
    .addOption(contextOption())
    .addOption(batchOption())
    .addOption(kvDtypeOption());
}

/** The flags as options of the core, with what the model's files say. */
export function estimateOptionsOf(flags: ServeFlags, loaded: LoadedModel): EstimateOptions {
  return {
    ...(flags.dtype === undefined ? {} : { dtype: flags.dtype }),
    ...(flags.context === undefined ? {} : { contextTokens: flags.context }),
    ...(flags.batch === undefined ? {} : { batch: flags.batch }),
    ...(flags.kvDtype === undefined ? {} : { kvDtype: flags.kvDtype }),
    ...(loaded.stored === undefined ? {} : { stored: loaded.stored }),
  };
}
