/**
 * Words that people use for many formats at once, and formats they may mean: the ones that most models are
 * published or loaded in.
 */

const BY_BITS: { readonly [bits: string]: readonly string[] } = {
  1: ["iq1_m", "tq1_0"],
  2: ["q2_k", "iq2_xs", "hqq-2bit-g64"],
  3: ["q3_k_m", "gptq-3bit-g128", "exl2-3bpw"],
  4: ["nf4", "awq", "q4_k_m"],
  5: ["q5_k_m", "exl2-5bpw"],
  6: ["q6_k", "exl2-6bpw"],
  8: ["fp8", "int8", "q8_0"],
};

const BY_TOOL: { readonly [tool: string]: readonly string[] } = {
  gguf: ["q4_k_m", "q6_k", "q8_0"],
  bnb: ["nf4", "nf4-dq", "bnb-int8"],
  bitsandbytes: ["nf4", "nf4-dq", "bnb-int8"],
  qlora: ["nf4-dq", "nf4"],
  exl2: ["exl2-4bpw", "exl2-6bpw"],
  exl3: ["exl3-4bpw", "exl3-6bpw"],
  mlx: ["mlx-4bit-g64", "mlx-8bit-g64"],
  marlin: ["gptq", "awq"],
};

/**
 * Formats that such a word may mean; none for any other word.
 *
 * @example formatsMeantBy("load_in_4bit") // ["nf4", "awq", "q4_k_m"]
 */
export function formatsMeantBy(word: string): readonly string[] {
  const plain = word.toLowerCase().replace(/[\s_-]/g, "");
  const bits = /^(?:loadin)?(?:[qwif]|int|fp)?([1-8])(?:\.58)?(?:bits?)?$/.exec(plain)?.[1];
  if (bits !== undefined) return BY_BITS[bits] ?? [];
  return Object.hasOwn(BY_TOOL, plain) ? BY_TOOL[plain]! : [];
}
