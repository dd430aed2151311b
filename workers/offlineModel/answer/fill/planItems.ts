/** Steps of a plan: one for each agent or tool the request offers, each after the one before. */
import { hasWord, splitName } from '../schema/fieldWords.js';
import { isObject, propertiesOf, shapeOf, type Json, type Shape } from '../schema/shape.js';
import { itemOfObject } from './findItems.js';
import type { Item, Scope } from './scope.js';

/** null when the entries are no steps: those have a worker and name what they depend on. */
export function planItems(shape: Shape, scope: Scope): Item[] | null {
  const properties = propertiesOf(shape);
  const after = properties.find(([name]) =>
    hasWord(splitName(name), 'depends', 'dependencies', 'dependency', 'needs', 'after', 'requires', 'prerequisites'),
  );
  const worker = properties.find(([name]) =>
    hasWord(splitName(name), 'agent', 'tool', 'assignee', 'assigned', 'assign', 'worker', 'role', 'uses', 'activity'),
  );
  if (!after || !worker) return null;
  const workers = offered(shapeOf(worker[1], scope.source.root), scope);
  const task = scope.source.material.prompt || goalOf(scope.source.material.input);
  const ids = workers.map((_, at) => `step${at + 1}`);
  const isList = shapeOf(after[1], scope.source.root).kind === 'array';
  return workers.map((one, at): Item => {
    const object: { [key: string]: Json } = {
      [worker[0]]: one,
      [after[0]]: isList ? ids.slice(Math.max(0, at - 1), at) : (ids[at - 1] ?? null),
    };
    for (const [name] of properties) {
      if (Object.hasOwn(object, name)) continue;
      if (hasWord(splitName(name), 'id', 'key', 'name', 'step')) object[name] = ids[at] ?? '';
      else if (
        hasWord(splitName(name), 'task', 'description', 'instruction', 'instructions', 'prompt', 'goal', 'title')
      )
        object[name] = `${one}: ${task.slice(0, 200)}`;
    }
    return { ...itemOfObject(object), index: at };
  });
}

function offered(shape: Shape, scope: Scope): string[] {
  const values = shape.values?.filter((value): value is string => typeof value === 'string') ?? [];
  if (values.length > 0) return values.slice(0, 12);
  const { input, instructions, prompt } = scope.source.material;
  for (const key of ['agents', 'workers', 'tools', 'team']) {
    const list = input?.[key];
    if (Array.isArray(list))
      return list
        .flatMap((one) =>
          typeof one === 'string' ? [one] : isObject(one) && typeof one['name'] === 'string' ? [one['name']] : [],
        )
        .slice(0, 12);
    if (isObject(list)) return Object.keys(list).slice(0, 12);
  }
  const told = /(?:agents|workers|tools|team members?)\b[^:\n]{0,40}:\s*([^\n.]{3,300})/i.exec(
    `${instructions}\n${prompt}`,
  )?.[1];
  const names =
    told?.split(/,|;|\band\b/).map(
      (one) =>
        one
          .replace(/[`"'()]/g, '')
          .trim()
          .split(/\s[-–:]\s|\s/)[0] ?? '',
    ) ?? [];
  return names.filter((one) => one !== '').slice(0, 12);
}

function goalOf(input: { [key: string]: Json } | null): string {
  const goal = ['goal', 'task', 'prompt', 'request', 'question', 'objective', 'text']
    .map((key) => input?.[key])
    .find((one) => typeof one === 'string');
  return typeof goal === 'string' ? goal : '';
}
