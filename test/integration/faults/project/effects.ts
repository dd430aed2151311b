/** What tools did outside, in order; the workers of these tests share the test's process. */
export const effects: { tool: string; key: string }[] = [];
