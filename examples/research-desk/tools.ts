import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { defineTool } from 'segno';
import { z } from 'zod';

const library = fileURLToPath(new URL('./library', import.meta.url));
const article = z.object({ title: z.string(), text: z.string() });

/** The desk's library: a folder of articles. A search engine or an archive would stand here. */
export const searchLibrary = defineTool({
  description: 'Finds articles of the library that have words of the query in them, the best first.',
  input: z.object({ query: z.string(), limit: z.number().int().min(1).max(10).default(3) }),
  output: z.object({ articles: z.array(article) }),
  readOnly: true,
  async execute({ query, limit }) {
    const wanted = new Set(words(query));
    const articles = await readLibrary();
    const ranked = articles
      .map((one) => ({ ...one, score: words(`${one.title} ${one.text}`).filter((word) => wanted.has(word)).length }))
      .filter(({ score }) => score > 0)
      .sort((one, other) => other.score - one.score || one.title.localeCompare(other.title));
    return { articles: ranked.slice(0, limit).map(({ title, text }) => ({ title, text })) };
  },
});

async function readLibrary(): Promise<z.output<typeof article>[]> {
  const files = (await readdir(library)).filter((file) => file.endsWith('.md')).sort();
  return Promise.all(
    files.map(async (file) => {
      const [title = file, ...text] = (await readFile(`${library}/${file}`, 'utf8')).split('\n');
      return { title: title.replace(/^#\s*/, ''), text: text.join('\n').trim() };
    }),
  );
}

const tooCommon = new Set(['the', 'and', 'for', 'are', 'with', 'what', 'how', 'does', 'that', 'this', 'from', 'than']);

function words(text: string): string[] {
  return (text.toLowerCase().match(/[a-z]{3,}/g) ?? []).filter((word) => !tooCommon.has(word));
}
