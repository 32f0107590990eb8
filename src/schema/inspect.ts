/** The shape of `vram-calc inspect <model> --json`. */
import * as z from "zod/mini";
import { bytes, count, meta, model, notes } from "./parts.ts";

const open = () => z.looseObject({});

const layers = () =>
  z.looseObject({
    stack: z.string(),
    prefix: z.string(),
    layers: z.string(),
    count: count(),
    mixers: z.array(z.looseObject({ kind: z.string(), text: z.string() })),
    feedForward: z.looseObject({ kind: z.string(), text: z.string() }),
    parametersEach: count(),
  });
/** `out x in` of one linear. */
const sides = { name: z.string(), outDim: count(), inDim: count() };
const linear = () =>
  z.looseObject({ ...sides, stack: z.string(), role: z.string(), group: z.string(), count: count() });
const loraLinear = () =>
  z.looseObject({ ...sides, layers: count(), parametersEach: count(), parameters: count() });
const files = () =>
  z.looseObject({
    container: z.string(),
    files: count(),
    fileBytes: bytes(),
    totalBytes: bytes(),
    formats: z.array(open()),
    largest: z.array(
      z.looseObject({ name: z.string(), format: z.string(), shape: z.array(count()), bytes: bytes() }),
    ),
    parameters: count(),
  });

export const inspectSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/inspect@1"),
    model: z.extend(model(), {
      modelType: z.string(),
      dtype: z.nullable(z.string()),
      hiddenSize: count(),
      vocabSize: count(),
      maxContextTokens: z.nullable(count()),
    }),
    layers: z.array(layers()),
    cache: meta(
      z.array(
        z.looseObject({
          kind: z.string(),
          layers: count(),
          bytesPerToken: bytes(),
          bytesPerSequence: bytes(),
        }),
      ),
      "in 16 bits a value",
    ),
    linears: z.array(linear()),
    tokenizer: z.nullable(open()),
    embedding: z.nullable(open()),
    files: z.nullable(files()),
    gguf: z.nullable(open()),
    lora: z.nullable(z.looseObject({ rank: count(), linears: z.array(loraLinear()), parameters: count() })),
    notes: notes(),
  });
