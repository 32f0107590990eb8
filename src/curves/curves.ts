/** The common activation functions and losses as exact functions with their derivatives. */
import { nearestNames, VramCalcError } from "../errors.ts";
import { normalCdf, normalDensity, sigmoid, softplus } from "./special.ts";

export interface Curve {
  readonly id: string;
  readonly kind: "activation" | "loss";
  /** In words, with the variable x. */
  readonly formula: string;
  readonly value: (x: number) => number;
  readonly derivative: (x: number) => number;
  /** Interval that shows its shape. */
  readonly from: number;
  readonly to: number;
  readonly xLabel: string;
  readonly aliases?: readonly string[];
}

const activation = (
  id: string,
  formula: string,
  value: (x: number) => number,
  derivative: (x: number) => number,
  aliases: readonly string[] = [],
): Curve => ({
  id,
  kind: "activation",
  formula,
  value,
  derivative,
  from: -6,
  to: 6,
  xLabel: "input",
  aliases,
});

const loss = (
  id: string,
  formula: string,
  value: (x: number) => number,
  derivative: (x: number) => number,
  at: {
    readonly from: number;
    readonly to: number;
    readonly xLabel: string;
    readonly aliases?: readonly string[];
  },
): Curve => ({ id, kind: "loss", formula, value, derivative, ...at });

const TANH_SCALE = Math.sqrt(2 / Math.PI);
const CUBE = 0.044715;
const QUICK = 1.702;
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

/** Beta of direct preference optimization in its paper's main experiments (arXiv:2305.18290). */
const DPO_BETA = 0.1;

const tanhInner = (x: number): number => TANH_SCALE * (x + CUBE * x * x * x);
const sech2 = (x: number): number => 1 / Math.cosh(x) ** 2;

