import { fetchOfFiles } from "@posthorn/testing/sns";
import { describeWebhookConformance, SAMPLE_MIME } from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";
import { delivered, delivery, FILES, received, receivedMail, root, SNS } from "./sns-kit.js";

describeWebhookConformance({
  name: "Amazon SES tracking",
  webhook: trackingWebhook,
  more: { trustAnchors: [root.publicKey], fetch: fetchOfFiles(FILES).fetch },
  ...SNS,
  samples: [{ entry: delivery, event: delivered }],
});

describeWebhookConformance({
  name: "Amazon SES inbound",
  webhook: inboundWebhook,
  more: { trustAnchors: [root.publicKey], fetch: fetchOfFiles(FILES).fetch },
  ...SNS,
  samples: [
    {
      entry: received(
        { action: { type: "SNS", encoding: "BASE64" } },
        Buffer.from(SAMPLE_MIME).toString("base64"),
      ),
      event: receivedMail,
    },
  ],
});
