/** The shape of `vram-calc gpus --json`. */
import * as z from "zod/mini";
import { bytes, count, meta, notes } from "./parts.ts";

export const gpusSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/gpus@1"),
    gpus: z.array(
      z.looseObject({
        id: z.string(),
        name: z.string(),
        vendor: z.string(),
        generation: z.string(),
        nominalBytes: bytes(),
        usableBytes: bytes(),
        usableBasis: meta(z.enum(["reported", "nominal", "default-share"]), "what usableBytes rests on"),
        usableSource: z.nullable(z.string()),
        bandwidthBytesPerSecond: z.nullable(count()),
        unified: z.boolean(),
        aliases: z.array(z.string()),
        notes: z.nullable(z.string()),
      }),
    ),
    notes: notes(),
  });
