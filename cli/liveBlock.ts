/** Lines at the bottom of a terminal that are drawn again in place. */
export class LiveBlock {
  private drawn = 0;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  draw(lines: readonly string[]): void {
    const { columns = 80, rows = 24 } = this.stream;
    const fitting = lines.slice(-(rows - 1)).map((line) => cut(line, columns - 1));
    this.stream.write(`${this.erase()}${fitting.join('\n')}\n`);
    this.drawn = fitting.length;
  }

  /** Leave what is drawn where it is. */
  end(): void {
    this.drawn = 0;
  }

  private erase(): string {
    return this.drawn === 0 ? '' : `\u001b[${this.drawn}A\u001b[J`;
  }
}

/** Cut to a width in visible characters; colour codes take none. */
function cut(line: string, width: number): string {
  let visible = 0;
  let result = '';
  for (const [part] of line.matchAll(/\u001b\[[0-9;]*m|./gsu)) {
    if (!part.startsWith('\u001b')) visible += 1;
    if (visible > width) return `${result}\u001b[0m`;
    result += part;
  }
  return result;
}
