/** Engines one by one, for `estimatorOf`. */
export { serveOnLlamaCpp as llamaCpp } from "./llama-cpp/serve.ts";
export { serveOnSglang as sglang } from "./sglang/serve.ts";
export { serveOnTransformers as transformers } from "./transformers/serve.ts";
export { serveOnVllm as vllm } from "./vllm/serve.ts";
