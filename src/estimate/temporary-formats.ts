import { VramCalcError } from "../errors.ts";
import type { Format } from "../formats/block.ts";

const F: Record<string, Format> = Object.fromEntries(
  Object.entries({ fp32: 4, fp16: 2, bf16: 2, fp8: 1 }).map(([id, bytes]) => [
    id,
    { id, parts: [{ elements: 1, bytes }] },
  ]),
);
export function formatByName(name: string): Format {
  const f = F[name];
  if (f === undefined) throw new VramCalcError("unknown-name", { kind: "format", name, nearest: [] });
  return f;
}
export function kvFormatByName(name: string) {
  const f = formatByName(name);
  const each = (dim: number) => dim * f.parts[0]!.bytes;
  return { id: f.id, keyBytesPerVector: each, valueBytesPerVector: each };
}