/** Every curve, activations first. */
export const CURVES: readonly Curve[] = [
  activation(
    "relu",
    "max(0, x)",
    (x) => Math.max(0, x),
    (x) => (x > 0 ? 1 : 0),
  ),
  activation(
    "leaky-relu",
    "x if x > 0 else 0.01 x",
    (x) => (x > 0 ? x : 0.01 * x),
    (x) => (x > 0 ? 1 : 0.01),
    ["leaky_relu"],
  ),
  activation(
    "relu2",
    "max(0, x)^2",
    (x) => Math.max(0, x) ** 2,
    (x) => 2 * Math.max(0, x),
    ["relu-squared", "squared-relu"],
  ),
  activation(
    "elu",
    "x if x > 0 else e^x - 1",
    (x) => (x > 0 ? x : Math.expm1(x)),
    (x) => (x > 0 ? 1 : Math.exp(x)),
  ),
  activation(
    "selu",
    "1.0507 (x if x > 0 else 1.6733 (e^x - 1))",
    (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
    (x) => SELU_SCALE * (x > 0 ? 1 : SELU_ALPHA * Math.exp(x)),
  ),
  activation(
    "gelu",
    "x Phi(x), Phi the normal distribution",
    (x) => x * normalCdf(x),
    (x) => normalCdf(x) + x * normalDensity(x),
    ["gelu-erf"],
  ),
  activation(
    "gelu-tanh",
    "0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))",
    (x) => 0.5 * x * (1 + Math.tanh(tanhInner(x))),
    (x) =>
      0.5 * (1 + Math.tanh(tanhInner(x))) +
      0.5 * x * sech2(tanhInner(x)) * TANH_SCALE * (1 + 3 * CUBE * x * x),
    ["gelu-new", "gelu_pytorch_tanh"],
  ),
  activation(
    "quick-gelu",
    "x sigmoid(1.702 x)",
    (x) => x * sigmoid(QUICK * x),
    (x) => sigmoid(QUICK * x) * (1 + QUICK * x * sigmoid(-QUICK * x)),
    ["quick_gelu"],
  ),
  activation(
    "silu",
    "x sigmoid(x)",
    (x) => x * sigmoid(x),
    (x) => sigmoid(x) * (1 + x * sigmoid(-x)),
    ["swish"],
  ),
  activation(
    "swiglu",
    "silu(x) x: both branches given x",
    (x) => x * x * sigmoid(x),
    (x) => x * sigmoid(x) * (2 + x * sigmoid(-x)),
  ),
  activation(
    "geglu",
    "gelu(x) x: both branches given x",
    (x) => x * x * normalCdf(x),
    (x) => x * (2 * normalCdf(x) + x * normalDensity(x)),
  ),
  activation(
    "reglu",
    "relu(x) x: both branches given x",
    (x) => x * Math.max(0, x),
    (x) => 2 * Math.max(0, x),
  ),
  activation(
    "glu",
    "sigmoid(x) x: both branches given x",
    (x) => x * sigmoid(x),
    (x) => sigmoid(x) * (1 + x * sigmoid(-x)),
  ),
  activation("sigmoid", "1 / (1 + e^-x)", sigmoid, (x) => sigmoid(x) * sigmoid(-x), ["logistic"]),
  activation("tanh", "tanh(x)", Math.tanh, sech2),
  activation("softplus", "ln(1 + e^x)", softplus, sigmoid),
  activation(
    "mish",
    "x tanh(softplus(x))",
    (x) => x * Math.tanh(softplus(x)),
    (x) => Math.tanh(softplus(x)) + x * sech2(softplus(x)) * sigmoid(x),
  ),
  activation("softmax", "softmax of (x, 0), first entry", sigmoid, (x) => sigmoid(x) * sigmoid(-x)),
  loss(
    "mse",
    "x^2",
    (x) => x * x,
    (x) => 2 * x,
    { from: -3, to: 3, xLabel: "prediction - target", aliases: ["l2"] },
  ),
  loss("mae", "|x|", Math.abs, Math.sign, {
    from: -3,
    to: 3,
    xLabel: "prediction - target",
    aliases: ["l1"],
  }),
  loss(
    "huber",
    "x^2 / 2 if |x| <= 1 else |x| - 1/2",
    (x) => (Math.abs(x) <= 1 ? (x * x) / 2 : Math.abs(x) - 0.5),
    (x) => Math.max(-1, Math.min(1, x)),
    { from: -3, to: 3, xLabel: "prediction - target", aliases: ["smooth-l1"] },
  ),
  loss(
    "cross-entropy",
    "-ln p",
    (p) => -Math.log(p),
    (p) => -1 / p,
    {
      from: 0.01,
      to: 1,
      xLabel: "probability of the target token",
      aliases: ["ce", "nll"],
    },
  ),
  loss(
    "bce",
    "ln(1 + e^-x), target 1",
    (x) => softplus(-x),
    (x) => -sigmoid(-x),
    {
      from: -6,
      to: 6,
      xLabel: "logit",
      aliases: ["binary-cross-entropy"],
    },
  ),
  loss(
    "kl",
    "0.5 ln(0.5 / p) + 0.5 ln(0.5 / (1 - p))",
    (p) => -0.5 * (Math.log(2 * p) + Math.log(2 * (1 - p))),
    (p) => -0.5 / p + 0.5 / (1 - p),
    { from: 0.01, to: 0.99, xLabel: "p, against a fair coin" },
  ),
  loss(
    "dpo",
    "-ln sigmoid(0.1 x)",
    (x) => softplus(-DPO_BETA * x),
    (x) => -DPO_BETA * sigmoid(-DPO_BETA * x),
    {
      from: -40,
      to: 40,
      xLabel: "log-ratio of chosen over rejected",
    },
  ),
];

const byName = new Map(
  CURVES.flatMap((curve) => [curve.id, ...(curve.aliases ?? [])].map((name) => [name, curve] as const)),
);

/**
 * The curve under a name or alias.
 *
 * @throws unknown-name with the nearest names
 */
export function curveByName(name: string): Curve {
  const curve = byName.get(name.toLowerCase());
  if (curve !== undefined) return curve;
  throw new VramCalcError("unknown-name", {
    kind: "curve",
    name,
    nearest: nearestNames(name, byName.keys()),
    hint: "vram-calc plot list names them all",
  });
}
