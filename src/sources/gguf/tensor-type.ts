import { GGML_TYPES, type GgmlType } from "../../formats/ggml-types.ts";

const BY_ID: ReadonlyMap<number, GgmlType> = new Map(GGML_TYPES.map((type) => [type.id, type]));

/** Ids whose size is gone or in dispute. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [4, "Q4_2, which GGML removed in 2023"],
  [5, "Q4_3, which GGML removed in 2023"],
  // 36 bytes in ggml-common.h, 40 in gguf-py 0.19. Q8_K is as rare in files, but all agree on its size.
  [9, "Q8_1, which exists only while computing"],
  [31, "Q4_0_4_4, which GGML removed in favour of repacking Q4_0 at load"],
  [32, "Q4_0_4_8, which GGML removed in favour of repacking Q4_0 at load"],
  [33, "Q4_0_8_8, which GGML removed in favour of repacking Q4_0 at load"],
  [36, "IQ4_NL_4_4, which GGML removed in favour of repacking IQ4_NL at load"],
  [37, "IQ4_NL_4_8, which GGML removed in favour of repacking IQ4_NL at load"],
  [38, "IQ4_NL_8_8, which GGML removed in favour of repacking IQ4_NL at load"],
]);

/** The type with this id, or what to say of an id that a file must not carry: forks reuse the free ones. */
export function tensorTypeOf(id: number): GgmlType | string {
  const refused = REFUSED.get(id);
  if (refused !== undefined) return `tensor type ${id} (${refused})`;
  return BY_ID.get(id) ?? `tensor type ${id}`;
}
