import { z } from 'zod';

/** A JSON Schema document (draft 2020-12), as zod writes it. */
export type JsonSchema = Record<string, unknown>;

/**
 * The JSON Schema of what a zod schema puts out, or (`input`) takes in, where fields with defaults may be left out.
 *
 * @throws Error when values of the schema would not survive JSON: dates, maps, sets, bigints, `undefined`, transforms
 */
export function toJsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): JsonSchema {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(schema, { io, unrepresentable: 'throw' });
  return jsonSchema;
}

/** @throws Error that names `where` when the schema's values would change on their way through JSON */
export function assertSurvivesJson(schema: z.ZodType, where: string): void {
  try {
    toJsonSchema(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${where} does not survive JSON: ${reason}. Use ISO strings for dates, records for maps, arrays for sets, and no transforms.`,
      { cause: error },
    );
  }
}

/** One line an issue, each with its path, for people and models alike: `facts.revenue.current: expected number`. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 20)
    .map((issue) => `${issue.path.length === 0 ? '(root)' : issue.path.join('.')}: ${issue.message}`)
    .join('\n');
}
