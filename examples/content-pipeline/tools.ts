import { defineTool, documentRefSchema, SegnoError } from 'segno';
import { z } from 'zod';
import * as store from './contentStore.js';

/** Who acts: `--deps '{"userId":"noor"}'`, or `deps` of the client's `start`. */
const deps = z.object({ userId: z.string().min(1) });
const contentId = z.string().min(1).max(100).describe('Id of the content');

export const addContent = defineTool({
  description: 'Put a Markdown document into the content store. Its first heading is the title.',
  input: z.object({ document: documentRefSchema }),
  output: z.object({ contentId, title: z.string() }),
  deps,
  idempotent: true,
  async execute({ document }, { documents, deps: { userId } }) {
    const text = new TextDecoder().decode(await documents.read(document));
    const title = /^# (.+)$/m.exec(text)?.[1]?.trim().slice(0, 200);
    if (!title) throw new SegnoError('Tool.InvalidInput', `${document.name ?? 'The document'} has no line "# Title".`);
    const id = `${slugOf(title)}-${document.sha256.slice(0, 8)}`;
    await store.addContent(id, { title, text, authorId: userId });
    return { contentId: id, title };
  },
});

export const getContentText = defineTool({
  description: 'Read the text of a content by its id.',
  input: z.object({ contentId }),
  output: z.object({ title: z.string(), text: z.string() }),
  readOnly: true,
  async execute(input) {
    const { title, text } = await store.findContent(input.contentId);
    return { title, text };
  },
});

export const saveEnhancedContent = defineTool({
  description: 'Save an improved text as the next version of a content.',
  input: z.object({ contentId, text: z.string().min(1).max(200_000), improvements: z.array(z.string()) }),
  output: z.object({ version: z.number().int().positive() }),
  deps,
  idempotent: true,
  async execute({ contentId, text, improvements }, { idempotencyKey, deps: { userId } }) {
    return { version: await store.addVersion({ contentId, userId, idempotencyKey }, { text, improvements }) };
  },
});

/** CMS_URL is the address the magazine is read at. */
export const publishToCms = defineTool({
  description: 'Publish a version of a content, with the posts that announce it. Only its author may.',
  input: z.object({
    contentId,
    version: z.number().int().positive(),
    socialPosts: z.array(z.string().max(280)).max(3),
  }),
  output: z.object({ published: z.boolean(), url: z.url(), socialPosts: z.array(z.string()) }),
  deps,
  idempotent: true,
  async execute({ contentId, version, socialPosts }, { idempotencyKey, deps: { userId } }) {
    const { authorId } = await store.findContent(contentId);
    if (authorId !== userId) {
      const message = `${userId} may not publish ${contentId}: its author is ${authorId}.`;
      throw new SegnoError('Tool.Failed', message, { retryable: false });
    }
    const url = `${process.env['CMS_URL'] ?? 'https://magazine.example'}/${contentId}`;
    const published = await store.addPublication({ contentId, userId, idempotencyKey }, { version, url, socialPosts });
    return { published: true, url: published, socialPosts };
  },
});

function slugOf(title: string): string {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
}
