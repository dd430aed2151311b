/** Far beyond any schema, and far below where code that walks a value by recursion runs out of stack. */
const deepestNesting = 200;

/** JSON that a model has written. @throws SyntaxError when it is none, or nested too deep to be handled */
export function parseModelJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepestNesting) throw new SyntaxError(`it is nested deeper than ${deepestNesting} levels`);
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return value;
}
