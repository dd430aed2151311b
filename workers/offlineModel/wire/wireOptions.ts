export interface WireOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  /** Default `127.0.0.1`: this machine only. */
  host?: string;
  /** Asked of every request to `/v1` and `/stats` as a bearer token; without it anybody who reaches the port may call. */
  apiKey?: string;
  /** The models it knows, beside which every name is a 404; absent, any name will do. */
  models?: readonly string[];
  /** Default 8 MiB. */
  maxBodyBytes?: number;
  /** Wait before the first byte of an answer. Default 0. */
  latencyMs?: number;
  /** How fast an answer comes. Default: at once. */
  tokensPerSecond?: number;
  /** Prompts of more tokens are refused as `context_length_exceeded`. Default: none are. */
  contextTokens?: number;
}
