/** The mixture-of-experts feed-forward that families share: router, routed experts, shared experts. */
import { defined } from "../defined.ts";
import type { ConfigReader } from "./config-reader.ts";
import type { ExpertCounts } from "./expert-counts.ts";
import { activationOf } from "./family.ts";
import { type FeedForwardParts, gatedMlp } from "./feed-forward.ts";
import type { Activation, Role, Split, Tensor } from "./model.ts";
import { linear, routerBalance, tensor } from "./tensors.ts";

export interface ExpertsSpec {
  /** Module path of the expert list: "mlp.experts". */
  readonly name: string;
  readonly hiddenSize: number;
  readonly width: number;
  readonly experts: number;
  readonly activeExperts: number;
  readonly gated?: boolean;
  readonly bias?: boolean;
  readonly names?: readonly [string, string, string];
  /** Module path of the router; absent when the family writes it itself. */
  readonly router?: string;
  readonly routerBias?: boolean;
  /** Width that the router reads when the experts work on a narrower latent. */
  readonly routerSize?: number;
}

/** `experts` copies of gate [f, h], up [f, h], down [h, f], and a router [experts, h]. */
export function experts(spec: ExpertsSpec): Tensor[] {
  const { hiddenSize, width, gated = true } = spec;
  const [gate, up, down] = spec.names ?? ["gate_proj", "up_proj", "down_proj"];
  const copies = { copies: spec.experts, activeCopies: spec.activeExperts } as const;
  const one = (name: string, role: Role, shape: readonly [number, number], split: Split): Tensor[] => {
    const at = `${spec.name}.${name}`;
    const weight = tensor({
      name: `${at}.weight`,
      role,
      kind: "expert",
      group: "experts",
      shape,
      split,
      ...copies,
    });
    if (spec.bias !== true) return [weight];
    const biasSplit = split === "row" ? "replicated" : split;
    return [
      weight,
      tensor({
        name: `${at}.bias`,
        role,
        kind: "bias",
        group: "experts",
        shape: [shape[0]],
        split: biasSplit,
        ...copies,
      }),
    ];
  };
  return [
    ...(spec.router === undefined
      ? []
      : linear({
          name: spec.router,
          role: "router",
          group: "router",
          outDim: spec.experts,
          inDim: spec.routerSize ?? hiddenSize,
          bias: spec.routerBias === true,
        })),
    ...(gated ? one(gate, "mlp-gate", [width, hiddenSize], "column") : []),
    ...one(up, "mlp-up", [width, hiddenSize], "column"),
    ...one(down, "mlp-down", [hiddenSize, width], "row"),
  ];
}

/** Experts and how they are chosen, for a class that makes router or shared experts in a way of its own. */
export interface RoutedSpec extends Omit<ExpertsSpec, "experts" | "activeExperts"> {
  readonly counts: ExpertCounts;
  readonly activation: Activation;
  /** Width of the shared experts together. */
  readonly sharedWidth?: number;
  /** Width that the experts work on when it is not the hidden size. */
  readonly latentDim?: number | undefined;
}

/** The block of those experts; its tensors are the experts', and the router's where one is named. */
export function routedExperts(spec: RoutedSpec): FeedForwardParts {
  const { counts, activation, sharedWidth = 0, latentDim, ...rest } = spec;
  const { count, active } = counts;
  const { hiddenSize, width, gated = true } = rest;
  return {
    feedForward: {
      kind: "experts",
      experts: count,
      activeExperts: active,
      width,
      gated,
      activation,
      sharedWidth,
      ...defined({ latentDim }),
    },
    tensors: experts({
      ...rest,
      ...(latentDim === undefined ? {} : { hiddenSize: latentDim, routerSize: hiddenSize }),
      experts: count,
      activeExperts: active,
    }),
  };
}

export interface MoeSpec {
  readonly config: ConfigReader;
  readonly hiddenSize: number;
  readonly experts: ExpertCounts;
  /** Width of one routed expert. */
  readonly width: number;
  /** Module path of the block: "mlp". */
  readonly name?: string;
  /** Module path of the router inside the block. */
  readonly router?: string;
  readonly routerBias?: boolean;
  /**
   * One bias per expert that corrects the choice: `buffer` where the class registers it as one,
   * `parameter` where it counts.
   */
  readonly choiceBias?: "buffer" | "parameter";
  readonly choiceBiasName?: string;
  /** Names of gate, up and down inside an expert. */
  readonly expertNames?: readonly [string, string, string];
  readonly expertBias?: boolean;
  /** Shared experts as one gated MLP of this width together. */
  readonly shared?:
    | {
        readonly width: number;
        readonly name: string;
        readonly bias?: boolean;
        readonly fused?: string;
        readonly names?: readonly [string, string, string];
        /** Name of a [1, h] gate on the shared output (Qwen2-MoE). */
        readonly gate?: string;
      }
    | undefined;
  readonly activation?: string;
}

/**
 * Router [E, h], E experts of 3*h*mf (+ biases), and a shared MLP of 3*h*ms.
 *
 * @example Qwen3-30B-A3B: 128*2048 + 128 * 3*2048*768 = 262,144 + 603,979,776 per layer
 */
export function moe(spec: MoeSpec): FeedForwardParts {
  const { config, hiddenSize, width, shared, name = "mlp" } = spec;
  const { count } = spec.experts;
  const at = (module: string): string => (name === "" ? module : `${name}.${module}`);
  const routed = routedExperts({
    name: at("experts"),
    router: at(spec.router ?? "gate"),
    routerBias: spec.routerBias ?? false,
    hiddenSize,
    width,
    counts: spec.experts,
    bias: spec.expertBias ?? false,
    ...defined({ names: spec.expertNames }),
    activation: activationOf(config, spec.activation ?? "silu"),
    sharedWidth: shared?.width ?? 0,
  });
  const tensors = [...routed.tensors];
  if (spec.choiceBias !== undefined) {
    const { buffer, ...balance } = routerBalance(
      at(spec.choiceBiasName ?? "gate.e_score_correction_bias"),
      count,
    );
    tensors.push(spec.choiceBias === "buffer" ? { ...balance, buffer: buffer! } : balance);
  }
  if (shared !== undefined && shared.width > 0) {
    tensors.push(
      ...gatedMlp({
        name: at(shared.name),
        hiddenSize,
        width: shared.width,
        group: "shared-experts",
        bias: shared.bias ?? false,
        ...defined({ fused: shared.fused, names: shared.names }),
      }),
    );
    if (shared.gate !== undefined)
      tensors.push(
        ...linear({ name: at(shared.gate), role: "router", group: "router", outDim: 1, inDim: hiddenSize }),
      );
  }
  return { feedForward: routed.feedForward, tensors };
}

/** E experts of up and down alone, with biases or without, and a router [E, h] (Switch, NLLB-MoE). */
export function plainExperts(
  config: ConfigReader,
  spec: {
    readonly name: string;
    readonly width: number;
    readonly experts: number;
    readonly activeExperts: number;
    readonly names: readonly [up: string, down: string];
    readonly bias: boolean;
  },
): FeedForwardParts {
  const { name, names, width, bias, experts: count, activeExperts: active } = spec;
  if (active > count) config.fail("num_experts", `at least ${active}`);
  return routedExperts({
    name: `${name}.experts`,
    router: `${name}.router.classifier`,
    routerBias: config.flag("router_bias", false),
    hiddenSize: config.int("d_model"),
    width,
    bias,
    counts: { count, active },
    gated: false,
    names: ["", names[0], names[1]],
    activation: activationOf(config, "relu"),
  });
}
