import type { AcceleratorRow } from "./accelerator.ts";

/** AMD devices. `smi` is the VRAM total of rocm-smi; `runtime` is hipMemGetInfo's total. */
// biome-ignore format: one device a line reads as the table that it is
export const AMD: readonly AcceleratorRow[] = [
  // Instinct
  { id: "mi25", name: "Instinct MI25", gen: "vega", gib: 16, gbps: 484, chip: "gfx900" },
  { id: "mi50-16gb", name: "Instinct MI50 16GB", gen: "vega", gib: 16, gbps: 1024, chip: "gfx906", runtime: "16368 MiB", by: "llama.cpp", aliases: ["mi50"] },
  { id: "mi50-32gb", name: "Instinct MI50 32GB", gen: "vega", gib: 32, gbps: 1024, chip: "gfx906", runtime: "32752 MiB", by: "llama.cpp" },
  { id: "mi60", name: "Instinct MI60", gen: "vega", gib: 32, gbps: 1024, chip: "gfx906", runtime: "32752 MiB", by: "llama.cpp" },
  { id: "mi100", name: "Instinct MI100", gen: "cdna", gib: 32, gbps: 1229, chip: "gfx908" },
  { id: "mi210", name: "Instinct MI210", gen: "cdna2", gib: 64, gbps: 1638, chip: "gfx90a", runtime: "65520 MiB", by: "llama.cpp" },
  { id: "mi250", name: "Instinct MI250", gen: "cdna2", gib: 64, gbps: 1638, chip: "gfx90a", notes: "one of the card's two dies, each a device of its own" },
  { id: "mi250x", name: "Instinct MI250X", gen: "cdna2", gib: 64, gbps: 1638, chip: "gfx90a", runtime: "65520 MiB", by: "torch", notes: "one of the card's two dies, each a device of its own" },
  { id: "mi300a", name: "Instinct MI300A", gen: "cdna3", gib: 128, gbps: 5300, chip: "gfx942", unified: true },
  { id: "mi300x", name: "Instinct MI300X", gen: "cdna3", gib: 192, gbps: 5300, chip: "gfx942", runtime: "196592 MiB", by: "torch", aliases: ["mi300"] },
  { id: "mi308x", name: "Instinct MI308X", gen: "cdna3", gib: 192, gbps: 5300, chip: "gfx942" },
  { id: "mi325x", name: "Instinct MI325X", gen: "cdna3", gib: 256, gbps: 6000, chip: "gfx942", runtime: "255.98 GiB", by: "torch, github.com/vllm-project/vllm/issues/41962" },
  { id: "mi350x", name: "Instinct MI350X", gen: "cdna4", gib: 288, gbps: 8000, chip: "gfx950" },
  { id: "mi355x", name: "Instinct MI355X", gen: "cdna4", gib: 288, gbps: 8000, chip: "gfx950" },

  // Radeon
  { id: "rx-vega-56", name: "Radeon RX Vega 56", gen: "vega", gib: 8, gbps: 410, chip: "gfx900", runtime: "8176 MiB", by: "llama.cpp" },
  { id: "rx-vega-64", name: "Radeon RX Vega 64", gen: "vega", gib: 8, gbps: 484, chip: "gfx900" },
  { id: "radeon-vii", name: "Radeon VII", gen: "vega", gib: 16, gbps: 1024, chip: "gfx906" },
  { id: "rx-5500-xt-4gb", name: "Radeon RX 5500 XT 4GB", gen: "rdna", gib: 4, gbps: 224, chip: "gfx1012", aliases: ["rx-5500-xt"] },
  { id: "rx-5500-xt-8gb", name: "Radeon RX 5500 XT 8GB", gen: "rdna", gib: 8, gbps: 224, chip: "gfx1012" },
  { id: "rx-5600-xt", name: "Radeon RX 5600 XT", gen: "rdna", gib: 6, gbps: 288, chip: "gfx1010" },
  { id: "rx-5700", name: "Radeon RX 5700", gen: "rdna", gib: 8, gbps: 448, chip: "gfx1010" },
  { id: "rx-5700-xt", name: "Radeon RX 5700 XT", gen: "rdna", gib: 8, gbps: 448, chip: "gfx1010" },
  { id: "rx-6600", name: "Radeon RX 6600", gen: "rdna2", gib: 8, gbps: 224, chip: "gfx1032" },
  { id: "rx-6600-xt", name: "Radeon RX 6600 XT", gen: "rdna2", gib: 8, gbps: 256, chip: "gfx1032" },
  { id: "rx-6650-xt", name: "Radeon RX 6650 XT", gen: "rdna2", gib: 8, gbps: 280, chip: "gfx1032" },
  { id: "rx-6700", name: "Radeon RX 6700", gen: "rdna2", gib: 10, gbps: 320, chip: "gfx1031" },
  { id: "rx-6700-xt", name: "Radeon RX 6700 XT", gen: "rdna2", gib: 12, gbps: 384, chip: "gfx1031", runtime: "12272 MiB", by: "llama.cpp" },
  { id: "rx-6750-xt", name: "Radeon RX 6750 XT", gen: "rdna2", gib: 12, gbps: 432, chip: "gfx1031" },
  { id: "rx-6800", name: "Radeon RX 6800", gen: "rdna2", gib: 16, gbps: 512, chip: "gfx1030", runtime: "16368 MiB", by: "llama.cpp" },
  { id: "rx-6800-xt", name: "Radeon RX 6800 XT", gen: "rdna2", gib: 16, gbps: 512, chip: "gfx1030", runtime: "16368 MiB", by: "llama.cpp" },
  { id: "rx-6900-xt", name: "Radeon RX 6900 XT", gen: "rdna2", gib: 16, gbps: 512, chip: "gfx1030", runtime: "16368 MiB", by: "llama.cpp" },
  { id: "rx-6950-xt", name: "Radeon RX 6950 XT", gen: "rdna2", gib: 16, gbps: 576, chip: "gfx1030" },
  { id: "rx-7600", name: "Radeon RX 7600", gen: "rdna3", gib: 8, gbps: 288, chip: "gfx1102" },
  { id: "rx-7600-xt", name: "Radeon RX 7600 XT", gen: "rdna3", gib: 16, gbps: 288, chip: "gfx1102" },
  { id: "rx-7700-xt", name: "Radeon RX 7700 XT", gen: "rdna3", gib: 12, gbps: 432, chip: "gfx1101" },
  { id: "rx-7800-xt", name: "Radeon RX 7800 XT", gen: "rdna3", gib: 16, gbps: 624, chip: "gfx1101", runtime: "16368 MiB", by: "HIP" },
  { id: "rx-7900-gre", name: "Radeon RX 7900 GRE", gen: "rdna3", gib: 16, gbps: 576, chip: "gfx1100", runtime: "16368 MiB", by: "llama.cpp" },
  { id: "rx-7900-xt", name: "Radeon RX 7900 XT", gen: "rdna3", gib: 20, gbps: 800, chip: "gfx1100", runtime: "20464 MiB", by: "llama.cpp" },
  { id: "rx-7900-xtx", name: "Radeon RX 7900 XTX", gen: "rdna3", gib: 24, gbps: 960, chip: "gfx1100", runtime: "24560 MiB", by: "llama.cpp" },
  { id: "rx-9060-xt-8gb", name: "Radeon RX 9060 XT 8GB", gen: "rdna4", gib: 8, gbps: 320, chip: "gfx1200", aliases: ["rx-9060-xt"] },
  { id: "rx-9060-xt-16gb", name: "Radeon RX 9060 XT 16GB", gen: "rdna4", gib: 16, gbps: 320, chip: "gfx1200", runtime: "16304 MiB", by: "llama.cpp" },
  { id: "rx-9070", name: "Radeon RX 9070", gen: "rdna4", gib: 16, gbps: 640, chip: "gfx1201", runtime: "16304 MiB", by: "llama.cpp" },
  { id: "rx-9070-xt", name: "Radeon RX 9070 XT", gen: "rdna4", gib: 16, gbps: 640, chip: "gfx1201", runtime: "16304 MiB", by: "llama.cpp" },

  // Radeon PRO
  { id: "radeon-pro-vii", name: "Radeon Pro VII", gen: "vega", gib: 16, gbps: 1024, chip: "gfx906", runtime: "16368 MiB", by: "llama.cpp" },
  { id: "radeon-pro-v620", name: "Radeon PRO V620", gen: "rdna2", gib: 32, gbps: 512, chip: "gfx1030", runtime: "30704 MiB", by: "llama.cpp" },
  { id: "radeon-pro-w6800", name: "Radeon PRO W6800", gen: "rdna2", gib: 32, gbps: 512, chip: "gfx1030" },
  { id: "radeon-pro-w7700", name: "Radeon PRO W7700", gen: "rdna3", gib: 16, gbps: 576, chip: "gfx1101" },
  { id: "radeon-pro-w7800-32gb", name: "Radeon PRO W7800", gen: "rdna3", gib: 32, gbps: 576, chip: "gfx1100" },
  { id: "radeon-pro-w7800-48gb", name: "Radeon PRO W7800 48GB", gen: "rdna3", gib: 48, gbps: 864, chip: "gfx1100" },
  { id: "radeon-pro-w7900", name: "Radeon PRO W7900", gen: "rdna3", gib: 48, gbps: 864, chip: "gfx1100", runtime: "48300 MB", by: "torch", notes: "with ECC" },
  { id: "radeon-ai-pro-r9700", name: "Radeon AI PRO R9700", gen: "rdna4", gib: 32, gbps: 640, chip: "gfx1201", runtime: "32624 MiB", by: "llama.cpp", aliases: ["r9700-pro", "r9700"] },

  // Unified memory: Linux lets the GPU map half of it, until ttm.pages_limit or a BIOS carve-out says otherwise
  { id: "ryzen-ai-max-395-64gb", name: "Ryzen AI Max+ 395 64GB", gen: "rdna3.5", gib: 64, gbps: 256, chip: "gfx1151", share: 0.5, unified: true },
  { id: "ryzen-ai-max-395-96gb", name: "Ryzen AI Max+ 395 96GB", gen: "rdna3.5", gib: 96, gbps: 256, chip: "gfx1151", share: 0.5, unified: true },
  { id: "ryzen-ai-max-395-128gb", name: "Ryzen AI Max+ 395 128GB", gen: "rdna3.5", gib: 128, gbps: 256, chip: "gfx1151", runtime: "63720 MiB", by: "llama.cpp", unified: true, aliases: ["strix-halo", "ryzen-ai-max-395", "radeon-8060s"], notes: "the default of Linux; 131072 MiB after raising ttm.pages_limit" },
];
