/**
 * Well-known models as plain facts, so that their names work offline: the keys of each published config.json that
 * decide a size, and nothing else. The repository is the source of each line.
 *
 *     name repository model_type key=value ...       h, l, a, kv, d, f, v, p, w, tie, t stand for the keys in catalogue-entry.ts
 *     name repository =other key=value ...           the shapes of another line
 *
 * A key that a published file sets to null is null here where the class has a default of its own: without `w=null` a
 * Mistral model slides over the 4,096 tokens of its class.
 *
 * Lines of text, because a program that starts reads one or none of them.
 */
export const CATALOGUE_LINES = `
gemma-2b google/gemma-2b gemma h=2048 l=18 v=256000 a=8 kv=1 d=256 f=16384 p=8192 t=bfloat16 hidden_act=gelu
gemma-7b google/gemma-7b gemma h=3072 l=28 v=256000 a=16 kv=16 d=256 f=24576 p=8192 t=bfloat16 hidden_act=gelu
gemma-2-2b google/gemma-2-2b-it gemma2 h=2304 l=26 v=256000 a=8 kv=4 d=256 f=9216 p=8192 w=4096 t=bfloat16 attn_logit_softcapping=50 final_logit_softcapping=30
gemma-2-27b google/gemma-2-27b-it gemma2 h=4608 l=46 v=256000 a=32 kv=16 d=128 f=36864 p=8192 w=4096 t=bfloat16 attn_logit_softcapping=50 final_logit_softcapping=30
gemma-2-9b google/gemma-2-9b-it gemma2 h=3584 l=42 v=256000 a=16 kv=8 d=256 f=14336 p=8192 w=4096 t=bfloat16 attn_logit_softcapping=50 final_logit_softcapping=30
gemma-3-1b google/gemma-3-1b-it gemma3_text h=1152 l=26 v=262144 a=4 kv=1 d=256 f=6912 p=32768 w=512 sliding_window_pattern=6 t=bfloat16
gemma-3-270m google/gemma-3-270m-it gemma3_text h=640 l=18 v=262144 a=4 kv=1 d=256 f=2048 p=32768 w=512 sliding_window_pattern=6 t=bfloat16
embeddinggemma-300m google/embeddinggemma-300m gemma3_text architectures=["Gemma3TextModel"] h=768 l=24 v=262144 a=3 kv=1 d=256 f=1152 p=2048 w=512 sliding_window_pattern=6 use_bidirectional_attention=true t=float32
gpt2-medium openai-community/gpt2-medium gpt2 v=50257 n_embd=1024 n_layer=24 n_head=16 n_positions=1024 t=float32
gpt2 openai-community/gpt2 gpt2 n_embd=768 n_layer=12 n_head=12 n_positions=1024 v=50257 t=float32
gpt2-xl openai-community/gpt2-xl gpt2 n_embd=1600 n_layer=48 n_head=25 n_positions=1024 v=50257 t=float32
llama-2-7b meta-llama/Llama-2-7b-hf llama h=4096 l=32 v=32000 a=32 kv=32 f=11008 tie=false p=4096 t=float16
llama-2-13b meta-llama/Llama-2-13b-hf llama h=5120 l=40 v=32000 a=40 kv=40 f=13824 tie=false p=4096 t=float16
llama-2-70b meta-llama/Llama-2-70b-hf llama h=8192 l=80 v=32000 a=64 kv=8 f=28672 tie=false p=4096 t=float16
codellama-7b codellama/CodeLlama-7b-hf llama h=4096 l=32 v=32016 a=32 kv=32 f=11008 tie=false p=16384 t=bfloat16
llama-3-8b meta-llama/Meta-Llama-3-8B llama h=4096 l=32 v=128256 a=32 kv=8 f=14336 tie=false p=8192 t=bfloat16
llama-3-70b meta-llama/Meta-Llama-3-70B-Instruct llama h=8192 l=80 v=128256 a=64 kv=8 f=28672 tie=false p=8192 t=bfloat16
llama-3.2-1b meta-llama/Llama-3.2-1B llama h=2048 l=16 v=128256 a=32 kv=8 d=64 f=8192 tie=true p=131072 t=bfloat16
llama-3.2-3b meta-llama/Llama-3.2-3B llama h=3072 l=28 v=128256 a=24 kv=8 d=128 f=8192 tie=true p=131072 t=bfloat16
llama-3.1-405b meta-llama/Llama-3.1-405B llama h=16384 l=126 v=128256 a=128 kv=8 f=53248 tie=false p=131072 t=bfloat16
tinyllama-1.1b TinyLlama/TinyLlama-1.1B-Chat-v1.0 llama h=2048 l=22 v=32000 a=32 kv=4 f=5632 tie=false p=2048 t=bfloat16
yi-34b 01-ai/Yi-34B llama h=7168 l=60 v=64000 a=56 kv=8 f=20480 tie=false p=4096 t=bfloat16
smollm2-135m HuggingFaceTB/SmolLM2-135M llama h=576 l=30 v=49152 a=9 kv=3 f=1536 tie=true p=8192 t=bfloat16
smollm2-1.7b HuggingFaceTB/SmolLM2-1.7B llama h=2048 l=24 v=49152 a=32 kv=32 f=8192 tie=true p=8192 t=bfloat16
smollm3-3b HuggingFaceTB/SmolLM3-3B smollm3 h=2048 l=36 v=128256 a=16 kv=4 f=11008 tie=true p=65536 t=bfloat16
codellama-34b codellama/CodeLlama-34b-hf llama h=8192 l=48 v=32000 a=64 kv=8 f=22016 tie=false p=16384 t=bfloat16
mistral-7b mistralai/Mistral-7B-Instruct-v0.3 mistral h=4096 l=32 v=32768 a=32 kv=8 f=14336 tie=false p=32768 t=bfloat16 w=null
mistral-nemo-12b mistralai/Mistral-Nemo-Instruct-2407 mistral h=5120 l=40 v=131072 a=32 kv=8 d=128 f=14336 tie=false p=131072 t=bfloat16 w=null
mistral-small-24b mistralai/Mistral-Small-24B-Instruct-2501 mistral h=5120 l=40 v=131072 a=32 kv=8 d=128 f=32768 tie=false p=32768 t=bfloat16 w=null
mistral-small-3.2-24b mistralai/Mistral-Small-3.2-24B-Instruct-2506 mistral3 t=bfloat16 text_config.model_type=mistral text_config.h=5120 text_config.l=40 text_config.v=131072 text_config.a=32 text_config.kv=8 text_config.d=128 text_config.f=32768 text_config.p=131072 vision_config.model_type=pixtral vision_config.h=1024 vision_config.f=4096 vision_config.l=24 vision_config.a=16 vision_config.image_size=1540 vision_config.patch_size=14 text_config.w=null spatial_merge_size=2
codestral-22b mistralai/Codestral-22B-v0.1 mistral h=6144 l=56 v=32768 a=48 kv=8 d=128 f=16384 tie=false p=32768 t=bfloat16 w=null
mistral-large-123b mistralai/Mistral-Large-Instruct-2407 mistral h=12288 l=88 v=32768 a=96 kv=8 d=128 f=28672 tie=false p=131072 t=bfloat16 w=null
mistral-7b-v0.1 mistralai/Mistral-7B-v0.1 mistral h=4096 l=32 v=32000 a=32 kv=8 f=14336 tie=false p=32768 w=4096 t=bfloat16
mixtral-8x22b mistralai/Mixtral-8x22B-v0.1 mixtral h=6144 l=56 v=32000 a=48 kv=8 f=16384 tie=false p=65536 num_local_experts=8 num_experts_per_tok=2 t=bfloat16 w=null
mixtral-8x7b mistralai/Mixtral-8x7B-v0.1 mixtral h=4096 l=32 v=32000 a=32 kv=8 f=14336 tie=false p=32768 num_local_experts=8 num_experts_per_tok=2 t=bfloat16 w=null
phi-4 microsoft/phi-4 phi3 h=5120 l=40 v=100352 a=40 kv=10 f=17920 tie=false p=16384 t=bfloat16 w=null
phi-4-mini microsoft/Phi-4-mini-instruct phi3 h=3072 l=32 v=200064 a=24 kv=8 f=8192 tie=true p=131072 w=262144 t=bfloat16 partial_rotary_factor=0.75
phi-3-mini-4k microsoft/Phi-3-mini-4k-instruct phi3 h=3072 l=32 v=32064 a=32 kv=32 f=8192 tie=false p=4096 w=2047 t=bfloat16
phi-3.5-mini microsoft/Phi-3.5-mini-instruct phi3 h=3072 l=32 v=32064 a=32 kv=32 f=8192 tie=false p=131072 w=262144 t=bfloat16
qwen2-1.5b Qwen/Qwen2-1.5B qwen2 h=1536 l=28 v=151936 a=12 kv=2 f=8960 tie=true p=131072 t=bfloat16
qwen2-7b Qwen/Qwen2-7B qwen2 h=3584 l=28 v=152064 a=28 kv=4 f=18944 tie=false p=131072 t=bfloat16
qwen2-72b Qwen/Qwen2-72B qwen2 h=8192 l=80 v=152064 a=64 kv=8 f=29568 tie=false p=131072 t=bfloat16
qwen2.5-3b Qwen/Qwen2.5-3B qwen2 h=2048 l=36 v=151936 a=16 kv=2 f=11008 tie=true p=32768 t=bfloat16
qwen2.5-0.5b Qwen/Qwen2.5-0.5B qwen2 h=896 l=24 v=151936 a=14 kv=2 f=4864 tie=true p=32768 t=bfloat16
qwen2.5-14b Qwen/Qwen2.5-14B qwen2 h=5120 l=48 v=152064 a=40 kv=8 f=13824 tie=false p=131072 t=bfloat16
qwen2.5-32b Qwen/Qwen2.5-32B qwen2 h=5120 l=64 v=152064 a=40 kv=8 f=27648 tie=false p=131072 t=bfloat16
qwen3-4b Qwen/Qwen3-4B qwen3 h=2560 l=36 v=151936 a=32 kv=8 d=128 f=9728 tie=true p=40960 t=bfloat16
qwen3-32b Qwen/Qwen3-32B qwen3 h=5120 l=64 v=151936 a=64 kv=8 d=128 f=25600 tie=false p=40960 t=bfloat16
qwen3-0.6b Qwen/Qwen3-0.6B qwen3 h=1024 l=28 v=151936 a=16 kv=8 d=128 f=3072 tie=true p=40960 t=bfloat16
qwen3-1.7b Qwen/Qwen3-1.7B qwen3 h=2048 l=28 v=151936 a=16 kv=8 d=128 f=6144 tie=true p=40960 t=bfloat16
qwen3-8b Qwen/Qwen3-8B qwen3 h=4096 l=36 v=151936 a=32 kv=8 d=128 f=12288 tie=false p=40960 t=bfloat16
qwen3-14b Qwen/Qwen3-14B qwen3 h=5120 l=40 v=151936 a=40 kv=8 d=128 f=17408 tie=false p=40960 t=bfloat16
qwen3-30b-a3b Qwen/Qwen3-30B-A3B qwen3_moe h=2048 l=48 v=151936 a=32 kv=4 d=128 f=6144 tie=false p=40960 num_experts=128 num_experts_per_tok=8 moe_intermediate_size=768 decoder_sparse_step=1 t=bfloat16
qwen3-coder-480b-a35b Qwen/Qwen3-Coder-480B-A35B-Instruct qwen3_moe h=6144 l=62 v=151936 a=96 kv=8 d=128 f=8192 tie=false p=262144 num_experts=160 num_experts_per_tok=8 moe_intermediate_size=2560 decoder_sparse_step=1 t=bfloat16
qwen3-235b-a22b Qwen/Qwen3-235B-A22B qwen3_moe h=4096 l=94 v=151936 a=64 kv=4 d=128 f=12288 tie=false p=40960 num_experts=128 num_experts_per_tok=8 moe_intermediate_size=1536 t=bfloat16
deepseek-v3 deepseek-ai/DeepSeek-V3 deepseek_v3 torch_dtype=bfloat16 h=7168 f=18432 p=163840 a=128 l=61 num_nextn_predict_layers=1 v=129280 quantization_config.activation_scheme=dynamic quantization_config.fmt=e4m3 quantization_config.quant_method=fp8 quantization_config.weight_block_size=[128,128] rope_scaling.type=yarn rope_scaling.factor=40 rope_scaling.original_max_position_embeddings=4096
deepseek-v3.2 deepseek-ai/DeepSeek-V3.2 deepseek_v32 torch_dtype=bfloat16 h=7168 f=18432 p=163840 a=128 l=61 num_nextn_predict_layers=1 v=129280 quantization_config.activation_scheme=dynamic quantization_config.fmt=e4m3 quantization_config.quant_method=fp8 quantization_config.scale_fmt=ue8m0 quantization_config.weight_block_size=[128,128] rope_scaling.type=yarn rope_scaling.factor=40 rope_scaling.original_max_position_embeddings=4096
deepseek-v2-lite deepseek-ai/DeepSeek-V2-Lite deepseek_v2 torch_dtype=bfloat16 first_k_dense_replace=1 h=2048 f=10944 p=163840 moe_intermediate_size=1408 a=16 num_experts_per_tok=6 l=27 q_lora_rank=null v=102400 rope_scaling.type=yarn rope_scaling.factor=40 rope_scaling.original_max_position_embeddings=4096
deepseek-v4-flash deepseek-ai/DeepSeek-V4-Flash deepseek_v4 torch_dtype=bfloat16 h=4096 p=1048576 a=64 l=43 v=129280 compress_ratios=[0,0,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,128,4,0] quantization_config.activation_scheme=dynamic quantization_config.fmt=e4m3 quantization_config.quant_method=fp8 quantization_config.scale_fmt=ue8m0 quantization_config.weight_block_size=[128,128] expert_dtype=fp4 rope_scaling.type=yarn rope_scaling.factor=16 rope_scaling.original_max_position_embeddings=65536
gpt-oss-20b openai/gpt-oss-20b gpt_oss h=2880 f=2880 p=131072 a=64 l=24 num_local_experts=32 v=201088 quantization_config.modules_to_not_convert=["model.layers.*.self_attn","model.layers.*.mlp.router","model.embed_tokens","lm_head"] quantization_config.quant_method=mxfp4 rope_scaling.type=yarn rope_scaling.factor=32 rope_scaling.original_max_position_embeddings=4096
gpt-oss-120b openai/gpt-oss-120b gpt_oss h=2880 f=2880 p=131072 a=64 l=36 num_local_experts=128 v=201088 quantization_config.modules_to_not_convert=["model.layers.*.self_attn","model.layers.*.mlp.router","model.embed_tokens","lm_head"] quantization_config.quant_method=mxfp4 rope_scaling.type=yarn rope_scaling.factor=32 rope_scaling.original_max_position_embeddings=4096
glm-4.5 zai-org/GLM-4.5 glm4_moe torch_dtype=bfloat16 attention_bias=true d=128 h=5120 partial_rotary_factor=0.5 f=12288 p=131072 moe_intermediate_size=1536 a=96 n_routed_experts=160 first_k_dense_replace=3 l=92 num_nextn_predict_layers=1 use_qk_norm=true v=151552
glm-4.5-air zai-org/GLM-4.5-Air glm4_moe torch_dtype=bfloat16 attention_bias=true d=128 h=4096 partial_rotary_factor=0.5 f=10944 p=131072 moe_intermediate_size=1408 a=96 n_routed_experts=128 first_k_dense_replace=1 l=46 num_nextn_predict_layers=1 use_qk_norm=false v=151552
glm-5.2 zai-org/GLM-5.2 glm_moe_dsa t=bfloat16 h=6144 indexer_types=["full","full","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared"] f=12288 p=1048576 a=64 l=78 num_nextn_predict_layers=1 v=154880
kimi-k2 moonshotai/Kimi-K2-Instruct kimi_k2 torch_dtype=bfloat16 first_k_dense_replace=1 h=7168 f=18432 p=131072 n_routed_experts=384 a=64 l=61 v=163840 quantization_config.activation_scheme=dynamic quantization_config.fmt=e4m3 quantization_config.quant_method=fp8 quantization_config.weight_block_size=[128,128] rope_scaling.type=yarn rope_scaling.factor=32 rope_scaling.original_max_position_embeddings=4096
minimax-m2.7 MiniMaxAI/MiniMax-M2.7 minimax_m2 t=bfloat16 d=128 h=3072 f=1536 p=204800 a=48 l=62 rotary_dim=64 v=200064 quantization_config.activation_scheme=dynamic quantization_config.fmt=float8_e4m3fn quantization_config.quant_method=fp8 quantization_config.weight_block_size=[128,128] quantization_config.modules_to_not_convert=["gate","e_score_correction_bias","lm_head"]
gemma-3-4b google/gemma-3-4b-it gemma3 torch_dtype=bfloat16 text_config.model_type=gemma3_text text_config.h=2560 text_config.f=10240 text_config.l=34 text_config.rope_scaling.rope_type=linear text_config.rope_scaling.factor=8 text_config.w=1024 vision_config.model_type=siglip_vision_model vision_config.h=1152 vision_config.image_size=896 vision_config.f=4304 vision_config.a=16 vision_config.l=27 vision_config.patch_size=14 vision_config.vision_use_head=false mm_tokens_per_image=256
gemma-3-12b google/gemma-3-12b-it gemma3 torch_dtype=bfloat16 text_config.model_type=gemma3_text text_config.h=3840 text_config.f=15360 text_config.a=16 text_config.kv=8 text_config.d=256 text_config.l=48 text_config.rope_scaling.rope_type=linear text_config.rope_scaling.factor=8 text_config.w=1024 vision_config.model_type=siglip_vision_model vision_config.h=1152 vision_config.image_size=896 vision_config.f=4304 vision_config.a=16 vision_config.l=27 vision_config.patch_size=14 vision_config.vision_use_head=false mm_tokens_per_image=256
gemma-3-27b google/gemma-3-27b-it gemma3 torch_dtype=bfloat16 text_config.model_type=gemma3_text text_config.h=5376 text_config.f=21504 text_config.a=32 text_config.kv=16 text_config.d=128 text_config.l=62 text_config.rope_scaling.rope_type=linear text_config.rope_scaling.factor=8 text_config.w=1024 vision_config.model_type=siglip_vision_model vision_config.h=1152 vision_config.image_size=896 vision_config.f=4304 vision_config.a=16 vision_config.l=27 vision_config.patch_size=14 vision_config.vision_use_head=false mm_tokens_per_image=256
gemma-4-26b-a4b google/gemma-4-26B-A4B gemma4 t=bfloat16 text_config.t=bfloat16 text_config.model_type=gemma4_text text_config.attention_k_eq_v=true text_config.enable_moe_block=true text_config.final_logit_softcapping=30 text_config.h=2816 text_config.hidden_size_per_layer_input=0 text_config.f=2112 text_config.p=262144 text_config.moe_intermediate_size=704 text_config.a=16 text_config.num_experts=128 text_config.num_global_key_value_heads=2 text_config.l=30 text_config.kv=8 text_config.w=1024 text_config.top_k_experts=8 text_config.v=262144 vision_config.t=bfloat16 vision_config.model_type=gemma4_vision vision_config.d=72 vision_config.h=1152 vision_config.f=4304 vision_config.a=16 vision_config.l=27 vision_config.kv=16 vision_config.standardize=true text_config.rope_parameters.full_attention.partial_rotary_factor=0.25 text_config.rope_parameters.sliding_attention.rope_type=default vision_config.patch_size=16 vision_config.pooling_kernel_size=3 vision_soft_tokens_per_image=280
gemma-4-31b google/gemma-4-31B-it =gemma-4-26b-a4b text_config.enable_moe_block=false text_config.num_experts=null text_config.top_k_experts=null text_config.moe_intermediate_size=null text_config.h=5376 text_config.f=21504 text_config.a=32 text_config.l=60 text_config.kv=16 text_config.num_global_key_value_heads=4
gemma-4-e2b google/gemma-4-E2B-it gemma4 t=bfloat16 tie=true text_config.model_type=gemma4_text text_config.h=1536 text_config.f=6144 text_config.l=35 text_config.a=8 text_config.kv=1 text_config.d=256 text_config.global_head_dim=512 text_config.hidden_size_per_layer_input=256 text_config.num_kv_shared_layers=20 text_config.v=262144 text_config.vocab_size_per_layer_input=262144 text_config.p=131072 text_config.w=512 text_config.layer_types=["sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention"] text_config.use_double_wide_mlp=true text_config.final_logit_softcapping=30 text_config.rope_parameters.full_attention.partial_rotary_factor=0.25 text_config.rope_parameters.sliding_attention.rope_type=default vision_config.model_type=gemma4_vision vision_config.h=768 vision_config.f=3072 vision_config.l=16 vision_config.a=12 vision_config.kv=12 vision_config.d=64 vision_config.patch_size=16 vision_config.pooling_kernel_size=3 vision_config.position_embedding_size=10240 vision_config.use_clipped_linears=true vision_config.standardize=false vision_soft_tokens_per_image=280 audio_config.model_type=gemma4_audio audio_config.h=1024 audio_config.l=12 audio_config.a=8 audio_config.conv_kernel_size=5 audio_config.subsampling_conv_channels=[128,32] audio_config.output_proj_dims=1536 audio_config.use_clipped_linears=true
gemma-4-e4b google/gemma-4-E4B-it =gemma-4-e2b text_config.h=2560 text_config.f=10240 text_config.l=42 text_config.kv=2 text_config.num_kv_shared_layers=18 text_config.layer_types=["sliding_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","sliding_attention","full_attention"] text_config.use_double_wide_mlp=false
gemma-4-12b google/gemma-4-12B-it gemma4_unified t=bfloat16 tie=true text_config.model_type=gemma4_unified_text text_config.h=3840 text_config.f=15360 text_config.l=48 text_config.a=16 text_config.kv=8 text_config.d=256 text_config.global_head_dim=512 text_config.num_global_key_value_heads=1 text_config.attention_k_eq_v=true text_config.num_kv_shared_layers=0 text_config.hidden_size_per_layer_input=0 text_config.v=262144 text_config.p=262144 text_config.w=1024 text_config.final_logit_softcapping=30 text_config.rope_parameters.full_attention.partial_rotary_factor=0.25 text_config.rope_parameters.sliding_attention.rope_type=default vision_config.model_type=gemma4_unified_vision vision_config.mm_embed_dim=3840 vision_config.mm_posemb_size=1120 vision_config.num_soft_tokens=280 vision_config.output_proj_dims=3840 vision_config.patch_size=16 vision_config.pooling_kernel_size=3 audio_config.model_type=gemma4_unified_audio audio_config.audio_embed_dim=640 audio_config.h=640
llama-4-scout meta-llama/Llama-4-Scout-17B-16E-Instruct llama4 torch_dtype=bfloat16 text_config.model_type=llama4_text text_config.torch_dtype=bfloat16 text_config.h=5120 text_config.f=8192 text_config.p=10485760 text_config.a=40 text_config.l=48 text_config.v=202048 vision_config.model_type=llama4_vision_model vision_config.torch_dtype=bfloat16 vision_config.h=1408 vision_config.image_size=336 vision_config.vision_output_dim=4096 vision_config.patch_size=14 vision_config.pixel_shuffle_ratio=0.5
llama-4-maverick meta-llama/Llama-4-Maverick-17B-128E-Instruct llama4 torch_dtype=bfloat16 text_config.model_type=llama4_text text_config.torch_dtype=bfloat16 text_config.h=5120 text_config.f=8192 text_config.interleave_moe_layer_step=2 text_config.p=1048576 text_config.num_local_experts=128 text_config.use_qk_norm=false text_config.a=40 text_config.l=48 text_config.v=202048 vision_config.model_type=llama4_vision_model vision_config.torch_dtype=bfloat16 vision_config.h=1408 vision_config.image_size=336 vision_config.vision_output_dim=4096 vision_config.patch_size=14 vision_config.pixel_shuffle_ratio=0.5
llama-3.2-11b-vision meta-llama/Llama-3.2-11B-Vision-Instruct mllama torch_dtype=bfloat16 text_config.model_type=mllama_text_model text_config.torch_dtype=bfloat16 text_config.h=4096 text_config.f=14336 text_config.p=131072 text_config.a=32 text_config.l=40 text_config.v=128256 vision_config.model_type=mllama_vision_model vision_config.torch_dtype=bfloat16 vision_config.image_size=560 vision_config.patch_size=14
qwen3-next-80b-a3b Qwen/Qwen3-Next-80B-A3B-Thinking qwen3_next torch_dtype=bfloat16 h=2048 p=262144 a=16 l=48 partial_rotary_factor=0.25 v=151936
qwen3.5-27b Qwen/Qwen3.5-27B qwen3_5 text_config.t=bfloat16 text_config.model_type=qwen3_5_text text_config.h=5120 text_config.f=17408 text_config.linear_num_value_heads=48 text_config.p=262144 text_config.mtp_num_hidden_layers=1 text_config.a=24 text_config.l=64 text_config.v=248320 text_config.mamba_ssm_dtype=float32 text_config.rope_parameters.partial_rotary_factor=0.25 vision_config.model_type=qwen3_5 vision_config.out_hidden_size=5120 text_config.rope_parameters.mrope_section=[11,11,10] vision_config.patch_size=16 vision_config.spatial_merge_size=2 vision_config.temporal_patch_size=2
qwen3.5-35b-a3b Qwen/Qwen3.5-35B-A3B qwen3_5_moe text_config.t=bfloat16 text_config.model_type=qwen3_5_moe_text text_config.h=2048 text_config.p=262144 text_config.mtp_num_hidden_layers=1 text_config.a=16 text_config.l=40 text_config.v=248320 text_config.mamba_ssm_dtype=float32 text_config.rope_parameters.partial_rotary_factor=0.25 vision_config.model_type=qwen3_5_moe vision_config.out_hidden_size=2048 text_config.rope_parameters.mrope_section=[11,11,10] vision_config.patch_size=16 vision_config.spatial_merge_size=2 vision_config.temporal_patch_size=2
qwen3.5-2b Qwen/Qwen3.5-2B =qwen3.5-27b text_config.h=2048 text_config.f=6144 text_config.l=24 text_config.a=8 text_config.kv=2 text_config.linear_num_value_heads=16 text_config.tie=true tie=true vision_config.depth=24 vision_config.h=1024 vision_config.f=4096 vision_config.num_heads=16 vision_config.out_hidden_size=2048
qwen3.5-4b Qwen/Qwen3.5-4B =qwen3.5-2b text_config.h=2560 text_config.f=9216 text_config.l=32 text_config.a=16 text_config.kv=4 text_config.linear_num_value_heads=32 vision_config.out_hidden_size=2560
qwen3.5-9b Qwen/Qwen3.5-9B =qwen3.5-27b text_config.h=4096 text_config.f=12288 text_config.l=32 text_config.a=16 text_config.kv=4 text_config.linear_num_value_heads=32 vision_config.out_hidden_size=4096
qwen3.6-27b Qwen/Qwen3.6-27B =qwen3.5-27b
qwen3.8-27b Qwen/Qwen3.8-27B =qwen3.5-27b
qwen2.5-vl-3b Qwen/Qwen2.5-VL-3B-Instruct qwen2_5_vl torch_dtype=bfloat16 h=2048 f=11008 p=128000 a=16 l=36 kv=2 tie=true vision_config.h=1280 vision_config.out_hidden_size=2048 v=151936 rope_scaling.type=mrope rope_scaling.mrope_section=[16,24,24] vision_config.patch_size=14 vision_config.spatial_merge_size=2 vision_config.temporal_patch_size=2
qwen2.5-vl-7b Qwen/Qwen2.5-VL-7B-Instruct qwen2_5_vl torch_dtype=bfloat16 h=3584 f=18944 p=128000 a=28 l=28 kv=4 tie=false vision_config.h=1280 vision_config.out_hidden_size=3584 v=152064 rope_scaling.type=mrope rope_scaling.mrope_section=[16,24,24] vision_config.patch_size=14 vision_config.spatial_merge_size=2 vision_config.temporal_patch_size=2
qwen3-vl-32b Qwen/Qwen3-VL-32B-Instruct qwen3_vl text_config.t=bfloat16 text_config.model_type=qwen3_vl_text text_config.h=5120 text_config.f=25600 text_config.p=262144 text_config.a=64 text_config.l=64 text_config.kv=8 vision_config.model_type=qwen3_vl vision_config.out_hidden_size=5120 vision_config.patch_size=16 vision_config.spatial_merge_size=2 vision_config.temporal_patch_size=2 text_config.rope_scaling.rope_type=default text_config.rope_scaling.mrope_section=[24,20,20]
nemotron-3-nano-30b-a3b nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 nemotron_h torch_dtype=bfloat16 h=2688 hybrid_override_pattern=MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME mamba_num_heads=64 mamba_ssm_cache_dtype=float32 p=262144 moe_intermediate_size=1856 moe_shared_expert_intermediate_size=3712 n_routed_experts=128 a=32 num_experts_per_tok=6 kv=2 partial_rotary_factor=1 v=131072
nemotron-nano-9b-v2 nvidia/NVIDIA-Nemotron-Nano-9B-v2 nemotron_h t=bfloat16 h=4480 f=15680 l=56 hybrid_override_pattern=M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M- a=40 kv=8 d=128 mamba_num_heads=128 mamba_head_dim=80 n_groups=8 ssm_state_size=128 conv_kernel=4 v=131072 p=131072 tie=false
exaone-4.0-32b LGAI-EXAONE/EXAONE-4.0-32B exaone4 torch_dtype=bfloat16 h=5120 f=27392 p=131072 a=40 l=64 kv=8 v=102400
olmo-2-7b allenai/OLMo-2-1124-7B olmo2 torch_dtype=float32 h=4096 f=11008 p=4096 a=32 l=32 v=100352
olmo-2-13b allenai/OLMo-2-1124-13B olmo2 torch_dtype=float32 h=5120 f=13824 p=4096 a=40 l=40 v=100352
olmo-3-7b allenai/Olmo-3-7B-Instruct olmo3 h=4096 l=32 v=100278 a=32 kv=32 f=11008 w=4096 p=65536 t=bfloat16 rope_scaling.type=yarn rope_scaling.factor=8 rope_scaling.original_max_position_embeddings=8192
olmo-3-32b allenai/Olmo-3-32B-Think olmo3 h=5120 l=64 v=100278 a=40 kv=8 f=27648 w=4096 p=65536 t=bfloat16 rope_scaling.type=yarn rope_scaling.factor=8 rope_scaling.original_max_position_embeddings=8192
starcoder2-7b bigcode/starcoder2-7b starcoder2 torch_dtype=bfloat16 attention_dropout=0.1 residual_dropout=0.1 embedding_dropout=0.1 h=4608 f=18432 p=16384 a=36 l=32 kv=4 w=4096 v=49152
falcon-40b tiiuae/falcon-40b falcon torch_dtype=bfloat16 h=8192 new_decoder_architecture=true a=128 l=60 num_kv_heads=8 v=65024
phi-2 microsoft/phi-2 phi torch_dtype=float16 h=2560 f=10240 p=2048 a=32 l=32 partial_rotary_factor=0.4 resid_pdrop=0.1 v=51200
command-r CohereForAI/c4ai-command-r-v01 cohere torch_dtype=float16 h=8192 f=22528 p=8192 a=64 l=40 v=256000 model_max_length=131072
stablelm-3b stabilityai/stablelm-3b-4e1t stablelm torch_dtype=bfloat16 h=2560 f=6912 p=4096 a=32 l=32 partial_rotary_factor=0.25 v=50304
mpt-7b mosaicml/mpt-7b mpt torch_dtype=bfloat16 d_model=4096 max_seq_len=2048 n_heads=32 n_layers=32 v=50432
ministral-3-3b mistralai/Ministral-3-3B-Instruct-2512 ministral3 t=bfloat16 architectures=["Mistral3ForConditionalGeneration"] text_config.model_type=ministral3 text_config.h=3072 text_config.f=9216 text_config.p=262144 text_config.a=32 text_config.l=26 text_config.tie=true text_config.v=131072 vision_config.model_type=pixtral vision_config.hidden_act=silu vision_config.patch_size=14 spatial_merge_size=2 text_config.w=null text_config.rope_parameters.rope_type=yarn text_config.rope_parameters.factor=16 text_config.rope_parameters.original_max_position_embeddings=16384 vision_config.image_size=1540
ministral-3-8b mistralai/Ministral-3-8B-Instruct-2512-BF16 =ministral-3-3b text_config.h=4096 text_config.f=14336 text_config.l=34 text_config.tie=false
minicpm3-4b openbmb/MiniCPM3-4B - torch_dtype=bfloat16 architectures=["MiniCPM3ForCausalLM"] h=2560 l=62 f=6400 p=32768 a=40 v=73448
qwen1.5-moe-a2.7b Qwen/Qwen1.5-MoE-A2.7B-Chat qwen2_moe torch_dtype=bfloat16 h=2048 p=32768 a=16 l=24 v=151936
bge-m3 BAAI/bge-m3 xlm-roberta t=float32 h=1024 f=4096 p=8194 a=16 l=24 type_vocab_size=1 v=250002
all-minilm-l6-v2 sentence-transformers/all-MiniLM-L6-v2 bert h=384 f=1536 p=512 a=12 l=6 v=30522 t=float32
flan-t5-base google/flan-t5-base t5 torch_dtype=float32 d_ff=2048 d_model=768 feed_forward_proj=gated-gelu num_heads=12 num_layers=12 tie=false v=32128
granite-4-8b ibm-granite/granite-4-8b-dense granite h=4096 f=12800 p=131072 a=32 l=40 kv=8 tie=true v=100352
phi-3-medium-14b microsoft/Phi-3-medium-4k-instruct phi3 h=5120 l=40 a=40 kv=10 f=17920 v=32064 w=2047 tie=false p=4096 t=bfloat16
qwen3-vl-8b Qwen/Qwen3-VL-8B-Instruct qwen3_vl architectures=["Qwen3VLForConditionalGeneration"] text_config.model_type=qwen3_vl_text text_config.h=4096 text_config.l=36 text_config.a=32 text_config.kv=8 text_config.d=128 text_config.f=12288 text_config.v=151936 text_config.p=262144 vision_config.model_type=qwen3_vl vision_config.depth=27 vision_config.h=1152 vision_config.f=4304 vision_config.num_heads=16 vision_config.in_channels=3 vision_config.out_hidden_size=4096 vision_config.patch_size=16 vision_config.spatial_merge_size=2 vision_config.temporal_patch_size=2 vision_config.num_position_embeddings=2304 vision_config.deepstack_visual_indexes=[8,16,24] tie=false t=bfloat16 text_config.rope_scaling.rope_type=default text_config.rope_scaling.mrope_section=[24,20,20]
command-r-plus CohereForAI/c4ai-command-r-plus cohere h=12288 l=64 a=96 kv=8 f=33792 v=256000 use_qk_norm=true p=8192 t=float16 model_max_length=131072
falcon-7b tiiuae/falcon-7b falcon h=4544 l=32 a=71 multi_query=true new_decoder_architecture=false parallel_attn=true bias=false alibi=false v=65024 t=bfloat16
bge-large-en BAAI/bge-large-en-v1.5 bert architectures=["BertModel"] h=1024 l=24 a=16 f=4096 v=30522 type_vocab_size=2 p=512 t=float32
whisper-large-v3 openai/whisper-large-v3 whisper architectures=["WhisperForConditionalGeneration"] d_model=1280 encoder_layers=32 decoder_layers=32 encoder_attention_heads=20 decoder_attention_heads=20 encoder_ffn_dim=5120 decoder_ffn_dim=5120 v=51866 num_mel_bins=128 max_source_positions=1500 max_target_positions=448 t=float16
granite-3.1-8b ibm-granite/granite-3.1-8b-instruct granite h=4096 l=40 a=32 kv=8 f=12800 v=49155 tie=true p=131072 t=bfloat16
ernie-4.5-21b-a3b baidu/ERNIE-4.5-21B-A3B-PT ernie4_5_moe h=2560 l=28 a=20 kv=4 d=128 f=12288 moe_intermediate_size=1536 moe_num_experts=64 moe_k=6 moe_num_shared_experts=2 moe_layer_start_index=1 moe_layer_end_index=27 moe_layer_interval=1 v=103424 tie=true use_bias=false p=131072 t=bfloat16
llama-3.1-8b meta-llama/Llama-3.1-8B =llama-3-8b p=131072
llama-3.1-70b meta-llama/Llama-3.1-70B =llama-3-70b p=131072
llama-3.3-70b meta-llama/Llama-3.3-70B-Instruct =llama-3-70b p=131072
deepseek-r1-distill-llama-8b deepseek-ai/DeepSeek-R1-Distill-Llama-8B =llama-3-8b p=131072
deepseek-r1-distill-llama-70b deepseek-ai/DeepSeek-R1-Distill-Llama-70B =llama-3-70b p=131072
devstral-small mistralai/Devstral-Small-2507 =mistral-small-24b p=131072
magistral-small mistralai/Magistral-Small-2506 =mistral-small-24b p=40960
phi-4-reasoning microsoft/Phi-4-reasoning =phi-4 p=32768
qwen2.5-1.5b Qwen/Qwen2.5-1.5B =qwen2-1.5b
qwen2.5-7b Qwen/Qwen2.5-7B =qwen2-7b
qwen2.5-coder-7b Qwen/Qwen2.5-Coder-7B-Instruct =qwen2-7b p=32768
deepseek-r1-distill-qwen-7b deepseek-ai/DeepSeek-R1-Distill-Qwen-7B =qwen2-7b
deepseek-r1-distill-qwen-1.5b deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B =qwen2-1.5b tie=false
qwen2.5-72b Qwen/Qwen2.5-72B =qwen2-72b
deepseek-r1-distill-qwen-14b deepseek-ai/DeepSeek-R1-Distill-Qwen-14B =qwen2.5-14b
qwq-32b Qwen/QwQ-32B =qwen2.5-32b p=40960
qwen2.5-coder-32b Qwen/Qwen2.5-Coder-32B-Instruct =qwen2.5-32b p=32768
deepseek-r1-distill-qwen-32b deepseek-ai/DeepSeek-R1-Distill-Qwen-32B =qwen2.5-32b
qwen3-4b-2507 Qwen/Qwen3-4B-Instruct-2507 =qwen3-4b p=262144
qwen3-coder-30b-a3b Qwen/Qwen3-Coder-30B-A3B-Instruct =qwen3-30b-a3b p=262144
qwen3-30b-a3b-2507 Qwen/Qwen3-30B-A3B-Instruct-2507 =qwen3-30b-a3b p=262144
deepseek-r1 deepseek-ai/DeepSeek-R1 =deepseek-v3
deepseek-r1-0528 deepseek-ai/DeepSeek-R1-0528 =deepseek-v3
deepseek-v3-0324 deepseek-ai/DeepSeek-V3-0324 =deepseek-v3
deepseek-v3.1 deepseek-ai/DeepSeek-V3.1 =deepseek-v3
glm-4.6 zai-org/GLM-4.6 =glm-4.5 p=202752
kimi-k2-0905 moonshotai/Kimi-K2-Instruct-0905 =kimi-k2 p=262144 rope_scaling.factor=64
kimi-linear-48b-a3b moonshotai/Kimi-Linear-48B-A3B-Instruct kimi_linear h=2304 f=9216 moe_intermediate_size=1024 l=27 a=32 kv=32 num_experts=256 num_experts_per_token=8 num_shared_experts=1 first_k_dense_replace=1 moe_layer_freq=1 kv_lora_rank=512 q_lora_rank=null qk_nope_head_dim=128 qk_rope_head_dim=64 v_head_dim=128 linear_attn_config.full_attn_layers=[4,8,12,16,20,24,27] linear_attn_config.kda_layers=[1,2,3,5,6,7,9,10,11,13,14,15,17,18,19,21,22,23,25,26] linear_attn_config.head_dim=128 linear_attn_config.num_heads=32 linear_attn_config.short_conv_kernel_size=4 v=163840 model_max_length=1048576 tie=false t=bfloat16
minimax-m2 MiniMaxAI/MiniMax-M2 =minimax-m2.7 p=196608
qwen3-coder-next Qwen/Qwen3-Coder-Next =qwen3-next-80b-a3b
qwen3.6-35b-a3b Qwen/Qwen3.6-35B-A3B =qwen3.5-35b-a3b
deepseek-coder-v2-lite deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct =deepseek-v2-lite
llama-7b huggyllama/llama-7b llama h=4096 l=32 a=32 f=11008 v=32000 p=2048 t=float16
llama-13b huggyllama/llama-13b llama h=5120 l=40 a=40 f=13824 v=32000 p=2048 t=float16
llama-30b huggyllama/llama-30b llama h=6656 l=60 a=52 f=17920 v=32000 p=2048 t=float16
llama-65b huggyllama/llama-65b llama h=8192 l=80 a=64 f=22016 v=32000 p=2048 t=float16
vicuna-7b lmsys/vicuna-7b-v1.5 =llama-2-7b t=float16
vicuna-13b lmsys/vicuna-13b-v1.5 =llama-2-13b t=float16
codellama-13b codellama/CodeLlama-13b-hf llama h=5120 l=40 a=40 f=13824 v=32016 p=16384 t=bfloat16
hermes-3-8b NousResearch/Hermes-3-Llama-3.1-8B =llama-3.1-8b
hermes-3-70b NousResearch/Hermes-3-Llama-3.1-70B =llama-3.1-70b
hermes-3-405b NousResearch/Hermes-3-Llama-3.1-405B =llama-3.1-405b
tulu-3-8b allenai/Llama-3.1-Tulu-3-8B =llama-3.1-8b v=128264
llama-3.1-nemotron-70b nvidia/Llama-3.1-Nemotron-70B-Instruct-HF =llama-3.1-70b
llama-guard-3-8b meta-llama/Llama-Guard-3-8B =llama-3.1-8b
solar-10.7b upstage/SOLAR-10.7B-Instruct-v1.0 llama h=4096 l=48 a=32 kv=8 f=14336 v=32000 p=4096 t=float16
yi-6b 01-ai/Yi-6B llama h=4096 l=32 a=32 kv=4 f=11008 v=64000 p=4096 t=bfloat16
yi-1.5-9b 01-ai/Yi-1.5-9B-Chat llama h=4096 l=48 a=32 kv=4 f=11008 v=64000 p=4096 t=bfloat16
yi-1.5-34b 01-ai/Yi-1.5-34B-Chat =yi-34b
smollm2-360m HuggingFaceTB/SmolLM2-360M llama h=960 l=32 a=15 kv=5 f=2560 v=49152 p=8192 tie=true t=bfloat16
falcon3-1b tiiuae/Falcon3-1B-Instruct llama h=2048 l=18 a=8 kv=4 d=256 f=8192 v=131072 p=8192 t=bfloat16
falcon3-3b tiiuae/Falcon3-3B-Instruct llama h=3072 l=22 a=12 kv=4 d=256 f=9216 v=131072 p=32768 t=bfloat16
falcon3-7b tiiuae/Falcon3-7B-Instruct llama h=3072 l=28 a=12 kv=4 d=256 f=23040 v=131072 p=32768 t=bfloat16
falcon3-10b tiiuae/Falcon3-10B-Instruct llama h=3072 l=40 a=12 kv=4 d=256 f=23040 v=131072 p=32768 t=bfloat16
deepseek-llm-7b deepseek-ai/deepseek-llm-7b-chat llama h=4096 l=30 a=32 f=11008 v=102400 p=4096 t=bfloat16
deepseek-llm-67b deepseek-ai/deepseek-llm-67b-chat llama h=8192 l=95 a=64 kv=8 f=22016 v=102400 p=4096 t=bfloat16
deepseek-coder-6.7b deepseek-ai/deepseek-coder-6.7b-instruct llama h=4096 l=32 a=32 f=11008 v=32256 p=16384 t=bfloat16 rope_scaling.type=linear rope_scaling.factor=4
deepseek-coder-33b deepseek-ai/deepseek-coder-33b-instruct llama h=7168 l=62 a=56 kv=8 f=19200 v=32256 p=16384 t=bfloat16 rope_scaling.type=linear rope_scaling.factor=4
deepseek-v2 deepseek-ai/DeepSeek-V2 deepseek_v2 h=5120 l=60 a=128 f=12288 moe_intermediate_size=1536 n_routed_experts=160 n_shared_experts=2 num_experts_per_tok=6 first_k_dense_replace=1 q_lora_rank=1536 kv_lora_rank=512 qk_nope_head_dim=128 qk_rope_head_dim=64 v_head_dim=128 v=102400 p=163840 t=bfloat16 rope_scaling.type=yarn rope_scaling.factor=40 rope_scaling.original_max_position_embeddings=4096
deepseek-v2.5 deepseek-ai/DeepSeek-V2.5 =deepseek-v2
deepseek-coder-v2 deepseek-ai/DeepSeek-Coder-V2-Instruct =deepseek-v2
zephyr-7b HuggingFaceH4/zephyr-7b-beta =mistral-7b-v0.1
openchat-3.5 openchat/openchat-3.5-0106 =mistral-7b-v0.1 v=32002 p=8192
e5-mistral-7b intfloat/e5-mistral-7b-instruct =mistral-7b-v0.1 architectures=["MistralModel"] t=float16
ministral-8b mistralai/Ministral-8B-Instruct-2410 mistral h=4096 l=36 a=32 kv=8 d=128 f=12288 v=131072 p=32768 w=32768 t=bfloat16
mistral-small-3.1-24b mistralai/Mistral-Small-3.1-24B-Instruct-2503 =mistral-small-3.2-24b
pixtral-12b mistral-community/pixtral-12b llava text_config.model_type=mistral text_config.h=5120 text_config.l=40 text_config.a=32 text_config.kv=8 text_config.d=128 text_config.f=14336 text_config.v=131072 text_config.p=1024000 vision_config.model_type=pixtral vision_config.h=1024 vision_config.f=4096 vision_config.l=24 vision_config.a=16 vision_config.image_size=1024 vision_config.patch_size=16 t=bfloat16 text_config.w=null
llava-1.5-7b llava-hf/llava-1.5-7b-hf llava text_config.model_type=llama text_config.h=4096 text_config.l=32 text_config.a=32 text_config.f=11008 text_config.v=32064 text_config.p=4096 vision_config.model_type=clip_vision_model vision_config.h=1024 vision_config.f=4096 vision_config.l=24 vision_config.a=16 vision_config.image_size=336 vision_config.patch_size=14 t=float16
llava-1.5-13b llava-hf/llava-1.5-13b-hf =llava-1.5-7b text_config.h=5120 text_config.l=40 text_config.a=40 text_config.f=13824
command-r7b CohereLabs/c4ai-command-r7b-12-2024 cohere2 h=4096 l=32 a=32 kv=8 d=128 f=14336 v=256000 p=132096 w=4096 sliding_window_pattern=4 t=bfloat16
command-a CohereLabs/c4ai-command-a-03-2025 cohere2 h=12288 l=64 a=96 kv=8 d=128 f=36864 v=256000 p=131072 w=4096 sliding_window_pattern=4 t=bfloat16
aya-expanse-8b CohereLabs/aya-expanse-8b cohere h=4096 l=32 a=32 kv=8 f=14336 v=256000 p=8192 t=float16
aya-expanse-32b CohereLabs/aya-expanse-32b cohere h=8192 l=40 a=64 kv=8 f=24576 v=256000 p=8192 t=float16
granite-3.3-2b ibm-granite/granite-3.3-2b-instruct granite h=2048 l=40 a=32 kv=8 f=8192 v=49159 p=131072 tie=true t=bfloat16
granite-3.3-8b ibm-granite/granite-3.3-8b-instruct granite h=4096 l=40 a=32 kv=8 f=12800 v=49159 p=131072 tie=true t=bfloat16
granite-4.0-micro ibm-granite/granite-4.0-micro granitemoehybrid h=2560 f=8192 shared_intermediate_size=8192 l=40 a=40 kv=8 num_local_experts=0 num_experts_per_tok=0 layer_types=["attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention","attention"] mamba_n_heads=128 v=100352 p=131072 tie=true t=bfloat16
granite-4.0-h-tiny ibm-granite/granite-4.0-h-tiny granitemoehybrid h=1536 f=512 shared_intermediate_size=1024 l=40 a=12 kv=4 num_local_experts=64 num_experts_per_tok=6 layer_types=["mamba","mamba","mamba","mamba","mamba","attention","mamba","mamba","mamba","mamba","mamba","mamba","mamba","mamba","mamba","attention","mamba","mamba","mamba","mamba","mamba","mamba","mamba","mamba","mamba","attention","mamba","mamba","mamba","mamba","mamba","mamba","mamba","mamba","mamba","attention","mamba","mamba","mamba","mamba"] mamba_n_heads=48 mamba_d_head=64 mamba_n_groups=1 mamba_d_state=128 mamba_d_conv=4 mamba_expand=2 v=100352 p=131072 tie=true t=bfloat16
granite-4.0-h-small ibm-granite/granite-4.0-h-small =granite-4.0-h-tiny h=4096 f=768 shared_intermediate_size=1536 a=32 kv=8 num_local_experts=72 num_experts_per_tok=10 mamba_n_heads=128
olmo-2-1b allenai/OLMo-2-0425-1B olmo2 h=2048 l=16 a=16 kv=16 f=8192 v=100352 p=4096 t=bfloat16
olmo-2-32b allenai/OLMo-2-0325-32B olmo2 h=5120 l=64 a=40 kv=8 f=27648 v=100352 p=4096 t=bfloat16
olmoe-1b-7b allenai/OLMoE-1B-7B-0924 olmoe h=2048 l=16 a=16 kv=16 f=1024 num_experts=64 num_experts_per_tok=8 v=50304 p=4096 t=bfloat16
internlm2.5-7b internlm/internlm2_5-7b-chat internlm2 h=4096 l=32 a=32 kv=8 f=14336 v=92544 p=32768 bias=false t=bfloat16 rope_scaling.type=dynamic rope_scaling.factor=2
internlm2.5-20b internlm/internlm2_5-20b-chat internlm2 h=6144 l=48 a=48 kv=8 f=16384 v=92544 p=32768 bias=false t=bfloat16
internlm3-8b internlm/internlm3-8b-instruct internlm3 h=4096 l=48 a=32 kv=2 d=128 f=10240 v=128512 p=32768 bias=false qkv_bias=false t=bfloat16 rope_scaling.rope_type=dynamic rope_scaling.factor=6
chatglm3-6b THUDM/chatglm3-6b chatglm h=4096 num_layers=28 a=32 multi_query_attention=true multi_query_group_num=2 kv_channels=128 ffn_hidden_size=13696 padded_vocab_size=65024 add_qkv_bias=true seq_length=8192 t=float16
glm-4-9b zai-org/GLM-4-9B-0414 glm4 h=4096 l=40 a=32 kv=2 d=128 f=13696 v=151552 p=32768 t=bfloat16 partial_rotary_factor=0.5
glm-4.7 zai-org/GLM-4.7 =glm-4.5 p=202752
glm-4.7-flash zai-org/GLM-4.7-Flash glm4_moe_lite h=2048 f=10240 moe_intermediate_size=1536 l=47 a=20 kv=20 q_lora_rank=768 kv_lora_rank=512 qk_nope_head_dim=192 qk_rope_head_dim=64 v_head_dim=256 n_routed_experts=64 n_shared_experts=1 num_experts_per_tok=4 first_k_dense_replace=1 num_nextn_predict_layers=1 v=154880 p=202752 tie=false t=bfloat16
glm-4.1v-9b zai-org/GLM-4.1V-9B-Thinking glm4v h=4096 l=40 a=32 kv=2 f=13696 v=151552 p=65536 attention_bias=true vision_config.h=1536 vision_config.depth=24 vision_config.num_heads=12 vision_config.f=13696 vision_config.image_size=336 vision_config.patch_size=14 vision_config.out_hidden_size=4096 vision_config.spatial_merge_size=2 vision_config.temporal_patch_size=2 t=bfloat16 partial_rotary_factor=0.5 rope_scaling.type=default rope_scaling.mrope_section=[8,12,12]
dbrx databricks/dbrx-instruct dbrx d_model=6144 n_layers=40 n_heads=48 vocab_size=100352 max_seq_len=32768 attn_config.kv_n_heads=8 ffn_config.ffn_hidden_size=10752 ffn_config.moe_num_experts=16 ffn_config.moe_top_k=4 t=bfloat16
seed-oss-36b ByteDance-Seed/Seed-OSS-36B-Instruct seed_oss h=5120 l=64 a=80 kv=8 d=128 f=27648 v=155136 p=524288 attention_bias=true attention_out_bias=false t=bfloat16
hunyuan-a13b tencent/Hunyuan-A13B-Instruct hunyuan_v1_moe h=4096 l=32 a=32 kv=8 d=128 f=3072 moe_intermediate_size=3072 num_experts=64 moe_topk=8 num_shared_expert=1 v=128167 p=32768 tie=true t=bfloat16
lfm2-350m LiquidAI/LFM2-350M lfm2 h=1024 l=16 a=16 kv=8 block_ff_dim=6656 conv_L_cache=3 full_attn_idxs=[2,5,8,10,12,14] v=65536 p=128000 t=bfloat16
lfm2-700m LiquidAI/LFM2-700M lfm2 h=1536 l=16 a=24 kv=8 block_ff_dim=10240 conv_L_cache=3 full_attn_idxs=[2,5,8,10,12,14] v=65536 p=128000 t=bfloat16
lfm2-1.2b LiquidAI/LFM2-1.2B lfm2 h=2048 l=16 a=32 kv=8 block_ff_dim=12288 conv_L_cache=3 full_attn_idxs=[2,5,8,10,12,14] v=65536 p=128000 t=bfloat16
lfm2.5-1.2b LiquidAI/LFM2.5-1.2B-Instruct =lfm2-1.2b
lfm2-8b-a1b LiquidAI/LFM2-8B-A1B lfm2_moe h=2048 l=24 a=32 kv=8 f=7168 moe_intermediate_size=1792 num_dense_layers=2 num_experts=32 num_experts_per_tok=4 use_expert_bias=true conv_L_cache=3 layer_types=["conv","conv","full_attention","conv","conv","conv","full_attention","conv","conv","conv","full_attention","conv","conv","conv","full_attention","conv","conv","conv","full_attention","conv","conv","full_attention","conv","conv"] v=65536 p=128000 t=bfloat16
exaone-3.5-2.4b LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct exaone h=2560 num_layers=30 a=32 kv=8 d=80 f=7168 v=102400 p=32768 tie=true t=bfloat16
exaone-3.5-7.8b LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct exaone h=4096 num_layers=32 a=32 kv=8 f=14336 v=102400 p=32768 tie=false t=bfloat16
apertus-8b swiss-ai/Apertus-8B-Instruct-2509 apertus h=4096 l=32 a=32 kv=8 f=21504 v=131072 p=65536 t=bfloat16
apertus-70b swiss-ai/Apertus-70B-Instruct-2509 apertus h=8192 l=80 a=64 kv=8 f=43008 v=131072 p=65536 t=bfloat16
dots.llm1 rednote-hilab/dots.llm1.inst dots1 h=4096 l=62 a=32 kv=32 d=128 f=10944 moe_intermediate_size=1408 n_routed_experts=128 n_shared_experts=2 num_experts_per_tok=6 first_k_dense_replace=1 v=152064 p=32768 t=bfloat16
ernie-4.5-0.3b baidu/ERNIE-4.5-0.3B-PT ernie4_5 h=1024 l=18 a=16 kv=2 d=128 f=3072 v=103424 p=131072 tie=true t=bfloat16
stablelm-2-1.6b stabilityai/stablelm-2-1_6b stablelm h=2048 l=24 a=32 kv=32 f=5632 v=100352 p=4096 use_qkv_bias=true tie=false t=float16 partial_rotary_factor=0.25
stablelm-2-12b stabilityai/stablelm-2-12b stablelm h=5120 l=40 a=32 kv=8 f=13824 v=100352 p=4096 qk_layernorm=true use_parallel_residual=true tie=false t=bfloat16 partial_rotary_factor=0.25
starcoder bigcode/starcoder gpt_bigcode n_embd=6144 n_layer=40 n_head=48 n_inner=24576 v=49152 n_positions=8192 multi_query=true t=float32
starcoder2-3b bigcode/starcoder2-3b starcoder2 h=3072 l=30 a=24 kv=2 f=12288 v=49152 p=16384 w=4096 t=float32 attention_dropout=0.1 residual_dropout=0.1 embedding_dropout=0.1
starcoder2-15b bigcode/starcoder2-15b starcoder2 h=6144 l=40 a=48 kv=4 f=24576 v=49152 p=16384 w=4096 tie=false t=bfloat16 attention_dropout=0.1 residual_dropout=0.1 embedding_dropout=0.1
phi-1.5 microsoft/phi-1_5 phi h=2048 l=24 a=32 f=8192 v=51200 p=2048 t=float16 partial_rotary_factor=0.5
phi-3.5-moe microsoft/Phi-3.5-MoE-instruct phimoe h=4096 l=32 a=32 kv=8 f=6400 num_local_experts=16 num_experts_per_tok=2 v=32064 p=131072 attention_bias=true lm_head_bias=true t=bfloat16 w=131072
phi-3.5-vision microsoft/Phi-3.5-vision-instruct phi3_v h=3072 l=32 a=32 kv=32 f=8192 v=32064 p=131072 img_processor.name=clip_vision_model img_processor.image_dim_out=1024 embd_layer.projection_cls=mlp t=bfloat16 w=262144
mamba-130m state-spaces/mamba-130m-hf mamba h=768 l=24 v=50280 state_size=16 t=float32
mamba-1.4b state-spaces/mamba-1.4b-hf mamba h=2048 l=48 v=50280 state_size=16 t=float32
mamba-2.8b state-spaces/mamba-2.8b-hf mamba h=2560 l=64 v=50280 state_size=16 t=float32
falcon-mamba-7b tiiuae/falcon-mamba-7b falcon_mamba h=4096 l=64 v=65024 intermediate_size=8192 state_size=16 tie=false t=bfloat16
falcon-h1-7b tiiuae/Falcon-H1-7B-Instruct falcon_h1 h=3072 f=12288 l=44 a=12 kv=2 d=128 mamba_d_ssm=3072 mamba_n_heads=24 mamba_d_head=128 mamba_n_groups=1 mamba_d_state=256 mamba_d_conv=4 mamba_rms_norm=false v=130048 p=262144 tie=false t=bfloat16
falcon-180b tiiuae/falcon-180B falcon h=14848 l=80 a=232 num_kv_heads=8 new_decoder_architecture=true v=65024 p=2048 t=bfloat16
jamba-1.5-mini ai21labs/AI21-Jamba-1.5-Mini jamba h=4096 l=32 a=32 kv=8 f=14336 num_experts=16 num_experts_per_tok=2 v=65536 p=262144 t=bfloat16
bloom bigscience/bloom bloom n_embed=14336 n_layer=70 a=112 v=250880 t=bfloat16
bloom-560m bigscience/bloom-560m bloom n_embed=1024 n_layer=24 a=16 v=250880 t=float16
bloom-1b7 bigscience/bloom-1b7 bloom n_embed=2048 n_layer=24 a=16 v=250880 t=float16
bloom-3b bigscience/bloom-3b bloom n_embed=2560 n_layer=30 a=32 v=250880 t=float16
bloom-7b1 bigscience/bloom-7b1 bloom n_embed=4096 n_layer=30 a=32 v=250880 t=float16
opt-125m facebook/opt-125m opt h=768 l=12 a=12 ffn_dim=3072 v=50272 p=2048 word_embed_proj_dim=768 t=float16
opt-350m facebook/opt-350m opt h=1024 l=24 a=16 ffn_dim=4096 v=50272 p=2048 word_embed_proj_dim=512 do_layer_norm_before=false t=float16
opt-1.3b facebook/opt-1.3b opt h=2048 l=24 a=32 ffn_dim=8192 v=50272 p=2048 word_embed_proj_dim=2048 t=float16
opt-2.7b facebook/opt-2.7b opt h=2560 l=32 a=32 ffn_dim=10240 v=50272 p=2048 word_embed_proj_dim=2560 t=float16
opt-6.7b facebook/opt-6.7b opt h=4096 l=32 a=32 ffn_dim=16384 v=50272 p=2048 word_embed_proj_dim=4096 t=float16
opt-13b facebook/opt-13b opt h=5120 l=40 a=40 ffn_dim=20480 v=50272 p=2048 word_embed_proj_dim=5120 t=float16
opt-30b facebook/opt-30b opt h=7168 l=48 a=56 ffn_dim=28672 v=50272 p=2048 word_embed_proj_dim=7168 t=float16
opt-66b facebook/opt-66b opt h=9216 l=64 a=72 ffn_dim=36864 v=50272 p=2048 word_embed_proj_dim=9216 t=float16
gpt2-large openai-community/gpt2-large gpt2 n_embd=1280 n_layer=36 n_head=20 v=50257 n_positions=1024 t=float32
gpt-neo-125m EleutherAI/gpt-neo-125m gpt_neo h=768 num_layers=12 num_heads=12 v=50257 p=2048 t=float32
gpt-neo-1.3b EleutherAI/gpt-neo-1.3B gpt_neo h=2048 num_layers=24 num_heads=16 v=50257 p=2048 t=float32
gpt-neo-2.7b EleutherAI/gpt-neo-2.7B gpt_neo h=2560 num_layers=32 num_heads=20 v=50257 p=2048 t=float32
gpt-j-6b EleutherAI/gpt-j-6b gptj n_embd=4096 n_layer=28 n_head=16 v=50400 n_positions=2048 rotary_dim=64 t=float32
gpt-neox-20b EleutherAI/gpt-neox-20b gpt_neox h=6144 l=44 a=64 f=24576 v=50432 p=2048 t=float16 rotary_pct=0.25
pythia-70m EleutherAI/pythia-70m gpt_neox h=512 l=6 a=8 f=2048 v=50304 p=2048 t=float16 rotary_pct=0.25
pythia-160m EleutherAI/pythia-160m gpt_neox h=768 l=12 a=12 f=3072 v=50304 p=2048 t=float16 rotary_pct=0.25
pythia-410m EleutherAI/pythia-410m gpt_neox h=1024 l=24 a=16 f=4096 v=50304 p=2048 t=float16 rotary_pct=0.25
pythia-1b EleutherAI/pythia-1b gpt_neox h=2048 l=16 a=8 f=8192 v=50304 p=2048 t=float16 rotary_pct=0.25
pythia-1.4b EleutherAI/pythia-1.4b gpt_neox h=2048 l=24 a=16 f=8192 v=50304 p=2048 t=float16 rotary_pct=0.25
pythia-2.8b EleutherAI/pythia-2.8b gpt_neox h=2560 l=32 a=32 f=10240 v=50304 p=2048 t=float16 rotary_pct=0.25
pythia-6.9b EleutherAI/pythia-6.9b gpt_neox h=4096 l=32 a=32 f=16384 v=50432 p=2048 t=float16 rotary_pct=0.25
pythia-12b EleutherAI/pythia-12b gpt_neox h=5120 l=36 a=40 f=20480 v=50688 p=2048 t=float16 rotary_pct=0.25
baichuan2-7b baichuan-inc/Baichuan2-7B-Chat baichuan h=4096 l=32 a=32 f=11008 v=125696 p=4096 t=bfloat16
qwen-7b Qwen/Qwen-7B-Chat qwen h=4096 l=32 a=32 kv_channels=128 f=22016 v=151936 p=32768 no_bias=true t=bfloat16 rotary_pct=1
qwen-14b Qwen/Qwen-14B-Chat =qwen-7b h=5120 l=40 a=40 f=27392 v=152064 p=8192
qwen-72b Qwen/Qwen-72B-Chat =qwen-7b h=8192 l=80 a=64 f=49152 v=152064 p=32768
qwen1.5-0.5b Qwen/Qwen1.5-0.5B qwen2 h=1024 l=24 a=16 kv=16 f=2816 v=151936 p=32768 tie=true t=bfloat16
qwen1.5-1.8b Qwen/Qwen1.5-1.8B qwen2 h=2048 l=24 a=16 kv=16 f=5504 v=151936 p=32768 t=bfloat16
qwen1.5-4b Qwen/Qwen1.5-4B qwen2 h=2560 l=40 a=20 kv=20 f=6912 v=151936 p=32768 t=bfloat16
qwen1.5-7b Qwen/Qwen1.5-7B qwen2 h=4096 l=32 a=32 kv=32 f=11008 v=151936 p=32768 t=bfloat16
qwen1.5-14b Qwen/Qwen1.5-14B qwen2 h=5120 l=40 a=40 kv=40 f=13696 v=152064 p=32768 t=bfloat16
qwen1.5-32b Qwen/Qwen1.5-32B qwen2 h=5120 l=64 a=40 kv=8 f=27392 v=152064 p=32768 t=bfloat16
qwen1.5-72b Qwen/Qwen1.5-72B qwen2 h=8192 l=80 a=64 kv=64 f=24576 v=152064 p=32768 t=bfloat16
qwen1.5-110b Qwen/Qwen1.5-110B qwen2 h=8192 l=80 a=64 kv=8 f=49152 v=152064 p=32768 t=bfloat16
qwen2-0.5b Qwen/Qwen2-0.5B =qwen2.5-0.5b p=131072
qwen2-57b-a14b Qwen/Qwen2-57B-A14B-Instruct qwen2_moe h=3584 l=28 a=28 kv=4 f=18944 moe_intermediate_size=2560 shared_expert_intermediate_size=20480 num_experts=64 num_experts_per_tok=8 v=151936 p=32768 t=bfloat16
qwen2-vl-2b Qwen/Qwen2-VL-2B-Instruct qwen2_vl h=1536 l=28 a=12 kv=2 f=8960 v=151936 p=32768 tie=true vision_config.depth=32 vision_config.embed_dim=1280 vision_config.mlp_ratio=4 vision_config.num_heads=16 vision_config.h=1536 vision_config.patch_size=14 vision_config.spatial_merge_size=2 vision_config.temporal_patch_size=2 t=bfloat16 rope_scaling.type=mrope rope_scaling.mrope_section=[16,24,24]
qwen2-vl-7b Qwen/Qwen2-VL-7B-Instruct =qwen2-vl-2b h=3584 a=28 kv=4 f=18944 v=152064 tie=false vision_config.h=3584
qwen2-vl-72b Qwen/Qwen2-VL-72B-Instruct =qwen2-vl-7b h=8192 l=80 a=64 kv=8 f=29568 vision_config.h=8192
qwen2.5-vl-32b Qwen/Qwen2.5-VL-32B-Instruct =qwen2.5-vl-7b h=5120 l=64 a=40 kv=8 f=27648 vision_config.f=3456 vision_config.out_hidden_size=5120
qwen2.5-vl-72b Qwen/Qwen2.5-VL-72B-Instruct =qwen2.5-vl-7b h=8192 l=80 a=64 kv=8 f=29568 vision_config.f=3456 vision_config.out_hidden_size=8192
qwen3-vl-2b Qwen/Qwen3-VL-2B-Instruct =qwen3-vl-8b text_config.h=2048 text_config.l=28 text_config.a=16 text_config.f=6144 tie=true vision_config.depth=24 vision_config.h=1024 vision_config.f=4096 vision_config.out_hidden_size=2048 vision_config.deepstack_visual_indexes=[5,11,17]
qwen3-vl-4b Qwen/Qwen3-VL-4B-Instruct =qwen3-vl-2b text_config.h=2560 text_config.l=36 text_config.a=32 text_config.f=9728 vision_config.out_hidden_size=2560
qwen3-vl-30b-a3b Qwen/Qwen3-VL-30B-A3B-Instruct qwen3_vl_moe text_config.model_type=qwen3_vl_moe_text text_config.h=2048 text_config.l=48 text_config.a=32 text_config.kv=4 text_config.d=128 text_config.f=6144 text_config.moe_intermediate_size=768 text_config.num_experts=128 text_config.num_experts_per_tok=8 text_config.v=151936 text_config.p=262144 vision_config.depth=27 vision_config.h=1152 vision_config.f=4304 vision_config.num_heads=16 vision_config.num_position_embeddings=2304 vision_config.out_hidden_size=2048 vision_config.patch_size=16 vision_config.spatial_merge_size=2 vision_config.temporal_patch_size=2 vision_config.deepstack_visual_indexes=[8,16,24] t=bfloat16 text_config.rope_scaling.rope_type=default text_config.rope_scaling.mrope_section=[24,20,20]
qwen3-vl-235b-a22b Qwen/Qwen3-VL-235B-A22B-Instruct =qwen3-vl-30b-a3b text_config.h=4096 text_config.l=94 text_config.a=64 text_config.f=12288 text_config.moe_intermediate_size=1536 vision_config.out_hidden_size=4096
qwen3-embedding-0.6b Qwen/Qwen3-Embedding-0.6B qwen3 architectures=["Qwen3Model"] h=1024 l=28 a=16 kv=8 d=128 f=3072 v=151669 p=32768 tie=true t=bfloat16
qwen3-embedding-4b Qwen/Qwen3-Embedding-4B qwen3 architectures=["Qwen3Model"] h=2560 l=36 a=32 kv=8 d=128 f=9728 v=151665 p=40960 tie=true t=bfloat16
qwen3-embedding-8b Qwen/Qwen3-Embedding-8B qwen3 architectures=["Qwen3Model"] h=4096 l=36 a=32 kv=8 d=128 f=12288 v=151665 p=40960 tie=false t=bfloat16
qwen3-reranker-0.6b Qwen/Qwen3-Reranker-0.6B qwen3 h=1024 l=28 a=16 kv=8 d=128 f=3072 v=151669 p=40960 tie=true t=bfloat16
gemma-3n-e2b google/gemma-3n-E2B-it gemma3n text_config.model_type=gemma3n_text text_config.l=30 text_config.f=8192 text_config.num_kv_shared_layers=10 vision_config.model_type=gemma3n_vision audio_config.model_type=gemma3n_audio t=bfloat16 text_config.final_logit_softcapping=30
gemma-3n-e4b google/gemma-3n-E4B-it gemma3n text_config.model_type=gemma3n_text vision_config.model_type=gemma3n_vision audio_config.model_type=gemma3n_audio t=bfloat16 text_config.final_logit_softcapping=30
medgemma-4b google/medgemma-4b-it =gemma-3-4b
medgemma-27b google/medgemma-27b-it =gemma-3-27b
llama-3.2-90b-vision meta-llama/Llama-3.2-90B-Vision-Instruct =llama-3.2-11b-vision text_config.h=8192 text_config.l=100 text_config.a=64 text_config.f=28672 text_config.cross_attention_layers=[3,8,13,18,23,28,33,38,43,48,53,58,63,68,73,78,83,88,93,98]
minicpm-v-2.6 openbmb/MiniCPM-V-2_6 minicpmv version=2.6 h=3584 l=28 a=28 kv=4 f=18944 v=151666 p=32768 query_num=64 image_size=448 drop_vision_last_layer=false vision_config.h=1152 vision_config.f=4304 vision_config.l=27 vision_config.a=16 vision_config.image_size=980 vision_config.patch_size=14 t=bfloat16
internvl3-8b OpenGVLab/InternVL3-8B internvl_chat downsample_ratio=0.5 force_image_size=448 llm_config.model_type=qwen2 llm_config.h=3584 llm_config.l=28 llm_config.a=28 llm_config.kv=4 llm_config.f=18944 llm_config.v=151674 llm_config.p=32768 llm_config.tie=false vision_config.h=1024 vision_config.f=4096 vision_config.l=24 vision_config.a=16 vision_config.image_size=448 vision_config.patch_size=14 vision_config.qkv_bias=true vision_config.qk_normalization=false vision_config.norm_type=layer_norm t=bfloat16
voxtral-mini-3b mistralai/Voxtral-Mini-3B-2507 voxtral text_config.model_type=llama text_config.h=3072 text_config.l=30 text_config.a=32 text_config.kv=8 text_config.d=128 text_config.f=8192 text_config.v=131072 text_config.p=131072 audio_config.model_type=voxtral_encoder audio_config.h=1280 audio_config.l=32 audio_config.a=20 audio_config.f=5120 audio_config.num_mel_bins=128 audio_config.max_source_positions=1500 t=bfloat16
whisper-tiny openai/whisper-tiny =whisper-large-v3 d_model=384 encoder_layers=4 decoder_layers=4 encoder_attention_heads=6 decoder_attention_heads=6 encoder_ffn_dim=1536 decoder_ffn_dim=1536 v=51865 num_mel_bins=80 t=float32
whisper-base openai/whisper-base =whisper-tiny d_model=512 encoder_layers=6 decoder_layers=6 encoder_attention_heads=8 decoder_attention_heads=8 encoder_ffn_dim=2048 decoder_ffn_dim=2048
whisper-small openai/whisper-small =whisper-tiny d_model=768 encoder_layers=12 decoder_layers=12 encoder_attention_heads=12 decoder_attention_heads=12 encoder_ffn_dim=3072 decoder_ffn_dim=3072
whisper-medium openai/whisper-medium =whisper-tiny d_model=1024 encoder_layers=24 decoder_layers=24 encoder_attention_heads=16 decoder_attention_heads=16 encoder_ffn_dim=4096 decoder_ffn_dim=4096
whisper-large-v2 openai/whisper-large-v2 =whisper-large-v3 v=51865 num_mel_bins=80 t=float32
whisper-large-v3-turbo openai/whisper-large-v3-turbo =whisper-large-v3 decoder_layers=4
t5-small google-t5/t5-small t5 d_model=512 d_ff=2048 d_kv=64 num_heads=8 num_layers=6 v=32128 t=float32
t5-base google-t5/t5-base t5 d_model=768 d_ff=3072 d_kv=64 num_heads=12 num_layers=12 v=32128 t=float32
t5-large google-t5/t5-large t5 d_model=1024 d_ff=4096 d_kv=64 num_heads=16 num_layers=24 v=32128 t=float32
flan-t5-small google/flan-t5-small =flan-t5-base d_ff=1024 d_model=512 d_kv=64 num_heads=6 num_layers=8
flan-t5-large google/flan-t5-large =flan-t5-base d_ff=2816 d_model=1024 d_kv=64 num_heads=16 num_layers=24
flan-t5-xl google/flan-t5-xl =flan-t5-base d_ff=5120 d_model=2048 d_kv=64 num_heads=32 num_layers=24
flan-t5-xxl google/flan-t5-xxl =flan-t5-base d_ff=10240 d_model=4096 d_kv=64 num_heads=64 num_layers=24
bert-base google-bert/bert-base-uncased bert architectures=["BertModel"] h=768 l=12 a=12 f=3072 v=30522 p=512 type_vocab_size=2 t=float32
bert-large google-bert/bert-large-uncased bert architectures=["BertModel"] h=1024 l=24 a=16 f=4096 v=30522 p=512 type_vocab_size=2 t=float32
roberta-base FacebookAI/roberta-base roberta architectures=["RobertaModel"] h=768 l=12 a=12 f=3072 v=50265 p=514 type_vocab_size=1 t=float32
roberta-large FacebookAI/roberta-large roberta architectures=["RobertaModel"] h=1024 l=24 a=16 f=4096 v=50265 p=514 type_vocab_size=1 t=float32
xlm-roberta-base FacebookAI/xlm-roberta-base xlm-roberta architectures=["XLMRobertaModel"] h=768 l=12 a=12 f=3072 v=250002 p=514 type_vocab_size=1 t=float32
xlm-roberta-large FacebookAI/xlm-roberta-large xlm-roberta architectures=["XLMRobertaModel"] h=1024 l=24 a=16 f=4096 v=250002 p=514 type_vocab_size=1 t=float32
multilingual-e5-large intfloat/multilingual-e5-large =xlm-roberta-large
bge-small-en BAAI/bge-small-en-v1.5 bert architectures=["BertModel"] h=384 l=12 a=12 f=1536 v=30522 p=512 type_vocab_size=2 t=float32
bge-base-en BAAI/bge-base-en-v1.5 =bert-base
mxbai-embed-large mixedbread-ai/mxbai-embed-large-v1 =bert-large t=float16
nomic-embed-text nomic-ai/nomic-embed-text-v1.5 nomic_bert n_embd=768 n_layer=12 n_head=12 n_inner=3072 v=30528 n_positions=8192 qkv_proj_bias=false mlp_fc1_bias=false mlp_fc2_bias=false type_vocab_size=2 activation_function=swiglu t=float32
bge-reranker-large BAAI/bge-reranker-large xlm-roberta architectures=["XLMRobertaForSequenceClassification"] h=1024 id2label.0=LABEL_0 f=4096 p=514 a=16 l=24 type_vocab_size=1 v=250002 t=float32
bge-reranker-v2-m3 BAAI/bge-reranker-v2-m3 xlm-roberta architectures=["XLMRobertaForSequenceClassification"] h=1024 id2label.0=LABEL_0 f=4096 p=8194 a=16 l=24 type_vocab_size=1 v=250002 t=float32
megrez-3b Infinigence/Megrez-3B-Instruct llama h=2560 f=7168 max_sequence_length=32768 a=40 l=32 kv=10 v=122880 t=bfloat16
internvl2-4b OpenGVLab/InternVL2-4B internvl_chat downsample_ratio=0.5 llm_config.h=3072 llm_config.f=8192 llm_config.p=131072 llm_config.model_type=phi3 llm_config.a=32 llm_config.l=32 llm_config.w=262144 llm_config.v=32020 vision_config.h=1024 vision_config.image_size=448 vision_config.f=4096 vision_config.a=16 vision_config.l=24 vision_config.patch_size=14 vision_config.qk_normalization=false vision_config.qkv_bias=true t=bfloat16
qwen-vl-chat Qwen/Qwen-VL-Chat qwen h=4096 f=22016 p=8192 a=32 l=32 rotary_pct=1 visual.heads=16 visual.image_size=448 visual.layers=48 visual.mlp_ratio=4.9231 visual.output_dim=4096 visual.patch_size=14 visual.width=1664 v=151936 t=bfloat16
qwen2-audio-7b Qwen/Qwen2-Audio-7B-Instruct qwen2_audio audio_config={} text_config.f=11008 text_config.p=8192 text_config.model_type=qwen2 text_config.torch_dtype=bfloat16 text_config.v=156032
rwkv-5-world-3b RWKV/rwkv-5-world-3b rwkv5 h=2560 l=32 tie=true v=65536
snowflake-arctic-embed-m Snowflake/snowflake-arctic-embed-m bert h=768 f=3072 p=512 a=12 l=12 v=30522 t=float32
chatglm2-6b THUDM/chatglm2-6b - architectures=["ChatGLMModel"] add_qkv_bias=true ffn_hidden_size=13696 multi_query_attention=true multi_query_group_num=2 num_layers=28 padded_vocab_size=65024 seq_length=32768 t=float16
wizardcoder-15b WizardLM/WizardCoder-15B-V1.0 gpt_bigcode activation_function=gelu n_embd=6144 n_head=48 n_layer=40 n_positions=8192 v=49153 t=float16
mimo-v2-flash XiaomiMiMo/MiMo-V2-Flash mimo_v2_flash l=48 h=4096 a=64 f=16384 v=152576 p=262144 partial_rotary_factor=0.334 quantization_config.quant_method=fp8 t=bfloat16
deepseek-moe-16b deepseek-ai/deepseek-moe-16b-base deepseek first_k_dense_replace=1 h=2048 f=10944 p=4096 moe_intermediate_size=1408 n_routed_experts=64 n_shared_experts=2 a=16 num_experts_per_tok=6 l=28 v=102400 t=bfloat16
bart-large-cnn facebook/bart-large-cnn bart d_model=1024 decoder_attention_heads=16 decoder_ffn_dim=4096 decoder_layers=12 encoder_attention_heads=16 encoder_ffn_dim=4096 encoder_layers=12 p=1024 v=50264 t=float32
granite-embedding-125m ibm-granite/granite-embedding-125m-english roberta h=768 f=3072 p=514 a=12 l=12 type_vocab_size=1 v=50265 t=bfloat16
muse-glimmer-30b meta-models/Muse-Glimmer-30B muse_glimmer t=bfloat16 text_config.final_logit_softcapping=20 text_config.h=6656 text_config.f=19968 text_config.model_type=muse_glimmer_text text_config.a=32 text_config.l=52 text_config.v=202048 vision_config.patch_size=14 vision_config.patch_temporal=2
clip-vit-large-patch14 openai/clip-vit-large-patch14 clip projection_dim=768 text_config.h=768 text_config.f=3072 text_config.model_type=clip_text_model text_config.a=12 vision_config.h=1024 vision_config.image_size=224 vision_config.f=4096 vision_config.a=16 vision_config.l=24 vision_config.patch_size=14 t=float32
minicpm-2b openbmb/MiniCPM-2B-sft-bf16 minicpm h=2304 f=5760 p=4096 a=36 l=40 v=122753 t=bfloat16
minicpm-moe-8x2b openbmb/MiniCPM-MoE-8x2B minicpm h=2304 f=5760 p=4096 a=36 l=40 v=122753 num_experts=8 t=bfloat16
minicpm-v-4 openbmb/MiniCPM-V-4 minicpmv drop_vision_last_layer=false d=128 h=2560 image_size=448 f=10240 p=32768 a=32 l=32 kv=2 query_num=64 version=4 vision_config.h=1152 vision_config.image_size=980 vision_config.f=4304 vision_config.a=16 vision_config.l=27 vision_config.patch_size=14 v=73448 t=bfloat16
glm-5.3 zai-org/GLM-5.3 glm_moe_dsa t=bfloat16 h=6144 indexer_types=["full","full","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared","full","shared","shared","shared"] f=12288 p=1048576 a=64 l=78 num_nextn_predict_layers=1 v=154880
falcon-perception tiiuae/Falcon-Perception falcon_perception dim=1024 n_layers=28 n_heads=16 d=128 n_kv_heads=8 v=65536 ffn_dim=3072 max_seq_len=8192 t=float32
`;
