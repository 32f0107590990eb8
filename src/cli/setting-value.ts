/** Values of the flags that `--set` takes: what each kind means and how it is read. */

/** A list of words names the values that a flag takes. */
export type SettingKind =
  | "share"
  | "count"
  | "whole"
  | "whole-or-none"
  | "ratio"
  | "layers"
  | "switch"
  | "off-switch"
  | "auto-switch"
  | "list"
  | readonly string[];

const KINDS = {
  share: { meaning: "a share above 0, at most 1", example: "0.95" },
  count: { meaning: "a whole number from 1", example: "64" },
  whole: { meaning: "a whole number", example: "20" },
  "whole-or-none": { meaning: "a whole number, or -1 for none", example: "8192" },
  ratio: { meaning: "a number above 0", example: "0.9" },
  layers: { meaning: "a whole number, all or auto", example: "20" },
  switch: { meaning: "on or off", example: "off" },
  "off-switch": { meaning: "on or off", example: "on" },
  "auto-switch": { meaning: "on, off or auto", example: "off" },
  list: { meaning: "a share for each GPU, at most 64, joined by slashes", example: "3/1" },
} as const;

/** More than any model has. */
const ALL_LAYERS = 999;

/** A flag that is on where it is named alone. */
export const isSwitch = (kind: SettingKind): boolean =>
  kind === "switch" || kind === "off-switch" || kind === "auto-switch";

/** What a value of the kind is, for a sentence. */
export const meaningOf = (kind: SettingKind): string =>
  typeof kind === "string" ? KINDS[kind].meaning : kind.join(", ");
/** The flag with a value of the kind. */
export const exampleOf = (flag: string, kind: SettingKind): string =>
  `${flag}=${typeof kind === "string" ? KINDS[kind].example : kind[0]}`;

/** The value, or undefined where it is none of the kind. */
export function readValue(
  value: string | undefined,
  kind: SettingKind,
): number | boolean | string | readonly number[] | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof kind !== "string") return kind.includes(value) ? value : undefined;
  const number = Number(value);
  switch (kind) {
    case "share":
      return number > 0 && number <= 1 ? number : undefined;
    case "count":
      return Number.isSafeInteger(number) && number >= 1 ? number : undefined;
    case "whole":
      return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
    case "whole-or-none":
      return value === "-1" ? -1 : readValue(value, "whole");
    case "ratio":
      return number > 0 && Number.isFinite(number) ? number : undefined;
    case "layers":
      // What llama.cpp takes for all layers and the head; it fits them to the card where they are too many.
      return /^(all|auto)$/.test(value) ? ALL_LAYERS : readValue(value, "whole");
    case "auto-switch":
      return value === "auto" ? true : readValue(value, "switch");
    case "switch":
      return switchOf(value);
    case "off-switch": {
      const off = switchOf(value);
      return off === undefined ? undefined : !off;
    }
    case "list": {
      const parts = value.split("/").map(Number);
      const shares =
        parts.every((part) => part >= 0 && Number.isFinite(part)) && parts.some((part) => part > 0);
      return parts.length <= 64 && shares ? parts : undefined;
    }
  }
}

const switchOf = (value: string): boolean | undefined =>
  /^(on|true|1|yes)$/.test(value) ? true : /^(off|false|0|no)$/.test(value) ? false : undefined;
