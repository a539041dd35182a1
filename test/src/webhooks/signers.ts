import { createHmac, createSign, generateKeyPairSync, sign as signBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Post } from "./posts.js";

/** How a provider's posts are signed, and what they are verified by. */
export interface Signer {
  readonly options: Readonly<Record<string, unknown>>;
  readonly sign: (post: Post) => Post;
  /** What the signature vouches for, as one text. */
  readonly covered: (post: Post) => string;
}

/** When posts are signed, in milliseconds since 1970. */
export const NOW = Date.UTC(2027, 0, 1);
const CREDENTIALS = "username:password";
const SECRET = "made-up-webhook-secret";
const hmac = (hash: string, key: string | Buffer, text: string | Buffer) =>
  createHmac(hash, key).update(text);
const body = ({ body: bytes }: Post): string => bytes.toString("latin1");
const header = (post: Post, name: string): string => post.headers[name] ?? "";

/** How each provider that signs does it, with made-up keys, so that every recorded post can be used. */
export const SIGNERS: Readonly<Record<string, () => Signer>> = {
  "mailersend tracking": () => hmacHeader("signature", { signingKey: SECRET }),
  "mailersend inbound": () => hmacHeader("signature", { signingKey: SECRET }),
  "mailtrap tracking": () => hmacHeader("mailtrap-signature", { signingKey: SECRET }),
  "postal tracking": postal,
  "postal inbound": postal,
  "resend tracking": () => svix("signingKey"),
  "resend inbound": () => svix("signingKey", { apiKey: "made-up-api-key" }),
  "sendgrid tracking": ecdsa,
  "mandrill tracking": mandrill,
  "mandrill inbound": mandrill,
  "amazon-ses tracking": () => sns(),
  "scaleway tracking": () =>
    sns({}, "https://messaging.s3.fr-par.scw.cloud/fr-par/sns/sns_certificate_1.crt"),
  "amazon-ses inbound": () => sns({ accessKeyId: "AKIAEXAMPLE", secretAccessKey: "made-up" }),
};

/** HTTP basic auth, for those that do not sign. */
export function basicAuth(): Signer {
  const authorization = `Basic ${btoa(CREDENTIALS)}`;
  return {
    options: { basicAuth: CREDENTIALS },
    sign: (post: Post): Post => ({ ...post, headers: { ...post.headers, authorization } }),
    covered: (post: Post) =>
      Buffer.from(header(post, "authorization").replace(/^basic\s+/i, ""), "base64").toString(),
  };
}

function hmacHeader(name: string, options: Readonly<Record<string, unknown>>): Signer {
  return {
    options,
    sign: (post: Post): Post => ({
      ...post,
      headers: { ...post.headers, [name]: hmac("sha256", SECRET, post.body).digest("hex") },
    }),
    covered: body,
  };
}

function postal(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  return {
    options: { signingKey: publicKey.export({ type: "spki", format: "pem" }) },
    sign: (post: Post): Post => ({
      ...post,
      headers: {
        ...post.headers,
        "x-postal-signature": signBytes("sha1", post.body, privateKey).toString("base64"),
      },
    }),
    covered: body,
  };
}

function svix(option: string, more: Readonly<Record<string, unknown>> = {}): Signer {
  const key = Buffer.from(SECRET);
  const timestamp = String(NOW / 1000);
  return {
    options: { [option]: `whsec_${key.toString("base64")}`, ...more },
    sign: (post: Post): Post => {
      const id = header(post, "svix-id");
      const signature = hmac("sha256", key, `${id}.${timestamp}.${post.body.toString()}`).digest("base64");
      return {
        ...post,
        headers: { ...post.headers, "svix-timestamp": timestamp, "svix-signature": `v1,${signature}` },
      };
    },
    covered: (post: Post) => `${header(post, "svix-id")}.${header(post, "svix-timestamp")}.${body(post)}`,
  };
}

function ecdsa(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const time = "x-twilio-email-event-webhook-timestamp";
  return {
    options: {
      signingKey: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
    },
    sign: (post: Post): Post => {
      const timestamp = String(NOW / 1000);
      const signature = createSign("sha256").update(timestamp).update(post.body).sign(privateKey, "base64");
      return {
        ...post,
        headers: { ...post.headers, [time]: timestamp, "x-twilio-email-event-webhook-signature": signature },
      };
    },
    covered: (post: Post) => header(post, time) + body(post),
  };
}

/** Mandrill's forms have one field, so what is signed is the URL, its name and its value. */
function mandrill(): Signer {
  const field = (post: Post): string =>
    /^multipart/i.test(header(post, "content-type"))
      ? (/name\s*=\s*"?mandrill_events[\s\S]*?\r\n\r\n([\s\S]*?)\r\n--/i.exec(post.body.toString())?.[1] ??
        "")
      : (new URLSearchParams(post.body.toString()).get("mandrill_events") ?? "");
  return {
    options: { signingKey: SECRET },
    sign: (post: Post): Post => ({
      ...post,
      headers: {
        ...post.headers,
        "x-mandrill-signature": hmac("sha1", SECRET, `${post.url}mandrill_events${field(post)}`).digest(
          "base64",
        ),
      },
    }),
    covered: field,
  };
}

const fixture = (name: string): string =>
  readFileSync(new URL(`fixtures/sns/${name}`, import.meta.url), "utf8");
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail";
const CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem";

function sns(more: Readonly<Record<string, unknown>> = {}, certificateUrl = CERTIFICATE_URL): Signer {
  const signed = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"] as const;
  const text = (fields: Readonly<Record<string, unknown>>): string =>
    signed.map((name) => `${name}\n${fields[name]}\n`).join("");
  return {
    options: {
      ...more,
      topicArns: [TOPIC],
      trustAnchors: [fixture("root.txt")],
      fetch: async (url: string) => {
        // Everything else is mail in S3.
        return new Response(url === certificateUrl ? fixture("cert.pem") : "Subject: fetched\r\n\r\nhello");
      },
    },
    sign: (post: Post): Post => {
      const fields = {
        ...(JSON.parse(post.body.toString()) as Record<string, unknown>),
        Timestamp: new Date(NOW).toISOString(),
        TopicArn: TOPIC,
        SignatureVersion: "2",
        SigningCertURL: certificateUrl,
      } as Record<string, unknown>;
      delete fields["Subject"];
      const signature = signBytes("sha256", Buffer.from(text(fields)), fixture("key.pem")).toString("base64");
      return { ...post, body: Buffer.from(JSON.stringify({ ...fields, Signature: signature })) };
    },
    covered: (post: Post) => text(JSON.parse(post.body.toString()) as Record<string, unknown>),
  };
}
