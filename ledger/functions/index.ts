/** What the database decides under its own locks. A change of any of them is a new version in ledger/migrateLedger.ts. */
import { admissionFunctions } from './admission.js';
import { breakerFunctions } from './breakers.js';
import { budgetFunctions } from './budgets.js';
import { gateFunctions } from './gates.js';
import { placeFunctions } from './places.js';
import { settlementFunctions } from './settlement.js';
import { stepFunctions } from './steps.js';
import { windowFunctions } from './windows.js';

export const functions = [
  windowFunctions,
  breakerFunctions,
  gateFunctions,
  budgetFunctions,
  admissionFunctions,
  settlementFunctions,
  stepFunctions,
  placeFunctions,
].join('\n');
