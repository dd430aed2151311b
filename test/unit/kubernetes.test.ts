/** deploy/kubernetes/worker.yaml: the parts refer to each other, and no secret or right is given away. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

interface Container {
  image: string;
  envFrom: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  securityContext: Record<string, unknown>;
  volumeMounts: { name: string }[];
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec: {
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: { containers: Container[]; volumes: { name: string }[]; securityContext: Record<string, unknown> };
    };
  };
}

const text = readFileSync(new URL('../../deploy/kubernetes/worker.yaml', import.meta.url), 'utf8');
const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
const ofKind = (kind: string): Manifest => {
  const found = manifests.find((one) => one.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  return found;
};

describe('the workers for Kubernetes', () => {
  const { selector, template } = ofKind('Deployment').spec;
  const [worker] = template.spec.containers;

  it('are selected by the labels they carry, by the Deployment and the PodDisruptionBudget alike', () => {
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    expect(ofKind('PodDisruptionBudget').spec.selector).toEqual(selector);
  });

  it('take addresses from the ConfigMap and secrets by reference only', () => {
    expect(worker?.envFrom.map((one) => one.configMapRef?.name ?? one.secretRef?.name)).toEqual([
      ofKind('ConfigMap').metadata.name,
      'segno-worker',
    ]);
    expect(manifests.some((one) => one.kind === 'Secret')).toBe(false);
    expect(Object.keys(ofKind('ConfigMap').data ?? {}).join()).not.toMatch(/PASS|KEY|SECRET|TOKEN|DATABASE_URL/);
  });

  it('run without rights, on a file system they cannot write', () => {
    expect(template.spec.securityContext['runAsNonRoot']).toBe(true);
    expect(worker?.securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
    expect(worker?.volumeMounts.map((one) => one.name)).toEqual(template.spec.volumes.map((one) => one.name));
  });

  it('name a pinned image', () => {
    expect(worker?.image).toMatch(/:\d+\.\d+\.\d+$/);
  });
});
