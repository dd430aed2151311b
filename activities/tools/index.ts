export { readDocument } from './readDocument.js';
export { renderReport } from './renderReport.js';
export { selectPages } from './selectPages.js';
export { sendMail } from './sendMail.js';
export { reportSchema, type Report } from './report/reportSchema.js';
