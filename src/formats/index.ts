/** Number formats as the library exports them: `import { formats } from "vram-calc"`. */
export { bitsPerValue, type Format, type Part, sizeOf } from "./block.ts";
export { decode, encode, neighbours, numberFormat, roundTo } from "./codec.ts";
export { describeAllFormats, describeFormat, type FormatDescription } from "./describe-format.ts";
export { type EncodedValue, encodeValue } from "./encode-value.ts";
export { formatByName } from "./format-names.ts";
export { KV_FORMATS, type KvFormat, kvFormatByName } from "./kv-formats.ts";
export type { Overflow } from "./overflow.ts";
export { STORAGE_FORMATS } from "./storage-formats.ts";
