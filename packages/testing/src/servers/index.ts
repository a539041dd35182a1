export { startFakeMailgun } from "./fake-mailgun.js";
export { startFakeMandrill } from "./fake-mandrill.js";
export {
  type FakeAnswer,
  type FakeMessage,
  type FakeProvider,
  startFakeProvider,
} from "./fake-provider.js";
export {
  type FaultServer,
  type FaultServerOptions,
  type SeenRequest,
  startFaultServer,
} from "./fault-server.js";
export {
  type FaultSmtp,
  type FaultSmtpOptions,
  type SmtpFault,
  type SmtpMessage,
  type SmtpStep,
  startFaultSmtp,
} from "./fault-smtp.js";
export type { Answer, Fault, Script } from "./faults.js";
export { type FormFile, parseForm } from "./form.js";
export type { RawRequest } from "./http-parser.js";
export { seededRandom } from "./random.js";
export type { ReceivedFile, ReceivedMail } from "./received-mail.js";
export { type BlackHole, refusedUrl, startBlackHole, UNRESOLVABLE_URL } from "./unreachable.js";
export type { WebhookFake, WebhookUrls } from "./webhook-fake.js";
export type { WebhookDelivery, WebhookPosterOptions } from "./webhook-poster.js";
