/** What a child process of the embedded stack is, as data, so that stand-ins can take any place. */

/** What a child says of itself when it serves; `url` by those that have one. */
export interface ReadyFacts {
  readonly url?: string;
  readonly [fact: string]: unknown;
}

/** What the children that are ready have said, by name. */
export type ReadyChildren = Readonly<Record<string, ReadyFacts>>;

export interface ChildCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment, not an addition. */
  readonly env: NodeJS.ProcessEnv;
  /** Default: this process's working directory. */
  readonly cwd?: string;
}

export interface ChildSpec {
  readonly name: string;
  /** Children that must be ready before this one is started (with `connections`: told of them), and that outlive it. */
  readonly after: readonly string[];
  /** Asked again at every start. The signal is aborted when the stack stops. */
  command(ready: ReadyChildren, signal: AbortSignal): ChildCommand | Promise<ChildCommand>;
  /**
   * For a child that has work to do before it needs the others: it is started at once, and gets these environment variables
   * as its first message when all it comes after are ready.
   */
  connections?(ready: ReadyChildren): NodeJS.ProcessEnv;
  /** What a line of standard output says: that the child is ready, or nothing of interest. */
  readLine(line: string): ReadyFacts | undefined;
  /** A further check once the line was there, for servers whose line comes early. */
  probe?(facts: ReadyFacts, signal: AbortSignal): Promise<void>;
  /** Counted from its start; with `connections`, from the message. */
  readonly readyTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
  /** How often it may fail before it was ever ready; 1 where a failure is the user's to mend. */
  readonly startAttempts: number;
  /** Called before another start when it was never ready: the place to choose another port. */
  beforeRetry?(): Promise<void>;
}

/** The line our own processes print: `{"ready":true,"url":"…"}`. */
export function readJsonLine(line: string): ReadyFacts | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const facts = JSON.parse(line) as ReadyFacts & { ready?: unknown };
    return facts.ready === true ? facts : undefined;
  } catch {
    return undefined;
  }
}
