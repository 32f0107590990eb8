/** What lies on the card beside the model and comes from files of its own: a draft model, a projector. */
import type { EstimateOptions } from "../estimate/estimate-options.ts";
import type { LoadOptions } from "../sources/load-model.ts";

export interface BesideFlags {
  readonly draft?: string | undefined;
  readonly mmproj?: string | undefined;
}

export type Beside = Pick<EstimateOptions, "draft" | "projectorFile">;

/** Nothing that has to be loaded was asked for. */
export const asksNothing = ({ draft, mmproj }: BesideFlags): boolean =>
  draft === undefined && mmproj === undefined;

/** Loads them; throws what loading a model throws. */
export async function besideOf({ draft, mmproj }: BesideFlags, options: LoadOptions): Promise<Beside> {
  return {
    ...(draft === undefined
      ? {}
      : { draft: await (await import("./draft-flag.ts")).loadDraft(draft, options) }),
    ...(mmproj === undefined
      ? {}
      : { projectorFile: await (await import("./mmproj-flag.ts")).loadProjector(mmproj) }),
  };
}
