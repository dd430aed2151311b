/** The longest a quick tool may take: it holds the workflow task, and with it signals and cancellation. */
export const quickToolLimitMs = 500;

/** Model calls an agent makes in the workflow that called it; after that it goes on in a child workflow of its own. */
export const turnsPerExecution = 100;

/** Tools a model may ask for in one turn: each is a pending activity, of which a workflow may have 2,000. */
export const callsPerTurn = 128;

/** Payloads over this go to the ledger, and history carries their hash. */
export const claimCheckBytes = 16 * 1024;

/** How long one model call may take at most, its stream included. */
export const modelCallLimitMs = 15 * 60_000;
