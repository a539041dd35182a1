import { jsonOf, type WebhookPost, WebhookRequestError } from "@posthorn/core/webhooks";

/** The entries of a post; Mandrill puts tracking and inbound events alike in one form field. */
export function eventsOf(post: WebhookPost): readonly unknown[] {
  const events = jsonOf(post.form().text("mandrill_events"));
  if (!Array.isArray(events)) {
    throw new WebhookRequestError("Mandrill: the form has no list of mandrill_events", { status: 400 });
  }
  return events;
}
