import { migrateLedger, openLedger, type Ledger } from '../ledger/index.js';
import { startPostgres } from '../testing/postgres.js';
import { alone, admissionOf } from './gate.js';
const postgres = await startPostgres();
const ledger: Ledger = await openLedger({ connectionString: postgres.url });
await migrateLedger(ledger);
await ledger.query(`alter system set track_functions='pl'`, []);
await ledger.query(`select pg_reload_conf()`, []);
const med = (a: number[]) => a.sort((x, y) => x - y)[a.length >> 1]!.toFixed(2);
await alone(ledger, admissionOf(0), 300);
for (let i = 0; i < 3; i++) {
  console.log('plain', med(await alone(ledger, undefined, 300)), 'gated', med(await alone(ledger, admissionOf(0), 300)));
}
await ledger.query(`select pg_stat_reset()`, []);
console.log('gated', med(await alone(ledger, admissionOf(0), 500)));
await new Promise((r) => setTimeout(r, 1500));
console.table((await ledger.query<any>(`select funcname, calls, round(total_time::numeric/calls,3) total, round(self_time::numeric/calls,3) self, round(self_time::numeric/500,3) percall from pg_stat_user_functions order by self_time desc limit 16`, [])).rows);
console.table((await ledger.query<any>(`select relname, n_dead_tup, n_tup_hot_upd, n_tup_upd, pg_relation_size(relid)/8192 pages, seq_scan, idx_scan from pg_stat_user_tables where relname in ('budgets','gates','leases','tickets','steps','attempts')`, [])).rows);
await ledger.close(); await postgres.stop(); process.exit();
