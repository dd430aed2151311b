import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { isNode, isScalar, LineCounter, parseDocument as parseYaml, visit } from 'yaml';
import { SegnoError } from '../core/errors.js';
import { planCatalogue } from '../core/plan/catalogue.js';
import { type Plan, planLimits } from '../core/plan/plan.js';
import { parsePlan } from '../core/plan/readPlan.js';
import { type Project, workflowNames } from '../workers/loadProject.js';

/**
 * A plan of a project: named in its config, or a JSON or YAML file; checked.
 *
 * @throws SegnoError `Plan.Unknown`, `Plan.Invalid`
 */
export async function loadPlan(project: Project, nameOrFile: string): Promise<Plan> {
  const named = project.plans.get(nameOrFile);
  const source = await readPlanFile(named ?? resolve(nameOrFile), () => unknownPlan(project, nameOrFile));
  const workflows = await workflowNames(project);
  return parsePlan(parseDocument(source, named ?? nameOrFile), planCatalogue({ ...project.config, workflows }));
}

function unknownPlan({ plans }: Project, name: string): SegnoError {
  const known = [...plans.keys()].sort().join(', ') || 'none';
  return new SegnoError('Plan.Unknown', `there is no plan named ${name} and no such file; there are: ${known}`);
}

async function readPlanFile(path: string, unknown: () => SegnoError): Promise<string> {
  try {
    const bytes = await readFile(path);
    // A character has at most four bytes; what is longer is too long however it is read.
    if (bytes.byteLength <= planLimits.characters * 4) return bytes.toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw unknown();
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new SegnoError('Plan.Invalid', `${path} cannot be read (${reason})`, { cause: error });
  }
  throw new SegnoError('Plan.Invalid', `${path} is too long for a plan`);
}

/** @throws SegnoError `Plan.Invalid`, with the line */
function parseDocument(source: string, file: string): unknown {
  const isYaml = /^\.ya?ml$/i.test(extname(file));
  if (isYaml && source.length > longestYaml)
    throw new SegnoError('Plan.Invalid', `${file} has over ${longestYaml} characters; write it as JSON`);
  const deep = deepLine(source);
  if (deep !== undefined) throw new SegnoError('Plan.Invalid', `${file}, line ${deep}: it is nested too deeply`);
  try {
    return withoutEditorSchema(isYaml ? readYaml(source) : (JSON.parse(source) as unknown));
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
    throw new SegnoError('Plan.Invalid', `${file} is no ${isYaml ? 'YAML' : 'JSON'}: ${withLine(reason, source)}`);
  }
}

/** Of JSON, Node 20 says at which character something is wrong, and at which line only from 22 on. */
function withLine(reason: string, source: string): string {
  const position = /at position (\d+)$/.exec(reason)?.[1];
  if (position === undefined) return reason;
  return `${reason} (line ${source.slice(0, Number(position)).split('\n').length})`;
}

/** A JSON file tells its editor in `$schema` what it holds; that is no part of the plan. */
function withoutEditorSchema(document: unknown): unknown {
  if (typeof document !== 'object' || document === null || !Object.hasOwn(document, '$schema')) return document;
  const { $schema, ...plan } = document as Record<string, unknown>;
  return typeof $schema === 'string' ? plan : document;
}

/** The library's own checks of keys, and its pictures of errors, take time with the square of the text: neither is used. */
function readYaml(source: string): unknown {
  const lines = new LineCounter();
  const document = parseYaml(source, {
    logLevel: 'silent',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const [error] = document.errors;
  if (error) throw new Error(`${error.message} (line ${lines.linePos(error.pos[0]).line})`);
  const lineOf = (key: unknown): string => {
    const start = isNode(key) ? key.range?.[0] : undefined;
    return start === undefined ? '' : ` (line ${lines.linePos(start).line})`;
  };
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : undefined;
        if (name === undefined || seen.has(name))
          throw new Error(
            `${name === undefined ? 'a key is no text' : `the key ${name} stands there twice`}${lineOf(key)}`,
          );
        seen.add(name);
      }
    },
  });
  return document.toJS() as unknown;
}

/** Reading YAML costs some ten times what reading JSON costs. */
const longestYaml = planLimits.characters / 10;
/** Far more than a plan may be deep, and far less than what ends a parser's stack. */
const deepest = 200;

/**
 * The line in which brackets, indentation, or dashes one after the other nest deeper than any plan may: the parsers recurse, and
 * on a text made for it they take seconds or end the process. Brackets in texts count, too; so many without their ends are none.
 */
function deepLine(source: string): number | undefined {
  let depth = 0;
  for (const [index, line] of source.split('\n').entries()) {
    let markers = 0;
    for (let at = 0; at < line.length; at += 1) {
      const character = line[at]!;
      if (character === '[' || character === '{') depth += 1;
      else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
      else if ((character === '-' || character === '?') && /\s/.test(line[at + 1] ?? '\n')) markers += 1;
      if (depth > deepest || markers > deepest) return index + 1;
    }
    if (line.search(/\S/) > deepest * 2) return index + 1;
  }
  return undefined;
}
