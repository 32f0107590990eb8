/**
 * What llama.cpp calls a file type: a recipe that starts from one tensor type. `enum llama_ftype` and
 * `llama_ftype_get_default_type`, llama.cpp 007dbbf (August 2026). UD- names are their uploader's own and
 * have no recipe.
 */
export interface FileType {
  /** Lower case, as typed: "q4_k_m". */
  readonly name: string;
  /** `general.file_type` of such files. */
  readonly id: number;
  /** Storage format that most matrices get. */
  readonly base: string;
  /** llama-quantize refuses it without an importance matrix. */
  readonly needsImatrix?: true;
}

const ROWS: readonly (readonly [name: string, id: number, base: string, needsImatrix?: true])[] = [
  ["q4_0", 2, "q4_0"],
  ["q4_1", 3, "q4_1"],
  ["q8_0", 7, "q8_0"],
  ["q5_0", 8, "q5_0"],
  ["q5_1", 9, "q5_1"],
  ["q2_k", 10, "q2_k"],
  ["q3_k_s", 11, "q3_k"],
  ["q3_k_m", 12, "q3_k"],
  ["q3_k_l", 13, "q3_k"],
  ["q4_k_s", 14, "q4_k"],
  ["q4_k_m", 15, "q4_k"],
  ["q5_k_s", 16, "q5_k"],
  ["q5_k_m", 17, "q5_k"],
  ["q6_k", 18, "q6_k"],
  ["iq2_xxs", 19, "iq2_xxs", true],
  ["iq2_xs", 20, "iq2_xs", true],
  ["q2_k_s", 21, "q2_k", true],
  ["iq3_xs", 22, "iq3_s", true],
  ["iq3_xxs", 23, "iq3_xxs", true],
  ["iq1_s", 24, "iq1_s", true],
  ["iq4_nl", 25, "iq4_nl"],
  ["iq3_s", 26, "iq3_s"],
  ["iq3_m", 27, "iq3_s"],
  ["iq2_s", 28, "iq2_xs", true],
  ["iq2_m", 29, "iq2_s", true],
  ["iq4_xs", 30, "iq4_xs"],
  ["iq1_m", 31, "iq1_m", true],
  ["tq1_0", 36, "tq1_0"],
  ["tq2_0", 37, "tq2_0"],
  ["mxfp4_moe", 38, "mxfp4"],
  ["q1_0", 40, "q1_0"],
  ["q2_0", 41, "q2_0"],
  ["gguf_nvfp4", 39, "ggml_nvfp4"],
  ["gguf_f32", 0, "fp32"],
  ["gguf_f16", 1, "fp16"],
  ["gguf_bf16", 32, "bf16"],
];

/** Every file type by its name. */
export const FILE_TYPES: ReadonlyMap<string, FileType> = new Map(
  ROWS.map(([name, id, base, needsImatrix]) => [
    name,
    { name, id, base, ...(needsImatrix === undefined ? {} : { needsImatrix }) },
  ]),
);

/** Short names that llama-quantize also takes. */
const ALIASES: { readonly [name: string]: string } = {
  q3_k: "q3_k_m",
  q4_k: "q4_k_m",
  q5_k: "q5_k_m",
  ggml_nvfp4: "gguf_nvfp4",
};

/** Names without separators: "q4km". */
const squeezed = (name: string): string => name.replaceAll("_", "");
const BY_SQUEEZED: ReadonlyMap<string, FileType> = new Map(
  [...FILE_TYPES.values()].map((type) => [squeezed(type.name), type]),
);

/** The file type that a name stands for: case, separators and a leading "gguf" do not count. */
export function findFileType(name: string): FileType | undefined {
  const key = name.toLowerCase().replaceAll("-", "_");
  const bare = key.replace(/^gguf_/, "");
  const at = (text: string): FileType | undefined =>
    FILE_TYPES.get(Object.hasOwn(ALIASES, text) ? ALIASES[text]! : text);
  return at(key) ?? at(bare) ?? BY_SQUEEZED.get(squeezed(key));
}
