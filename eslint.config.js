/**
 * Lint for mistakes the compiler lets through. Layout is Prettier's, the import table is dependency-cruiser's.
 *
 * Two groups of files have rules of their own: what runs in Temporal's sandbox must be deterministic, and public entries
 * name what they export.
 */
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const inSandbox = ['core/**/*.ts', 'workflows/**/*.ts', 'examples/**/*orkflow*.ts'];

const effects = [
  'process',
  'Buffer',
  'fetch',
  'require',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'crypto',
  'WeakRef',
  'FinalizationRegistry',
].map((name) => ({
  name,
  message: `${name} is not deterministic, or is missing, in a workflow. Do it in an activity or a tool.`,
}));

const localeDependent = [
  {
    selector: 'MemberExpression[property.name=/^(toLocale|localeCompare)/]',
    message: 'The result depends on the machine’s locale data, so a replay on another machine can differ.',
  },
  {
    selector: "MemberExpression[object.name='Intl']",
    message: 'The result depends on the machine’s locale data, so a replay on another machine can differ.',
  },
];

export default defineConfig(
  { ignores: ['dist/', 'out/', 'web/dist/', '**/.segno/', '**/node_modules/'] },
  {
    files: ['**/*.{js,mjs,ts,tsx}'],
    extends: [tseslint.configs.base],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'off',
      'no-constant-binary-expression': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-rename': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.{ts,tsx}'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        // `proxyAgents<typeof import('./agents.js')>()` is how a workflow names its agents.
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/no-for-in-array': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      // Outside a try block both forms do the same; inside one, a bare return skips the catch.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: inSandbox,
    rules: {
      'no-restricted-globals': ['error', ...effects],
      'no-restricted-syntax': ['error', ...localeDependent],
    },
  },
  {
    files: ['workflows/**/*.ts', 'examples/**/*orkflow*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'zod', allowTypeImports: true, message: 'zod adds 1 MB to the bundle; validate at the edges.' },
            { name: 'openai', message: 'Model calls are activities.' },
          ],
          patterns: [
            { group: ['node:*'], message: 'There is no Node in Temporal’s sandbox. Do it in a tool.' },
            {
              regex: '(^segno$|/(agents|tools)(\\.js)?$)',
              allowTypeImports: true,
              message: 'A value import bundles the implementation into the workflow. Use `import type` and a proxy.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['**/index.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportAllDeclaration', message: 'A public entry names what it exports.' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name=/^(it|test|describe)$/][callee.property.name='only']",
          message: '.only silences every other test.',
        },
      ],
    },
  },
);
