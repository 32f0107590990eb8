/** Models small enough that one part of the step outweighs the rest. */
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";

/** Two layers of 256 channels under a head of any size. */
export const smallLlama = (vocab_size: number): Architecture =>
  readArchitecture(
    {
      model_type: "llama",
      hidden_size: 256,
      intermediate_size: 704,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      vocab_size,
      tie_word_embeddings: false,
    },
    "config.json",
  );
