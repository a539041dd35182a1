import { describeWebhookConformance, hmacKeys, jsonBody } from "@posthorn/testing/webhooks";
import { trackingWebhook } from "../src/webhooks/index.js";

const entry = {
  event: "delivery",
  event_id: "e1",
  message_id: "m1",
  email: "grace@example.org",
  timestamp: 1_764_000_000,
  category: "welcome",
  custom_variables: { userId: 42 },
};

describeWebhookConformance({
  name: "Mailtrap tracking",
  webhook: trackingWebhook,
  verifiedBy: "signingSecret",
  keys: hmacKeys("mailtrap-signature", "hex"),
  post: (events) => jsonBody({ events }),
  samples: [
    {
      entry,
      event: { eventType: "delivered", messageId: "m1", tags: ["welcome"], metadata: { userId: 42 } },
    },
    {
      entry: { ...entry, event: "open", event_id: "e2" },
      event: { eventType: "opened", eventId: "e2", recipient: "grace@example.org" },
    },
  ],
});
