/** The longest a quick tool may take: it holds the workflow task, and with it signals and cancellation. */
export const quickToolLimitMs = 500;

/** Model calls an agent makes in the workflow that called it; after that it goes on in a child workflow of its own. */
export const turnsPerExecution = 100;

/** Payloads over this go to the ledger, and history carries their hash. */
export const claimCheckBytes = 16 * 1024;
