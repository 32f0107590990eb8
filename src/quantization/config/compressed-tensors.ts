import type { ConfigReader } from "../../architecture/config-reader.ts";
import type { Encoding } from "../encoding.ts";
import { isLinear, isPredictionInput } from "../linears.ts";
import type { Place, Scheme } from "../scheme.ts";
import { compressedTensorsList, type ModuleList, passBudget } from "../skip-list.ts";
import { namesUnder } from "./quantization-block.ts";
import { weightEncoding } from "./weight-args.ts";

interface Group {
  /** Null when the group quantizes activations only. */
  readonly encoding: Encoding | null;
  /** Modules by name or pattern. */
  readonly named: ModuleList;
  /** The class of all linears is a target. */
  readonly linears: boolean;
}

/** Targets that are classes of modules and not names. */
const CLASSES = /^(Linear|[A-Z]\w*)$/;

/**
 * compressed-tensors: each of `config_groups` gives its targets an encoding; `ignore` takes modules out. A
 * target that names a module goes before the class "Linear", which reaches towers and the head too.
 *
 * Not read: sparse formats, whose size depends on the values.
 */
export function compressedTensorsScheme(block: ConfigReader): Scheme {
  const sparse = block.child("sparsity_config")?.optionalText("format");
  if (sparse !== undefined && sparse !== "dense")
    return block.fail(
      "sparsity_config",
      "dense weights; the size of sparse ones is in their safetensors headers",
    );
  refuseSparse(block);
  const groups = configGroups(block, { scaleBytes: 2, matcher: compressedTensorsList });
  const ignore = compressedTensorsList(namesUnder(block, ["ignore"]), { file: block.file, key: "ignore" });
  const ids = new Set(groups.flatMap(({ encoding }) => (encoding === null ? [] : [encoding.id])));
  return {
    id: ids.size === 0 ? "compressed-tensors" : [...ids].join("+"),
    basis: "modelled",
    layered: true,
    begin: (model) => {
      const budget = passBudget();
      const ignored = ignore(model, budget);
      const opened = groups.map((group) => ({ ...group, names: group.named(model, budget) }));
      return (place) => {
        if (!isMatrixModule(place)) return null;
        // A router is a linear to some classes only; it is quantized where a target names it.
        const group = opened.find(({ names }) => names(place)) ?? linearsGroup(opened, place);
        if (group === undefined || ignored(place)) return null;
        return group.encoding;
      };
    },
  };
}

/** Formats that keep two of four weights and where they stood. */
function refuseSparse(config: ConfigReader): void {
  if (/^(?:marlin-24|sparse)/.test(config.optionalText("format") ?? ""))
    config.fail(
      "format",
      "a format of dense weights; the size of sparse ones is in their safetensors headers",
    );
}

const isMatrixModule = (place: Place): boolean =>
  isLinear(place) || (place.tensor.role === "router" && place.tensor.kind === "linear");

const linearsGroup = (groups: readonly Group[], place: Place): Group | undefined =>
  isLinear(place) && !isPredictionInput(place) ? groups.find(({ linears }) => linears) : undefined;

/** The groups of `config_groups` in their order. */
export function configGroups(
  block: ConfigReader,
  options: {
    readonly scaleBytes: number;
    readonly matcher: (
      entries: readonly string[],
      at: { readonly file: string; readonly key: string },
    ) => ModuleList;
  },
): readonly Group[] {
  const groups = block.child("config_groups");
  if (groups === undefined) return [];
  const names = Object.keys(groups.raw);
  if (names.length > 1000) groups.fail(names[0]!, "at most 1000 groups");
  return names.flatMap((name) => {
    const group = groups.child(name);
    return group === undefined ? [] : [configGroup(group, block, options)];
  });
}

function configGroup(
  group: ConfigReader,
  block: ConfigReader,
  options: Parameters<typeof configGroups>[1],
): Group {
  const targets = group.has("targets") ? namesUnder(group, ["targets"]) : ["Linear"];
  const weights = group.child("weights");
  const input = group.child("input_activations");
  refuseSparse(group);
  const format = group.optionalText("format") ?? block.text("format", "");
  return {
    encoding:
      weights === undefined
        ? null
        : weightEncoding(weights, {
            format,
            // "local" scales are computed per block under a static scale of the tensor.
            staticInput:
              input !== undefined && (input.raw.dynamic === false || input.raw.dynamic === "local"),
            scaleBytes: options.scaleBytes,
          }),
    named: options.matcher(
      targets.filter((target) => !CLASSES.test(target)),
      { file: block.file, key: "config_groups" },
    ),
    linears: targets.some((target) => CLASSES.test(target)),
  };
}
