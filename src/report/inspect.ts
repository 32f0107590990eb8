/** `vram-calc inspect`: what a model is made of. */

import type { LoraLinear } from "../adapters/lora.ts";
import { type LinearEntry, layerGroups, linears } from "../architecture/layout.ts";
import type { Architecture, Note } from "../architecture/model.ts";
import { GROUPS } from "../architecture/model.ts";
import type { EmbeddingPadding } from "../architecture/padding.ts";
import { type ModelSummary, modelFacts } from "../architecture/summary.ts";
import type { CacheRow } from "../memory/cache-rows.ts";
import type { GgufFacts } from "../sources/gguf/gguf-facts.ts";
import type { TokenizerFacts } from "../sources/tokenizer.ts";
import { groupDigits } from "../units.ts";
import { cacheExplanation, groupExplanation, loraExplanation } from "./inspect-explain.ts";
import { type FileFacts, fileLines, ggufLines, loraLines } from "./inspect-files.ts";
import { feedForwardText, layerText, mixerText } from "./layer-text.ts";
import { noteLines } from "./notes.ts";
import type { Paint } from "./paint.ts";
import { notesJson } from "./result.ts";
import { alignRows, wrap } from "./text-layout.ts";

export interface Inspection {
  readonly model: ModelSummary;
  readonly architecture: Architecture;
  readonly cache: readonly CacheRow[];
  readonly tokenizer?: TokenizerFacts;
  readonly padding?: EmbeddingPadding;
  /** What the headers of its files say. */
  readonly files?: FileFacts;
  /** What the metadata of its GGUF file says. */
  readonly gguf?: GgufFacts;
  readonly lora?: { readonly rank: number; readonly linears: readonly LoraLinear[] };
  readonly notes: readonly Note[];
}

/** Plain data for `--json`. */
export function inspectionJson(inspection: Inspection): Record<string, unknown> {
  const { architecture: model } = inspection;
  return {
    schema: "vram-calc/inspect@1",
    model: {
      ...modelFacts(inspection.model, model),
      modelType: model.modelType,
      dtype: model.dtype ?? null,
      hiddenSize: model.hiddenSize,
      vocabSize: model.vocabSize,
      maxContextTokens: model.maxContextTokens ?? null,
    },
    layers: layerGroups(model).map((group) => ({
      stack: group.stack,
      prefix: group.prefix,
      layers: group.where,
      count: group.count,
      mixers: group.kind.mixers.map((mixer) => ({ ...mixer, text: mixerText(mixer) })),
      feedForward: { ...group.kind.feedForward, text: feedForwardText(group.kind.feedForward) },
      parametersEach: group.parametersEach,
    })),
    cache: inspection.cache,
    linears: linears(model),
    tokenizer: inspection.tokenizer ?? null,
    embedding: inspection.padding ?? null,
    files: inspection.files ?? null,
    gguf: inspection.gguf ?? null,
    lora:
      inspection.lora === undefined
        ? null
        : {
            rank: inspection.lora.rank,
            linears: inspection.lora.linears.map(({ tensor: _, ...linear }) => linear),
            parameters: inspection.lora.linears.reduce((sum, linear) => sum + linear.parameters, 0),
          },
    notes: notesJson(inspection.notes),
  };
}

export interface InspectionOptions {
  readonly columns: number;
  readonly explain: boolean;
  readonly paint: Paint;
}

