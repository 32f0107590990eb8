import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Architecture } from "../../src/architecture/model.ts";
import { FAMILIES, readArchitecture } from "../../src/architecture/registry.ts";
import { VramCalcError } from "../../src/errors.ts";
import { parseJson } from "../../src/sources/json/parse-json.ts";
import fixtures from "../fixtures/configs/text-decoders.json" with { type: "json" };
import { cases, fc } from "../properties.ts";
import { timeLimit } from "../time-limit.ts";
import vectors from "../vectors/parameters-classes.json" with { type: "json" };
import towers from "../vectors/parameters-classes-towers.json" with { type: "json" };
import publishedTowers from "../vectors/parameters-published-towers.json" with { type: "json" };

type Config = Readonly<Record<string, unknown>>;

const shared = fileURLToPath(new URL("../../../shared/configs/", import.meta.url));
/** A file of megabytes says nothing more here and makes every mutation slow. */
const LARGEST_FILE = 200_000;
const published: Config[] = existsSync(shared)
  ? readdirSync(shared)
      .filter((name) => name.includes("__"))
      .map((name) => readFileSync(`${shared}${name}`, "utf8"))
      .filter((text) => text.length < LARGEST_FILE)
      .map((text) => parseJson(text, "config.json") as Config)
  : [];
const seeds: readonly Config[] = [
  ...published,
  ...Object.values(fixtures as unknown as Record<string, Config>),
  ...(vectors as unknown as { options: { config: Config }[] }).options.map((row) => row.config),
  ...[towers, publishedTowers].flatMap((file) =>
    (file as unknown as { rows: { config: Config }[] }).rows.map((row) => row.config),
  ),
];

/** Every path to a value in a config, lists to their first entries. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null || path.length > 4) return [path];
  const keys = Object.keys(value).slice(0, Array.isArray(value) ? 3 : 400);
  return [
    ...(path.length === 0 ? [] : [path]),
    ...keys.flatMap((key) => pathsOf((value as Record<string, unknown>)[key], [...path, key])),
  ];
}

const DROP = Symbol("drop");

function withChange(value: unknown, path: readonly string[], to: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  const copy: Record<string, unknown> = Array.isArray(value)
    ? (value.slice() as unknown as Record<string, unknown>)
    : { ...(value as Record<string, unknown>) };
  const next = withChange(copy[key], rest, to);
  if (next !== DROP) copy[key] = next;
  else if (Array.isArray(copy)) copy.splice(Number(key), 1);
  else delete copy[key];
  return copy;
}

const hostile = fc.oneof(
  fc.constantFrom<unknown>(
    DROP,
    null,
    0,
    -1,
    1,
    0.5,
    2 ** 31,
    2 ** 53,
    1e308,
    -1e308,
    "",
    "x".repeat(1000),
    "\n\u001b[31m",
    [],
    {},
    [[]],
    [null],
    { toString: 1, valueOf: 1, constructor: 1 },
    "constructor",
    "__proto__",
    true,
    false,
    99_999,
    Array(50).fill(0),
    Array(200).fill(7),
    Array(200).fill("sliding_attention"),
    "MEM*ME",
  ),
  fc.integer({ min: 0, max: 70_000 }),
  fc.integer(),
  fc.double(),
  fc.jsonValue({ maxDepth: 2 }),
);

function expectSound(model: Architecture): void {
  const { groups, ...totals } = model.parameters;
  for (const [name, value] of [...Object.entries(totals), ...Object.entries(groups)])
    expect(Number.isSafeInteger(value) && value >= 0, `${name} is ${value}`).toBe(true);
  expect(totals.active).toBeLessThanOrEqual(totals.total);
  expect(totals.stored).toBeGreaterThanOrEqual(totals.total);
  // One assertion for all: a hundred thousand of them take longer than what they check.
  const mixers = new Set(model.stacks.flatMap((stack) => stack.kinds.flatMap((kind) => kind.mixers)));
  const broken = [...mixers].flatMap((mixer) =>
    Object.entries(mixer).filter(([, value]) => typeof value === "number" && !Number.isSafeInteger(value)),
  );
  expect(broken).toEqual([]);
}

/** An architecture whose every number is one, or a refusal in one sentence; nothing else may come out. */
function expectArchitectureOrRefusal(config: unknown): void {
  let model: Architecture;
  try {
    model = readArchitecture(config, "config.json");
  } catch (error) {
    if (!(error instanceof VramCalcError)) throw error;
    expect(error.message).toMatch(/^config\.json.*[.?!]$/);
    expect(error.message.length).toBeLessThanOrEqual(600);
    return;
  }
  expectSound(model);
}

describe("whatever a config says, the answer is an architecture or one sentence", () => {
  test(`${seeds.length} configs with one to four values dropped, retyped, huge, negative or nested`, () => {
    const pathsBySeed = seeds.map((seed) => pathsOf(seed));
    const mutated = fc
      .nat(seeds.length - 1)
      .chain((seed) =>
        fc
          .array(fc.tuple(fc.nat(pathsBySeed[seed]!.length - 1), hostile), { minLength: 1, maxLength: 4 })
          .map((changes) =>
            changes.reduce<unknown>(
              (config, [path, to]) => withChange(config, pathsBySeed[seed]![path]!, to),
              seeds[seed]!,
            ),
          ),
      );
    fc.assert(fc.property(mutated, expectArchitectureOrRefusal), { numRuns: cases(2500) });
  });

  test("any JSON value under any known model type", () => {
    const types = FAMILIES.flatMap((family) => family.modelTypes);
    const config = fc
      .tuple(fc.constantFrom(...types), fc.jsonValue({ maxDepth: 3 }))
      .map(([type, value]) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
          ? { ...value, model_type: type }
          : value,
      );
    fc.assert(fc.property(config, expectArchitectureOrRefusal), { numRuns: cases(1500) });
  });

  test("every model type refuses a config with nothing else in it, or names what it assumed", () => {
    for (const type of FAMILIES.flatMap((family) => family.modelTypes))
      expectArchitectureOrRefusal({ model_type: type });
  });

  test("100,000 layers of 100,000 kinds are answered in time and space for them", () => {
    const layers = 100_000;
    const start = performance.now();
    expectArchitectureOrRefusal({
      ...(seeds.find((seed) => seed.model_type === "llama") ?? {}),
      num_hidden_layers: layers,
      intermediate_size: Array.from({ length: layers }, (_, i) => i + 1),
    });
    expect(performance.now() - start).toBeLessThan(timeLimit(10_000));
  });

  test("no two families read the same model type or class", () => {
    const types = FAMILIES.flatMap((family) => family.modelTypes);
    const classes = FAMILIES.flatMap((family) => family.classNames ?? []);
    expect(types.filter((type, i) => types.indexOf(type) !== i)).toEqual([]);
    expect(classes.filter((name, i) => classes.indexOf(name) !== i)).toEqual([]);
  });
});
