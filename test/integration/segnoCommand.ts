import type { Command } from 'commander';
import { vi } from 'vitest';

/** The standard output of `segno …`. @throws what the command would report */
export async function segno(command: Command, ...args: string[]): Promise<string> {
  let written = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
  try {
    await command.parseAsync(args, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return written;
}
