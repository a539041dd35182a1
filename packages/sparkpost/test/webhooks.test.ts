import {
  describeWebhookConformance,
  jsonListPost,
  SAMPLE_MAIL,
  SAMPLE_MIME,
} from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const delivery = {
  type: "delivery",
  event_id: "e1",
  transmission_id: "t1",
  raw_rcpt_to: "Grace@example.org",
  rcpt_to: "grace@example.org",
  timestamp: "1764000000",
  rcpt_tags: ["welcome"],
  rcpt_meta: { userId: 42 },
};
const click = { ...delivery, type: "click", event_id: "e2", target_link_url: "https://example.com/" };

describeWebhookConformance({
  name: "SparkPost tracking",
  webhook: trackingWebhook,
  verifiedBy: "webhookSecret",
  post: jsonListPost,
  samples: [
    {
      entry: { msys: { message_event: delivery } },
      event: {
        eventType: "delivered",
        messageId: "t1",
        recipient: "Grace@example.org",
        tags: ["welcome"],
        metadata: { userId: 42 },
      },
    },
    {
      entry: { msys: { track_event: click } },
      event: { eventType: "clicked", eventId: "e2", clickUrl: "https://example.com/" },
    },
  ],
});

const received = {
  msys: {
    relay_message: {
      msg_from: "bounces@example.com",
      rcpt_to: "grace@inbound.example.org",
      content: {
        email_rfc822: Buffer.from(SAMPLE_MIME).toString("base64"),
        email_rfc822_is_base64: true,
      },
    },
  },
};
const mail = {
  ...SAMPLE_MAIL,
  message: {
    ...SAMPLE_MAIL.message,
    envelopeSender: "bounces@example.com",
    envelopeRecipient: "grace@inbound.example.org",
  },
};

describeWebhookConformance({
  name: "SparkPost inbound",
  webhook: inboundWebhook,
  verifiedBy: "webhookSecret",
  withoutEventId: true,
  post: jsonListPost,
  samples: [
    { entry: received, event: mail },
    { entry: received, event: mail },
  ],
});
