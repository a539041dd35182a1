import * as amazonSes from "@posthorn/amazon-ses/webhooks";
import * as brevo from "@posthorn/brevo/webhooks";
import type { InboundEvent } from "@posthorn/core/inbound";
import type { TrackingEvent, WebhookHandler, WebhookOptions } from "@posthorn/core/webhooks";
import * as mailersend from "@posthorn/mailersend/webhooks";
import * as mailgun from "@posthorn/mailgun/webhooks";
import * as mailjet from "@posthorn/mailjet/webhooks";
import * as mailtrap from "@posthorn/mailtrap/webhooks";
import * as mandrill from "@posthorn/mandrill/webhooks";
import * as postal from "@posthorn/postal/webhooks";
import * as postmark from "@posthorn/postmark/webhooks";
import * as resend from "@posthorn/resend/webhooks";
import * as sendgrid from "@posthorn/sendgrid/webhooks";
import * as sparkpost from "@posthorn/sparkpost/webhooks";
import * as unisenderGo from "@posthorn/unisender-go/webhooks";

type Make<E> = (options: WebhookOptions<E>) => WebhookHandler;

/** The webhooks of a provider; their own options are given beside those that all take. */
export interface ProviderWebhooks {
  readonly trackingWebhook: Make<TrackingEvent>;
  readonly inboundWebhook?: Make<InboundEvent>;
}

/** The webhooks of every provider that has them, by its folder's name. */
export const WEBHOOKS: Readonly<Record<string, ProviderWebhooks>> = {
  "amazon-ses": amazonSes,
  brevo,
  mailersend,
  mailgun,
  mailjet,
  mailtrap,
  mandrill,
  postal,
  postmark,
  resend,
  sendgrid,
  sparkpost,
  "unisender-go": unisenderGo,
};
