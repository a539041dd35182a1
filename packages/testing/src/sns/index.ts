/** A made-up SNS, for tests of webhooks on it: `@posthorn/testing/sns`. Needs `@peculiar/x509` and `reflect-metadata`. */
export { type FakeCertificateOptions, type FakeSigner, fakeCertificate } from "./certificate.js";
export { fetchOfFiles } from "./files.js";
export { type SnsSigning, signSnsMessage } from "./message.js";
export { snsMessage, snsSubject } from "./subject.js";
