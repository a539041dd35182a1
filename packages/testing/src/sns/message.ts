import { webcrypto } from "node:crypto";
import type { SamplePost } from "../webhooks/subject.js";
import { type FakeSigner, RSA } from "./certificate.js";

/** Members of a message that SNS signs, by its type. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html */
const SIGNED: Readonly<Record<string, readonly string[]>> = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: [
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
  ],
};

/** How a message is signed. */
export interface SnsSigning {
  readonly signer: Pick<FakeSigner, "privateKey">;
  /** Where the webhook is told that the certificate is. */
  readonly certificateUrl: string;
  /** `1` signs a SHA-1, `2` a SHA-256. Default `1`, as SNS's. */
  readonly version?: "1" | "2";
}

/** A message of SNS, signed. */
export async function signSnsMessage(
  message: Readonly<Record<string, string>>,
  { signer, certificateUrl, version = "1" }: SnsSigning,
): Promise<SamplePost> {
  const type = message["Type"] ?? "";
  const text = (SIGNED[type] ?? [])
    .filter((name) => name in message)
    .map((name) => `${name}\n${message[name]}\n`)
    .join("");
  const algorithm = { name: RSA.name, hash: version === "1" ? "SHA-1" : "SHA-256" };
  const exported = await webcrypto.subtle.exportKey("pkcs8", signer.privateKey);
  const key = await webcrypto.subtle.importKey("pkcs8", exported, algorithm, false, ["sign"]);
  const signature = await webcrypto.subtle.sign(algorithm, key, Buffer.from(text));
  return {
    headers: {
      "content-type": "text/plain; charset=UTF-8",
      "x-amz-sns-message-type": type,
      "x-amz-sns-message-id": message["MessageId"] ?? "",
    },
    body: JSON.stringify({
      ...message,
      SignatureVersion: version,
      Signature: Buffer.from(signature).toString("base64"),
      SigningCertURL: certificateUrl,
    }),
  };
}
