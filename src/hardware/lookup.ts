import { nearestNames, VramCalcError } from "../errors.ts";
import { GiB } from "../units.ts";
import type { Accelerator } from "./accelerator.ts";
import { accelerators } from "./accelerators.ts";

/** Words that say who made a device and not which one it is. */
const BRANDS =
  /\b(nvidia|geforce|tesla|amd|radeon|instinct|intel|apple|google|gpu|graphics|generation|edition|graphics card)\b/g;

/**
 * Reduces a spelling to the letters and digits that tell devices apart, so that "NVIDIA GeForce RTX 4090",
 * "rtx-4090" and "RTX4090" are one name.
 */
function keyOf(name: string): string {
  return name
    .slice(0, 100)
    .toLowerCase()
    .replace(/\((r|tm)\)/g, " ")
    .replace(/[^a-z0-9.]+/g, " ")
    .replace(BRANDS, " ")
    .replace(/\bmobile\b/g, "laptop")
    .replace(/(\d)\s*gi?b?\b/g, "$1gb")
    .replace(/[^a-z0-9]+/g, "");
}

interface Index {
  /** From ids, names and aliases: one row each, which a test checks. */
  readonly exact: ReadonlyMap<string, Accelerator>;
  /** "4090" for "rtx-4090": the spelling without its series, where only one row has it. */
  readonly short: ReadonlyMap<string, Accelerator | null>;
}
let index: Index | undefined;

function acceleratorIndex(): Index {
  if (index !== undefined) return index;
  const exact = new Map<string, Accelerator>();
  const short = new Map<string, Accelerator | null>();
  for (const accelerator of accelerators())
    for (const key of acceleratorKeys(accelerator)) exact.set(key, accelerator);
  for (const [key, accelerator] of exact) {
    const bare = key.replace(/^(quadrortx|quadro|rtxpro|rtx|gtx|rx|arc|jetson|tpu|radeonpro)/, "");
    if (bare === key || bare === "" || exact.has(bare)) continue;
    const known = short.get(bare);
    short.set(bare, known === undefined || known === accelerator ? accelerator : null);
  }
  index = { exact, short };
  return index;
}

/** The normalized spellings that mean this accelerator. No two accelerators share one. */
export function acceleratorKeys(accelerator: Accelerator): readonly string[] {
  return [...new Set([accelerator.id, accelerator.name, ...accelerator.aliases].map(keyOf))];
}

function findByKey(key: string): Accelerator | undefined {
  const { exact, short } = acceleratorIndex();
  return exact.get(key) ?? short.get(key) ?? undefined;
}

/**
 * The accelerator that a name means. Case, spaces, dashes and the maker's name do not matter, and the
 * series may be left out: "RTX 4090", "nvidia-rtx-4090" and "4090" are one. A size that agrees with the
 * device may be added ("rtx-4090-24gb").
 *
 * Where a name covers several devices it means the common one if there is one (`h100` and `a100` the 80 GB
 * SXM, `rtx-3060` the 12 GB) and else the smallest (`v100` the 16 GB, `rtx-5060-ti` the 8 GB, `m4-max` the
 * 36 GB). `findAccelerators(name)` lists the others.
 *
 * @throws unknown-name with the nearest ids
 * @example acceleratorByName("RTX 4090").id // "rtx-4090"
 */
export function acceleratorByName(name: string): Accelerator {
  const key = keyOf(name);
  const found = findByKey(key);
  if (found !== undefined) return found;
  const sized = /^(.+?)(\d+)gb$/.exec(key);
  if (sized !== null) {
    // "rtx409024gb" gives no hint where the size starts, so every split is tried, longest name first.
    for (let split = key.length - 3; split > 0; split--) {
      const candidate = findByKey(key.slice(0, split));
      if (candidate?.nominalBytes === Number(key.slice(split, -2)) * GiB) return candidate;
    }
  }
  throw new VramCalcError("unknown-name", {
    kind: "GPU",
    name,
    nearest: nearestIds(name),
    hint: "vram-calc gpus lists them all; --budget 24GiB takes any size",
  });
}

/** What follows the name of a device that comes in several sizes or slots. */
const VARIANT = /^([1-9]\d*gb|pcie|sxm\d?)+$/;

/**
 * The devices that a name covers when it is nobody's own id and they differ in memory: the one that it is read as
 * first. Empty for a name that means one thing.
 *
 * @example devicesNamed("v100").map(({ id }) => id) // ["v100-16gb", "v100-32gb"]
 */
export function devicesNamed(name: string): readonly Accelerator[] {
  const key = keyOf(name);
  const all = accelerators();
  if (key === "" || all.some(({ id }) => keyOf(id) === key)) return [];
  const read = acceleratorByName(name);
  const others = all.filter(({ id }) => {
    const own = keyOf(id);
    return id !== read.id && own.startsWith(key) && VARIANT.test(own.slice(key.length));
  });
  const differ = others.some(
    ({ usableBytes }) => Math.abs(usableBytes - read.usableBytes) > 0.02 * read.usableBytes,
  );
  return differ ? [read, ...others] : [];
}

function nearestIds(name: string): string[] {
  const wanted = name
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, "-");
  return nearestNames(
    wanted,
    accelerators().map((accelerator) => accelerator.id),
  );
}

/**
 * The accelerators of whose id, name, aliases, vendor and generation a word starts with each word of `query`, in
 * table order; all of them for an empty query. Two digits are a series: "rtx 50" is 5050 to 5090 and not 5000. Where
 * nothing starts so, words may stand anywhere.
 *
 * @example findAccelerators("h100").map((a) => a.id) // ["h100-80gb-pcie", "h100-80gb-sxm", "h100-nvl"]
 */
export function findAccelerators(query = ""): readonly Accelerator[] {
  const words = query.slice(0, 200).toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return accelerators();
  const whole = keyOf(query);
  const matching = (found: (text: string, word: string) => boolean): readonly Accelerator[] =>
    accelerators().filter((accelerator) => words.every((word) => found(textOf(accelerator), word)));
  const series = matching(inSeries);
  if (series.length > 0) return series;
  const starting = matching((text, word) => text.includes(` ${word}`));
  if (starting.length > 0) return starting;
  return accelerators().filter(
    (accelerator) =>
      words.every((word) => textOf(accelerator).includes(word)) ||
      (whole !== "" && acceleratorKeys(accelerator).some((key) => key.includes(whole))),
  );
}

/** Words apart by spaces, with dashes too where they are part of a name. */
function textOf({ id, name, vendor, generation, aliases }: Accelerator): string {
  const text = [id, name, vendor, generation, ...aliases].join(" ").toLowerCase();
  return ` ${text} ${text.replace(/[^a-z0-9.]+/g, " ")}`;
}

const inSeries = (text: string, word: string): boolean =>
  /^\d\d$/.test(word) ? new RegExp(` ${word}[1-9]0(?!\\d)`).test(text) : text.includes(` ${word}`);
