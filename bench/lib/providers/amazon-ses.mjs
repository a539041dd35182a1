import { createHash, createHmac } from "node:crypto";
import { FILENAME } from "../file.mjs";
import { FROM, MESSAGE, POSTHORN_MESSAGE, TO } from "../message.mjs";
import { posthorn } from "../posthorn.mjs";

const CREDENTIALS = { accessKeyId: "AKIA0000000000000000", secretAccessKey: "0000000000000000000000000000" };
const REGION = "eu-west-1";
const MAIL = {
  FromEmailAddress: FROM,
  Destination: { ToAddresses: [TO] },
  Content: {
    Simple: {
      Subject: { Data: MESSAGE.subject, Charset: "utf-8" },
      Body: {
        Text: { Data: MESSAGE.text, Charset: "utf-8" },
        Html: { Data: MESSAGE.html, Charset: "utf-8" },
      },
    },
  },
};

export const sdk = "@aws-sdk/client-sesv2";

export async function viaPosthorn(api, options) {
  const { amazonSes } = await posthorn("amazon-ses");
  const mail = amazonSes({ ...CREDENTIALS, region: REGION, apiUrl: api, ...options });
  return () => mail.send(POSTHORN_MESSAGE);
}

/** Signed as one would by hand on Node, with its synchronous hashes and a key derived once. */
export function request(api) {
  const url = new URL(`${api}/v2/email/outbound-emails`);
  const day = amzDate().slice(0, 8);
  const scope = `${day}/${REGION}/ses/aws4_request`;
  const key = [day, REGION, "ses", "aws4_request"].reduce(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${CREDENTIALS.secretAccessKey}`,
  );
  return {
    url: url.href,
    headers: { "content-type": "application/json" },
    body: () => JSON.stringify(MAIL),
    sign(body) {
      const date = amzDate();
      const canonical = `POST\n${url.pathname}\n\ncontent-type:application/json\nhost:${url.host}\nx-amz-date:${date}\n\ncontent-type;host;x-amz-date\n${sha256(body)}`;
      const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`;
      const signature = createHmac("sha256", key).update(text).digest("hex");
      return {
        "x-amz-date": date,
        authorization: `AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/${scope}, SignedHeaders=content-type;host;x-amz-date, Signature=${signature}`,
      };
    },
    isAccepted: (answer) => typeof answer.MessageId === "string",
  };
}

/** Its option `endpoint`. */
export async function viaSdk(api, { file } = {}) {
  const { SESv2Client, SendEmailCommand } = await import("@aws-sdk/client-sesv2");
  const client = new SESv2Client({ region: REGION, endpoint: api, credentials: CREDENTIALS });
  const { Simple } = MAIL.Content;
  const Attachments = file ? [{ FileName: FILENAME, RawContent: file }] : undefined;
  const input = { ...MAIL, Content: { Simple: { ...Simple, Attachments } } };
  return async () => {
    const answer = await client.send(new SendEmailCommand(input));
    if (typeof answer.MessageId !== "string") throw new Error("not accepted");
  };
}

function amzDate() {
  return new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
}

function sha256(text) {
  return createHash("sha256").update(text).digest("hex");
}