/** The inspection for people, in sections. */
export function inspectionTable(inspection: Inspection, options: InspectionOptions): string {
  const { architecture: model } = inspection;
  const { paint, columns } = options;
  const { parameters } = model;
  const shapeless = model.stacks.length === 0;
  const head = [
    `${inspection.model.id}: ${groupDigits(parameters.total)} parameters (${model.family})`,
    ...(parameters.active < parameters.total ? [`${groupDigits(parameters.active)} active per token`] : []),
    ...(parameters.stored > parameters.total
      ? [
          `${groupDigits(parameters.stored)} stored, with ${groupDigits(parameters.stored - parameters.total)} of buffers`,
        ]
      : []),
    ...(parameters.mtp > 0
      ? [`${groupDigits(parameters.mtp)} more in multi-token-prediction layers, not counted above`]
      : []),
    // Tensors alone do not say what a model does with them.
    ...(shapeless ? [] : [model.tied ? "head tied to the embedding" : "head apart from the embedding"]),
    ...(model.maxContextTokens === undefined
      ? []
      : [`up to ${groupDigits(model.maxContextTokens)} positions`]),
  ];
  const [title, ...facts] = head.map((line) => wrap(line, columns, "  "));
  const sections = [
    [paint("strong", title!), ...facts],
    [paint("strong", "parameters by group"), ...groupLines(model)],
    ...(shapeless
      ? []
      : [
          [paint("strong", "layers"), ...layerLines(model, columns)],
          [
            paint("strong", "cache, 16 bits a value"),
            ...cacheLines(inspection.cache).map((line) => wrap(line, columns, "    ")),
          ],
          [paint("strong", "linears (out x in)"), ...linearLines(linears(model), columns)],
        ]),
    ...(inspection.padding === undefined || inspection.tokenizer === undefined
      ? []
      : [
          [
            paint("strong", "embedding against tokenizer"),
            ...paddingLines(inspection.padding, inspection.tokenizer, model),
          ],
        ]),
    ...(inspection.gguf === undefined
      ? []
      : [[paint("strong", "GGUF metadata"), ...ggufLines(inspection.gguf)]]),
    ...(inspection.files === undefined ? [] : [[paint("strong", "stored"), ...fileLines(inspection.files)]]),
    ...(inspection.lora === undefined
      ? []
      : [
          [
            paint("strong", `adapters of rank ${inspection.lora.rank}`),
            ...loraLines(inspection.lora.linears, { rank: inspection.lora.rank, columns }),
          ],
        ]),
    ...(options.explain
      ? [[paint("strong", "how the figures come about"), ...explained(inspection, columns)]]
      : []),
    ...(inspection.notes.length === 0 ? [] : [noteLines(inspection.notes, options)]),
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

const explained = ({ architecture, lora }: Inspection, columns: number): readonly string[] => [
  ...groupExplanation(architecture, columns),
  ...cacheExplanation(architecture, columns),
  ...(lora === undefined ? [] : loraExplanation(lora.linears, { rank: lora.rank, columns })),
];

function groupLines(model: Architecture): string[] {
  const { groups, total } = model.parameters;
  const rows = GROUPS.filter((group) => groups[group] > 0).map((group) => [
    group,
    groupDigits(groups[group]),
    group === "mtp" ? "apart" : `${((100 * groups[group]) / total).toFixed(1)} %`,
  ]);
  return alignRows(rows, ["left", "right", "right"]);
}

function layerLines(model: Architecture, columns: number): string[] {
  return layerGroups(model).map(({ prefix, where, count, repeats, kind, parametersEach }) => {
    const turns = repeats === 1 ? "" : `, each run ${repeats} times`;
    const line = `  ${prefix}[${where}]: ${count} x ${groupDigits(parametersEach)}${turns}, ${layerText(kind)}`;
    return wrap(line, columns, "    ");
  });
}

function cacheLines(rows: readonly CacheRow[]): string[] {
  if (rows.length === 0) return ["  none: the model keeps nothing between tokens"];
  return rows.map((row) => {
    const grows = row.bytesPerToken > 0 ? `${groupDigits(row.bytesPerToken)} B per token` : "";
    const fixed = row.bytesPerSequence > 0 ? `${groupDigits(row.bytesPerSequence)} B per sequence` : "";
    return `  ${row.layers} ${row.layers === 1 ? "layer" : "layers"} of ${row.kind}: ${[grows, fixed].filter((text) => text !== "").join(" and ")}`;
  });
}

function linearLines(entries: readonly LinearEntry[], columns: number): string[] {
  const lines = alignRows(
    entries.map((entry) => [
      entry.name,
      `${entry.outDim} x ${entry.inDim}`,
      `${groupDigits(entry.count)} of them`,
      entry.stack === "outside" || entry.stack === "decoder" ? "" : entry.stack,
    ]),
    ["left", "right", "right", "left"],
  );
  if (lines.every((line) => line.length <= columns)) return lines;
  return entries.map(
    (entry) => `  ${entry.name}\n    ${groupDigits(entry.count)} x ${entry.outDim} x ${entry.inDim}`,
  );
}

/** A GGUF file keeps base and added tokens in one list. */
const addedText = ({ baseTokens, addedTokens, file }: TokenizerFacts): string =>
  file.endsWith(".json") ? `: ${groupDigits(baseTokens)} and ${groupDigits(addedTokens)} added` : "";

function paddingLines(padding: EmbeddingPadding, tokenizer: TokenizerFacts, model: Architecture): string[] {
  const lines = [
    `  ${groupDigits(padding.rows)} rows of ${groupDigits(padding.width)} in the embedding`,
    `  ${groupDigits(tokenizer.distinctIds)} tokens in ${tokenizer.file}${addedText(tokenizer)}`,
  ];
  if (tokenizer.largestId >= padding.rows)
    lines.push(`  token ${groupDigits(tokenizer.largestId)} has no row: the tokenizer is not this model's`);
  if (padding.paddingRows === 0) return lines;
  const bytes = padding.paddingParameters * 2;
  lines.push(
    `  ${groupDigits(padding.paddingRows)} rows that no token reaches: ${groupDigits(padding.paddingParameters)} parameters, ${groupDigits(bytes)} B in 16 bits${model.tied ? "" : " with their rows of the head"}`,
  );
  if (padding.multiple > 1) {
    const steps = padding.paddingRows < padding.multiple;
    lines.push(
      steps
        ? `  because the rows are rounded up to a multiple of ${padding.multiple}, so that kernels and ranks divide them evenly`
        : `  more than the rounding up to a multiple of ${padding.multiple} explains: rows kept for tokens to come`,
    );
  }
  return lines;
}
