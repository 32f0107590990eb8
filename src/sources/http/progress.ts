export interface ProgressOptions {
  /** False for a pipe or a log file: then nothing is ever written. */
  readonly isTerminal: boolean;
  /** Writes to stderr. */
  readonly write: (text: string) => void;
  /** Work shorter than this stays silent. */
  readonly delayMs?: number;
  /** Columns of the terminal; a longer line would wrap and could not be cleared. */
  readonly columns?: number;
}

export interface Progress {
  /** Replaces the line that says what is being waited for. */
  readonly update: (text: string) => void;
  /** Clears the line. Call it before anything else is printed. */
  readonly done: () => void;
}

const CLEAR_LINE = "\r\u001b[K";

/** One line on a terminal that appears after a second of work and leaves no trace. */
export function createProgress(options: ProgressOptions): Progress {
  const { isTerminal, write, delayMs = 1000, columns = 80 } = options;
  if (!isTerminal) return { update: () => {}, done: () => {} };
  let text = "";
  let shown = false;
  const show = () => {
    shown = true;
    write(`${CLEAR_LINE}${text.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ").slice(0, columns - 1)}`);
  };
  let timer: ReturnType<typeof setTimeout> | null = null;
  return {
    update: (next) => {
      text = next;
      if (shown) show();
      else timer ??= setTimeout(show, delayMs).unref();
    },
    done: () => {
      if (timer !== null) clearTimeout(timer);
      if (shown) write(CLEAR_LINE);
      timer = null;
      shown = false;
    },
  };
}
