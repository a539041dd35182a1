import { createHmac } from "node:crypto";
import {
  describeWebhookConformance,
  jsonPost,
  SAMPLE_MAIL,
  SAMPLE_MIME,
  type WebhookKey,
} from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";

const keys = ["one", "two", "stranger"].map((name): WebhookKey => {
  const key = Buffer.from(`made-up ${name}`);
  return {
    option: `whsec_${key.toString("base64")}`,
    sign: (post, signedAt) => {
      const [id, timestamp] = ["msg_1", String(Math.floor(signedAt / 1000))];
      const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${post.body}`).digest("base64");
      const signatures = `v1a,bm90IG91cnM= v1,bm90IG91cnM= v1,${signature}`;
      const headers = { "svix-id": id, "svix-timestamp": timestamp, "svix-signature": signatures };
      return { ...post, headers: { ...post.headers, ...headers } };
    },
  };
}) as [WebhookKey, WebhookKey, WebhookKey];

describeWebhookConformance({
  name: "Resend tracking",
  webhook: trackingWebhook,
  verifiedBy: "signingSecret",
  keys,
  replayWindow: 300,
  post: jsonPost,
  samples: [
    {
      entry: {
        type: "email.delivered",
        created_at: "2026-11-24T12:00:00.000Z",
        data: { email_id: "m1", to: ["Grace <grace@example.org>"] },
      },
      event: { eventType: "delivered", messageId: "m1", recipient: "grace@example.org" },
    },
  ],
});

describeWebhookConformance({
  name: "Resend inbound",
  webhook: inboundWebhook,
  more: {
    apiKey: "made-up",
    fetch: async (url: string) =>
      url === "https://files.example/raw"
        ? new Response(SAMPLE_MIME)
        : Response.json({ raw: { download_url: "https://files.example/raw" } }),
  },
  verifiedBy: "inboundSecret",
  keys,
  replayWindow: 300,
  post: jsonPost,
  samples: [
    {
      entry: {
        type: "email.received",
        created_at: "2026-11-24T12:00:00.000Z",
        data: { email_id: "i1", from: "Ada <ada@example.com>", to: ["grace@example.org"], subject: "Hello" },
      },
      event: { ...SAMPLE_MAIL, timestamp: new Date("2026-11-24T12:00:00Z") },
    },
  ],
});
