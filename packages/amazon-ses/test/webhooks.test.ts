import { fetchOfFiles } from "@posthorn/testing/sns";
import { describeWebhookConformance, describeWebhookEvents, SAMPLE_MIME } from "@posthorn/testing/webhooks";
import { inboundWebhook, trackingWebhook } from "../src/webhooks/index.js";
import { delivered, delivery, FILES, messageOf, received, receivedMail, root, SNS } from "./sns-kit.js";

describeWebhookConformance({
  name: "Amazon SES tracking",
  webhook: trackingWebhook,
  more: { trustAnchors: [root.publicKey], fetch: fetchOfFiles(FILES).fetch },
  ...SNS,
  samples: [{ entry: delivery, event: delivered }],
});

describeWebhookConformance({
  name: "Amazon SES inbound",
  // A body that is no message of SNS is one whatever key signed it.
  refusedWith: [400, 401, 503],
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

const mail = { messageId: "m1", destination: ["grace@example.org"] };
const recipient = { emailAddress: "grace@example.org", diagnosticCode: "smtp; 550 5.1.1" };
const bounce = (bounceType: string, bounceSubType: string) => ({
  eventType: "Bounce",
  mail,
  bounce: { bounceType, bounceSubType, bouncedRecipients: [recipient] },
});
const chose = (old: object, now: object) => ({
  eventType: "Subscription",
  mail,
  subscription: { contactList: "list", oldTopicPreferences: old, newTopicPreferences: now },
});
const topics = (...statuses: readonly string[]) => ({
  unsubscribeAll: false,
  topicSubscriptionStatus: statuses.map((subscriptionStatus, index) => ({
    topicName: `topic-${index + 1}`,
    subscriptionStatus,
  })),
});

// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
describeWebhookEvents({
  name: "Amazon SES tracking",
  webhook: trackingWebhook,
  post: ([notification]) => ({
    headers: { "x-amz-sns-message-type": "Notification", "content-type": "text/plain" },
    body: JSON.stringify(messageOf(notification)),
  }),
  cases: {
    ...Object.fromEntries(
      [
        ["Permanent", "General", "bounced", "bounced", true],
        ["Permanent", "NoEmail", "bounced", "bounced", true],
        ["Permanent", "Suppressed", "rejected", "bounced", null],
        ["Permanent", "OnAccountSuppressionList", "rejected", "bounced", null],
        ["Permanent", "New", "bounced", "bounced", true],
        ["Transient", "General", "bounced", "bounced", false],
        ["Transient", "MailboxFull", "bounced", "bounced", false],
        ["Transient", "MessageTooLarge", "bounced", "other", false],
        ["Transient", "ContentRejected", "bounced", "spam", false],
        ["Transient", "AttachmentRejected", "bounced", "other", false],
        ["Undetermined", "Undetermined", "bounced", "bounced", null],
      ].map(([type, subType, eventType, rejectReason, permanent]) => [
        `${type}/${subType}`,
        [
          bounce(String(type), String(subType)),
          {
            eventType,
            rejectReason,
            permanent,
            description: `${type}: ${subType}`,
            mtaResponse: "smtp; 550 5.1.1",
          },
        ] as const,
      ]),
    ),
    "a complaint": [
      {
        eventType: "Complaint",
        mail,
        complaint: { complainedRecipients: [recipient], complaintFeedbackType: "abuse" },
      },
      { eventType: "complained", rejectReason: "spam", description: "abuse" },
    ],
    "a complaint before": [
      {
        eventType: "Complaint",
        mail,
        complaint: { complainedRecipients: [recipient], complaintSubType: "OnAccountSuppressionList" },
      },
      { eventType: "rejected", rejectReason: "spam", description: "OnAccountSuppressionList" },
    ],
    "a delay": [
      {
        eventType: "DeliveryDelay",
        mail,
        deliveryDelay: { delayType: "SpamDetected", delayedRecipients: [recipient] },
      },
      { eventType: "deferred", rejectReason: "spam", description: "SpamDetected" },
    ],
    "left one topic": [
      chose(topics("OptIn", "OptIn"), topics("OptIn", "OptOut")),
      { eventType: "unsubscribed", rejectReason: "unsubscribed", description: "topic-2" },
    ],
    "left one topic, in capitals": [
      chose(topics("OPT_IN"), topics("OPT_OUT")),
      { eventType: "unsubscribed", description: "topic-1" },
    ],
    "joined one topic": [
      chose(topics("OptOut", "OptOut"), topics("OptIn", "OptOut")),
      { eventType: "subscribed", description: "topic-1" },
    ],
    "left one and joined another": [
      chose(topics("OptOut", "OptIn"), topics("OptIn", "OptOut")),
      { eventType: "unknown", description: "topic-1, topic-2" },
    ],
    "changed nothing": [chose(topics("OptOut"), topics("OptOut")), { eventType: "unknown" }],
    "left all": [
      chose(topics("OptIn"), { ...topics("OptIn"), unsubscribeAll: true }),
      { eventType: "unsubscribed", rejectReason: "unsubscribed" },
    ],
    "came back to all": [
      chose({ ...topics("OptIn"), unsubscribeAll: true }, topics("OptIn")),
      { eventType: "subscribed" },
    ],
    "something new": [
      { eventType: "New", mail },
      { eventType: "unknown", recipient: "grace@example.org", description: "New" },
    ],
    "something new about no message": [{ eventType: "New" }, { eventType: "unknown", recipient: null }],
  },
});
