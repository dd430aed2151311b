/**
 * The import table of AGENTS.md, as rules. Temporal's bundler does not enforce it: a workflow that imports an activity,
 * or `openai`, bundles without a word and fails (or worse, works) in production.
 *
 * Invariants:
 * 1. Every house has one entry in `houses`; what is not listed there is forbidden.
 * 2. A house nobody listed is an error (`no-unlisted-house`), so a new folder must take a place in the table.
 * 3. No cycles, type imports included.
 */

/**
 * @typedef {object} House
 * @property {string[]} [houses] other houses it may import
 * @property {string[]} [types] houses it may import with `import type` only
 * @property {string[]} [packages] npm packages it may use, as regular expressions of whole names; absent: all of them
 * @property {string[]} [typePackages] npm packages it may import with `import type` only, likewise
 * @property {string[]} [never] npm packages it may not use, likewise
 * @property {boolean} node whether it may use Node's own modules
 */

/** @type {Record<string, House>} */
const houses = {
  core: { packages: ['zod', '@marcbachmann/cel-js'], node: false },
  workflows: {
    houses: ['core'],
    packages: ['@temporalio/(workflow|common)'],
    // `proxyAgents` infers an agent's input from its schema; as a value zod would add a megabyte to every bundle.
    typePackages: ['zod'],
    node: false,
  },
  activities: {
    houses: ['core', 'ledger'],
    packages: [
      ...['@temporalio/(activity|common)', 'zod', 'openai', 'nodemailer', 'pdfjs-dist', 'pdfkit'],
      ...['@secretlint/[^/]+', 'gpt-tokenizer', 'libphonenumber-js', 'validator'],
    ],
    node: true,
  },
  ledger: { houses: ['core'], packages: ['pg', '@electric-sql/[^/]+'], node: true },
  workers: {
    houses: ['core', 'activities', 'ledger'],
    never: ['openai', '@temporalio/(workflow|testing)', 'commander'],
    node: true,
  },
  client: {
    houses: ['core', 'ledger'],
    types: ['workflows'],
    packages: ['@temporalio/client', '@temporalio/common'],
    node: true,
  },
  server: { houses: ['client', 'core', 'ledger'], packages: ['hono', '@hono/[^/]+', 'zod'], node: true },
  web: { types: ['core'], never: ['@temporalio/[^/]+', 'pg', 'openai'], node: false },
  cli: {
    houses: ['client', 'core', 'ledger', 'workers'],
    // `doctor` asks the server its version, and which protobufjs a replay would get.
    packages: ['commander', 'picocolors', 'zod', 'yaml', '@temporalio/client', 'protobufjs'],
    node: true,
  },
  testing: {
    houses: ['core', 'workflows', 'activities', 'ledger', 'workers', 'client', 'server'],
    node: true,
  },
};

const names = Object.keys(houses);
const outsiders = ['examples', 'test', 'bench', 'scripts'];
const publicEntries = '^(core|workflows|workers|client|testing|activities/tools)/index\\.ts$';

const folder = (list) => `^(${list.join('|')})/`;
const inPackages = (list) => `node_modules/(@types/)?(${list.join('|')})/`;
const npmKinds = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];

/** @param {string} name @param {House} house */
function rulesOf(name, house) {
  const mayImport = house.houses ?? [];
  const types = house.types ?? [];
  const forbiddenHouses = [...names, ...outsiders].filter(
    (other) => other !== name && !mayImport.includes(other) && !types.includes(other),
  );
  const from = { path: folder([name]) };
  const rules = [
    {
      name: `${name}-imports-houses`,
      comment: `${name}/ may import ${[...mayImport, ...types.map((t) => `${t} (types)`)].join(', ') || 'no other house'}.`,
      severity: 'error',
      from,
      to: { path: folder(forbiddenHouses) },
    },
  ];
  if (house.packages)
    rules.push({
      name: `${name}-imports-packages`,
      comment: `${name}/ may use these packages: ${house.packages.join(', ')}.`,
      severity: 'error',
      from,
      to: { dependencyTypes: npmKinds, pathNot: inPackages([...house.packages, ...(house.typePackages ?? [])]) },
    });
  if (house.typePackages)
    rules.push({
      name: `${name}-imports-types-only`,
      comment: `${name}/ may import ${house.typePackages.join(', ')} with \`import type\` only.`,
      severity: 'error',
      from,
      to: { path: inPackages(house.typePackages), dependencyTypesNot: ['type-only'] },
    });
  if (house.never)
    rules.push({
      name: `${name}-imports-packages`,
      comment: `${name}/ may not use these packages: ${house.never.join(', ')}.`,
      severity: 'error',
      from,
      to: { path: inPackages(house.never) },
    });
  if (types.length > 0)
    rules.push({
      name: `${name}-imports-types-only`,
      comment: `${name}/ may import ${types.join(', ')} with \`import type\` only.`,
      severity: 'error',
      from,
      to: { path: folder(types), dependencyTypesNot: ['type-only'] },
    });
  if (!house.node)
    rules.push({
      name: `${name}-no-node`,
      comment: `${name}/ runs where Node's modules do not exist.`,
      severity: 'error',
      from,
      to: { dependencyTypes: ['core'] },
    });
  return rules;
}

export default {
  forbidden: [
    ...Object.entries(houses).flatMap(([name, house]) => rulesOf(name, house)),
    {
      name: 'no-unlisted-house',
      comment: 'A new top-level folder takes a place in the import table first.',
      severity: 'error',
      from: { path: folder(names) },
      to: { path: '^[^/]+/', pathNot: [folder([...names, ...outsiders]), 'node_modules'], dependencyTypes: ['local'] },
    },
    {
      name: 'examples-use-public-entries',
      comment: 'An example imports segno, segno/workflow, … as any user’s project would, and its own folder.',
      severity: 'error',
      from: { path: '^examples/([^/]+)/' },
      to: { path: folder([...names, ...outsiders]), pathNot: [publicEntries, '^examples/$1/'] },
    },
    {
      name: 'examples-by-name',
      comment: 'Public entries by their package name, never by a relative path.',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: publicEntries, dependencyTypesNot: ['aliased', 'aliased-tsconfig', 'npm'] },
    },
    {
      name: 'cel-in-one-file',
      comment: 'core/cel.ts bounds what an expression may do; nobody evaluates one past it.',
      severity: 'error',
      from: { path: folder([...names, ...outsiders]), pathNot: '^core/cel\\.ts$' },
      to: { path: inPackages(['@marcbachmann/cel-js']) },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that import each other are one file, or want a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      comment: 'The import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^segno(/|$)' },
    },
    {
      name: 'no-dev-packages-in-product',
      comment: 'A user who installs segno does not get devDependencies.',
      severity: 'error',
      from: { path: folder(names) },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'no-undeclared-packages',
      comment: 'A package that package.json does not name is there by accident.',
      severity: 'error',
      from: { path: folder([...names, ...outsiders]) },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|out|\\.segno)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
