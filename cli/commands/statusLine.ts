/** Messages on standard error: lines that stay, and on a terminal one line of progress that is written over. */

const logEveryMs = 15_000;

export interface StatusLine {
  /** A line that stays; undefined writes nothing. */
  say(line: string | undefined): void;
  progress(progress: { readonly message: string }): void;
}

export function openStatusLine(stream: NodeJS.WriteStream = process.stderr): StatusLine {
  let shown = false;
  let lastAt = 0;
  const clear = (): void => {
    if (shown) stream.write('\r\x1b[2K');
    shown = false;
  };
  return {
    say(line) {
      if (line === undefined) return;
      clear();
      stream.write(`${line}\n`);
    },
    progress({ message }) {
      if (stream.isTTY) {
        clear();
        stream.write(message.slice(0, Math.max(20, stream.columns - 1)));
        shown = true;
        return;
      }
      // In a log, often enough to show that it goes on.
      if (Date.now() - lastAt < logEveryMs) return;
      lastAt = Date.now();
      stream.write(`${message}\n`);
    },
  };
}
