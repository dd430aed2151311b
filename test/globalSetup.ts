/**
 * One Temporal and one ledger for all test files of a run: on PGlite, or with SEGNO_TEST_LEDGER=postgres on a PostgreSQL
 * of its own.
 */
import { startTestServers } from 'segno/testing';
import { startPostgres } from '../testing/postgres.js';

export default async function startServers(): Promise<() => Promise<void>> {
  if (process.env['SEGNO_TEST_LEDGER'] !== 'postgres') {
    const servers = await startTestServers();
    return () => servers.close();
  }
  const postgres = await startPostgres();
  try {
    const servers = await startTestServers({ databaseUrl: postgres.url });
    return async () => {
      await servers.close();
      await postgres.stop();
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
