/** Of a syntax tree (ESTree), what this reads. */
interface Node {
  readonly type: string;
  readonly name?: string;
  readonly id?: Node | null;
  readonly init?: Node | null;
  readonly declaration?: Node | null;
  readonly declarations?: readonly Node[];
  readonly source?: Node | null;
  readonly specifiers?: readonly Node[];
  readonly exported?: Node;
  readonly local?: Node;
  readonly callee?: Node;
  readonly property?: Node;
}

/**
 * What a module of workflows exports that is surely none: signals, queries, updates, constants, classes. A plan that names one as
 * a workflow would start a child that never gets anywhere.
 *
 * Invariant: what a text does not tell (a function that comes out of a call, an export from elsewhere) is not among them.
 */
export function otherExports({ body }: { readonly body: readonly unknown[] }): string[] {
  const declared = new Map<string, boolean>();
  const exported: [name: string, local: string][] = [];
  for (const statement of body as readonly Node[]) {
    const named = statement.type === 'ExportNamedDeclaration' ? statement : undefined;
    for (const [name, other] of declarationsOf(named ? named.declaration : statement)) {
      declared.set(name, other);
      if (named) exported.push([name, name]);
    }
    if (named && !named.source) exported.push(...specifiersOf(named));
  }
  return exported.flatMap(([name, local]) => (declared.get(local) ? [name] : []));
}

/** Names, and whether each is surely no function. */
function declarationsOf(statement: Node | null | undefined): [name: string, other: boolean][] {
  if (statement?.type === 'ClassDeclaration') return [[statement.id?.name ?? '', true]];
  if (statement?.type !== 'VariableDeclaration') return [];
  return (statement.declarations ?? []).flatMap(({ id, init }): [string, boolean][] =>
    id?.name !== undefined && init ? [[id.name, isNoFunction(init)]] : [],
  );
}

function specifiersOf({ specifiers = [] }: Node): [name: string, local: string][] {
  return specifiers.flatMap(({ exported, local }): [string, string][] =>
    exported?.name !== undefined && local?.name !== undefined ? [[exported.name, local.name]] : [],
  );
}

const definitions = /^define(Signal|Query|Update)$/;
const values = [
  'ArrayExpression',
  'ClassExpression',
  'Literal',
  'NewExpression',
  'ObjectExpression',
  'TemplateLiteral',
];

function isNoFunction({ type, callee }: Node): boolean {
  if (type !== 'CallExpression') return values.includes(type);
  return definitions.test(callee?.name ?? callee?.property?.name ?? '');
}
