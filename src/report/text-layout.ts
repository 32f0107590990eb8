/** Words and columns in the width of a terminal. */

/** Breaks a sentence at spaces; continuation lines start with `indent`. */
export function wrap(text: string, columns: number, indent = ""): string {
  const lines: string[] = [];
  const lead = /^ */.exec(text)![0];
  let line = "";
  for (const word of text.trimStart().split(" ")) {
    const next = line === "" ? `${lead}${word}` : `${line} ${word}`;
    if (next.length > columns && line.trim() !== "") {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = next;
  }
  lines.push(line);
  return lines.join("\n");
}

/** Rows as columns two spaces apart, indented by two. */
export function alignRows(
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
): string[] {
  const widths = align.map((_, i) => Math.max(0, ...rows.map((row) => (row[i] ?? "").length)));
  return rows.map((row) =>
    `  ${row.map((cell, i) => (align[i] === "left" ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")}`.trimEnd(),
  );
}
