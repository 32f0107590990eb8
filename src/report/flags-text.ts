/** Options of a request as a reader would type them: `{ microBatch: 2, dora: true }` is "--micro-batch 2 --dora". */
export function flagsText(values: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      return value === true ? `--${flag}` : `--${flag} ${value}`;
    })
    .join(" ");
}
