/** How the names of quantization methods are written: "gptq-4bit-g128", "exl2-4.5bpw". */
import { VramCalcError } from "../errors.ts";
import type { Scheme } from "./scheme.ts";

export interface Grammar {
  /** Fixed spellings, offered as suggestions. */
  readonly names: readonly string[];
  readonly read: (name: string) => Scheme | null;
}

/** A family of names "method-4bit-g128", where bits and group may be left out. */
export function grouped(spec: {
  readonly prefix: string;
  readonly aliases?: readonly string[];
  readonly bits: readonly number[];
  readonly defaultBits: number;
  readonly defaultGroup: number;
  readonly make: (bits: number, group: number) => Scheme;
  readonly examples: readonly string[];
}): Grammar {
  const prefixes = [spec.prefix, ...(spec.aliases ?? [])].join("|");
  const pattern = new RegExp(
    `^(?:${prefixes})(?:-?(?:int|w|q)?(\\d)(?:-?bits?|b)?)?(?:-g(?:s|roup)?(\\d{1,5}|-1|channel))?$`,
  );
  return {
    names: spec.examples,
    read: (name) => {
      const match = pattern.exec(name);
      if (match === null) return null;
      const bits = match[1] === undefined ? spec.defaultBits : Number(match[1]);
      const group =
        match[2] === undefined
          ? spec.defaultGroup
          : match[2] === "channel" || match[2] === "-1"
            ? -1
            : Number(match[2]);
      if (!spec.bits.includes(bits)) throw badOption(name, `${spec.prefix} of ${spec.bits.join(", ")} bits`);
      if (group !== -1 && (group < 8 || group > 65_536))
        throw badOption(name, "a group of 8 to 65536, or channel");
      return spec.make(bits, group);
    },
  };
}

/** "exl2-4.5bpw": an average of bits that need not be whole. */
export function average(
  prefix: string,
  range: readonly [min: number, max: number],
  make: (bits: number) => Scheme,
): Grammar {
  const pattern = new RegExp(`^${prefix}-?(\\d(?:\\.\\d{1,2})?)(?:-?(?:bpw|bits?))$`);
  return {
    names: [`${prefix}-4bpw`],
    read: (name) => {
      const match = pattern.exec(name);
      if (match === null) return null;
      const bits = Number(match[1]);
      if (bits < range[0] || bits > range[1])
        throw badOption(name, `${prefix} of ${range[0]} to ${range[1]} bits per weight`);
      return make(bits);
    },
  };
}

const badOption = (given: string, expected: string): VramCalcError<"bad-option"> =>
  new VramCalcError("bad-option", { option: "format of the weights", given: `"${given}"`, expected });

/** One scheme under its id and other spellings. */
export const fixed = (scheme: Scheme, aliases: readonly string[] = []): Grammar => {
  const names = new Set([scheme.id, ...aliases]);
  return { names: [scheme.id], read: (name) => (names.has(name) ? scheme : null) };
};
