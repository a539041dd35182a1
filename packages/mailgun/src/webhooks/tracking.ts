import {
  misdirected,
  readEach,
  type TrackingEvent,
  trackingHandler,
  type WebhookHandler,
  type WebhookOptions,
  type WebhookPost,
} from "@posthorn/core/webhooks";
import { readEventData } from "./event-data.js";
import { readForm } from "./form-event.js";
import { MAILGUN, type MailgunSignatureOptions, signatureOf } from "./signature.js";

/** Options of {@link trackingWebhook}. */
export interface MailgunTrackingOptions extends WebhookOptions<TrackingEvent>, MailgunSignatureOptions {}

/**
 * Takes Mailgun's webhooks, and the legacy ones that post forms.
 *
 * @throws ConfigurationError without a signing key
 */
export function trackingWebhook(options: MailgunTrackingOptions): WebhookHandler {
  return trackingHandler({ ...MAILGUN, read }, options);
}

function read(post: WebhookPost): readonly TrackingEvent[] {
  const { token } = signatureOf(post);
  if (!post.isForm) return readEach("Mailgun", [post.json()], (body) => [readEventData(body, token)]);
  const form = post.form();
  const ofMessage = ["body-plain", "body-html", "body-mime", "message-url", "stripped-text"];
  if (form.text("event") === null && form.fields.some(({ name }) => ofMessage.includes(name))) {
    throw misdirected("Mailgun", "message");
  }
  const raw = form.fields.map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)]);
  return readEach("Mailgun", [raw], () => [readForm(form, token)]);
}
