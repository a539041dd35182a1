import {
  ConfigurationError,
  isRecord,
  type JsonRecord,
  jsonOf,
  textOf,
  type WebhookPost,
  WebhookRequestError,
} from "@posthorn/core/webhook";

/** What SNS posts. https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html */
export interface SnsEnvelope {
  readonly type: string;
  readonly messageId: string | null;
  readonly topicArn: string;
  readonly message: string;
  readonly timestamp: string | null;
  readonly fields: JsonRecord;
}

/** @throws WebhookRequestError when it is no post of SNS, ConfigurationError when SNS posts without its envelope */
export function readEnvelope(post: WebhookPost): SnsEnvelope {
  if (post.headers.get("x-amz-sns-rawdelivery") === "true") {
    throw new ConfigurationError("Amazon SES: turn off raw message delivery of the SNS subscription", {
      provider: "Amazon SES",
    });
  }
  const fields = post.json();
  if (!isRecord(fields))
    throw new WebhookRequestError("Amazon SES: the body is not an SNS message", { status: 400 });
  const type = textOf(fields["Type"]);
  const told = post.headers.get("x-amz-sns-message-type");
  const toldId = post.headers.get("x-amz-sns-message-id");
  if (type === null || (told !== null && told !== type)) {
    throw new WebhookRequestError(
      "Amazon SES: the SNS message's type is missing, or another than its header's",
      {
        status: 400,
      },
    );
  }
  if (toldId !== null && toldId !== fields["MessageId"]) {
    throw new WebhookRequestError("Amazon SES: the SNS message's id is another than its header's", {
      status: 400,
    });
  }
  return {
    type,
    messageId: textOf(fields["MessageId"]),
    topicArn: textOf(fields["TopicArn"]) ?? "",
    message: textOf(fields["Message"]) ?? "",
    timestamp: textOf(fields["Timestamp"]),
    fields,
  };
}

/** The notification of SES within the envelope. @throws ConfigurationError when it is another service's */
export function readNotification({ message }: SnsEnvelope): JsonRecord {
  const notification = jsonOf(message);
  if (isRecord(notification)) return notification;
  throw new ConfigurationError(
    "Amazon SES: the SNS message is no notification of SES; look at the topic's publishers",
    {
      provider: "Amazon SES",
    },
  );
}

/** Hosts that SNS has, for its certificates and for confirming; everything else is somebody else's. */
export function isSnsUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, host, username, password } = new URL(url);
  return (
    protocol === "https:" &&
    username === "" &&
    password === "" &&
    /^sns\.[a-z0-9-]{3,}\.amazonaws\.com(?:\.cn)?$/.test(host)
  );
}
