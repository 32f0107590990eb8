/**
 * Estimates per second in one process, for models of 10, 80 and 10,000 layers.
 *
 *     npm run bench:throughput
 */
import { readArchitecture } from "../../src/architecture/registry.ts";
import { estimate } from "../../src/estimate/estimate.ts";

const modelOf = (layers: number) =>
  readArchitecture(
    {
      model_type: "llama",
      hidden_size: 8192,
      num_hidden_layers: layers,
      vocab_size: 128256,
      num_attention_heads: 64,
      num_key_value_heads: 8,
      intermediate_size: 28672,
      max_position_embeddings: 131072,
      torch_dtype: "bfloat16",
    },
    "bench",
  );

function perSecond(layers: number): number {
  const model = modelOf(layers);
  let best = 0;
  for (let round = 0; round < 7; round++) {
    const count = 100_000;
    let sum = 0;
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++)
      sum += estimate(model, { dtype: "bf16", contextTokens: 1024 + (i & 8191), batch: 1 + (i & 7) }).total
        .bytes;
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    if (sum > 0) best = Math.max(best, count / seconds);
  }
  return best;
}

for (const layers of [10, 80, 10_000])
  console.log(
    `estimate() of ${layers} layers: ${Math.round(perSecond(layers)).toLocaleString("en")} per second`,
  );
