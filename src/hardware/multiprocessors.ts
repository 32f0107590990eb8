/**
 * Streaming multiprocessors of NVIDIA devices from Turing on, as `multiProcessorCount` prints them: cores of the data
 * sheet over 64 (Turing, A100, A30) or 128.
 */
const COUNTS = `
t4 40, a2 10, a10 72, a10g 80, a16 10, a30 56, a40 84, a100-40gb-pcie 108, a100-40gb-sxm 108, a100-80gb-pcie 108,
a100-80gb-sxm 108, a800-40gb 108, a800-80gb 108, l4 58, l20 92, l40 142, l40s 142, h100-80gb-pcie 114,
h100-80gb-sxm 132, h100-nvl 132, h800-80gb 132, h20 78, h20-141gb 78, h200 132, h200-nvl 132, gh200-96gb 132,
gh200-144gb 132, b200 148, gb200 152, gb10 48, quadro-rtx-4000 36, quadro-rtx-5000 48, quadro-rtx-6000 72,
quadro-rtx-8000 72, rtx-a400 6, rtx-a2000-6gb 26, rtx-a2000-12gb 26, rtx-a4000 48, rtx-a4500 56, rtx-a5000 64,
rtx-a5500 80, rtx-a6000 84, rtx-2000-ada 22, rtx-4000-ada 48, rtx-4000-sff-ada 48, rtx-4500-ada 60,
rtx-5000-ada 100, rtx-5880-ada 110, rtx-6000-ada 142, rtx-pro-2000 34, rtx-pro-4000 70, rtx-pro-4000-sff 70,
rtx-pro-4500 82, rtx-pro-5000 110, rtx-pro-5000-72gb 110, rtx-pro-6000 188, rtx-pro-6000-max-q 188,
rtx-pro-6000-server 188, titan-rtx 72, gtx-1650 14, gtx-1660 22, gtx-1660-super 22, gtx-1660-ti 24, rtx-2060 30,
rtx-2060-12gb 34, rtx-2060-super 34, rtx-2070 36, rtx-2070-super 40, rtx-2080 46, rtx-2080-super 48, rtx-2080-ti 68,
rtx-2080-ti-22gb 68, rtx-3050-6gb 18, rtx-3050-8gb 20, rtx-3060-8gb 28, rtx-3060-12gb 28, rtx-3060-ti 38, rtx-3070 46,
rtx-3070-ti 48, rtx-3080-10gb 68, rtx-3080-12gb 70, rtx-3080-ti 80, rtx-3090 82, rtx-3090-ti 84, rtx-4060 24,
rtx-4060-ti-8gb 34, rtx-4060-ti-16gb 34, rtx-4070 46, rtx-4070-super 56, rtx-4070-ti 60, rtx-4070-ti-super 66,
rtx-4080 76, rtx-4080-super 80, rtx-4090 128, rtx-4090-d 114, rtx-4090-48gb 128, rtx-4090-d-48gb 114, rtx-5050 20,
rtx-5060 30, rtx-5060-ti-8gb 36, rtx-5060-ti-16gb 36, rtx-5070 48, rtx-5070-ti 70, rtx-5080 84, rtx-5090 170,
rtx-5090-d 170, gtx-1650-laptop 16, rtx-2050-laptop 16, rtx-2060-laptop 30, rtx-2070-laptop 36,
rtx-2070-super-laptop 40, rtx-3050-laptop 16, rtx-3050-laptop-6gb 20, rtx-3050-ti-laptop 20, rtx-3060-laptop 30,
rtx-3070-laptop 40, rtx-3070-ti-laptop 46, rtx-3080-laptop-8gb 48, rtx-3080-laptop-16gb 48, rtx-3080-ti-laptop 58,
rtx-4050-laptop 20, rtx-4060-laptop 24, rtx-4070-laptop 36, rtx-4080-laptop 58, rtx-4090-laptop 76,
rtx-5050-laptop 20, rtx-5060-laptop 26, rtx-5070-laptop 36, rtx-5070-ti-laptop 46, rtx-5080-laptop 60,
rtx-5090-laptop 82, rtx-a2000-laptop-4gb 20, rtx-a2000-laptop-8gb 20, rtx-a3000-laptop-6gb 32,
rtx-a3000-laptop-12gb 32, rtx-a4000-laptop 40, rtx-a5000-laptop 48, rtx-3500-ada-laptop 40`;

let counts: ReadonlyMap<string, number> | undefined;

/**
 * Multiprocessors of the accelerator of this id, where they are known.
 *
 * @example multiprocessors("rtx-4090") // 128
 */
export function multiprocessors(id: string): number | undefined {
  counts ??= new Map(
    COUNTS.trim()
      .split(/,\s+/)
      .map((entry) => {
        const [name, count] = entry.split(" ");
        return [name!, Number(count)];
      }),
  );
  return counts.get(id);
}
