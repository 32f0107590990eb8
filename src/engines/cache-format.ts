import type { KvFormat } from "../formats/kv-formats.ts";

/** What one cached key or value vector takes, scales and rounding included. Any `KvFormat` is one. */
export type CacheFormat = Pick<KvFormat, "id" | "keyBytesPerVector" | "valueBytesPerVector">;
