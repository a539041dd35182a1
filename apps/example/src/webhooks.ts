import { memoryEventStore } from "@posthorn/core/webhooks";
import * as mailgun from "@posthorn/mailgun/webhooks";
import * as mandrill from "@posthorn/mandrill/webhooks";
import type { Hono } from "hono";
import type { Activity } from "./activity.js";
import { inboundRow, trackingRow } from "./table.js";

/** The keys that providers sign their posts with. Without its key a provider's webhooks are not there. */
export interface WebhookKeys {
  readonly mandrill?: string | undefined;
  readonly mailgun?: string | undefined;
}

/** Where the webhooks of a provider are. */
export function webhookUrls(
  base: string,
  provider: keyof WebhookKeys,
): { readonly tracking: string; readonly inbound: string } {
  return {
    tracking: `${base}/webhooks/${provider}/tracking`,
    inbound: `${base}/webhooks/${provider}/inbound`,
  };
}

/** Mounts the webhooks of both providers, which note what they hear. */
export function mountWebhooks(app: Hono, keys: WebhookKeys, activity: Activity): void {
  const onError = (error: unknown): void => console.error(`webhook: ${(error as Error).message}`);
  const tracking: mailgun.MailgunTrackingOptions = {
    // Mailgun posts an event again when it saw no answer; it is to be told of once.
    store: memoryEventStore(),
    onError,
    onEvent: (event) => activity.add("event", trackingRow(event)),
  };
  const inbound: mailgun.MailgunInboundOptions = {
    store: memoryEventStore(),
    onError,
    onEvent: (event) => activity.add("event", inboundRow(event)),
  };
  const { mandrill: mandrillKey, mailgun: mailgunKey } = keys;
  const handlers = {
    ...(mandrillKey && {
      "mandrill/tracking": mandrill.trackingWebhook({ ...tracking, signingKey: mandrillKey }),
      "mandrill/inbound": mandrill.inboundWebhook({ ...inbound, signingKey: mandrillKey }),
    }),
    ...(mailgunKey && {
      "mailgun/tracking": mailgun.trackingWebhook({ ...tracking, signingKey: mailgunKey }),
      "mailgun/inbound": mailgun.inboundWebhook({ ...inbound, signingKey: mailgunKey }),
      // Mailgun sends the whole mail to a route whose URL ends so.
      "mailgun/inbound/mime": mailgun.inboundWebhook({ ...inbound, signingKey: mailgunKey }),
    }),
  };
  for (const [path, handler] of Object.entries(handlers)) {
    app.all(`/webhooks/${path}`, (context) => handler(context.req.raw));
  }
}
