export { readDocument, renderReport, selectPages, sendMail } from 'segno/tools';
