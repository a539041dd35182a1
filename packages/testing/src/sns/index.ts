import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { SamplePost } from "../webhooks/subject.js";

/** What a made-up certificate is to be. */
export interface FakeCertificateOptions {
  /** Default: the fake's own root. */
  readonly issuer?: FakeSigner | undefined;
  readonly commonName?: string | undefined;
  /** DNS names. Default: none, so that the common name counts. */
  readonly hosts?: readonly string[] | undefined;
  readonly isAuthority?: boolean | undefined;
  readonly notBefore?: Date | undefined;
  readonly notAfter?: Date | undefined;
  /** Where it says that its issuer's certificate is. */
  readonly issuerUrl?: string | undefined;
}

/** A certificate with its private key. */
export interface FakeSigner {
  readonly pem: string;
  /** SubjectPublicKeyInfo, base64. */
  readonly publicKey: string;
  readonly certificate: x509.X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
};

/** Makes a certificate; one without issuer signs itself. */
export async function fakeCertificate(options: FakeCertificateOptions = {}): Promise<FakeSigner> {
  const keys = await webcrypto.subtle.generateKey(RSA, true, ["sign", "verify"]);
  const { issuer, commonName = "made-up", hosts = [], issuerUrl } = options;
  const subject = `CN=${commonName}`;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject,
      issuer: issuer?.certificate.subject ?? subject,
      notBefore: options.notBefore ?? new Date("2026-01-01T00:00:00Z"),
      notAfter: options.notAfter ?? new Date("2028-01-01T00:00:00Z"),
      publicKey: keys.publicKey,
      signingKey: issuer?.privateKey ?? keys.privateKey,
      signingAlgorithm: RSA,
      extensions: [
        new x509.BasicConstraintsExtension(options.isAuthority ?? issuer === undefined, undefined, true),
        ...(hosts.length > 0
          ? [
              new x509.SubjectAlternativeNameExtension(
                hosts.map((value) => ({ type: "dns" as const, value })),
              ),
            ]
          : []),
        ...(issuerUrl ? [new x509.AuthorityInfoAccessExtension({ caIssuers: issuerUrl })] : []),
      ],
    },
    webcrypto as Crypto,
  );
  return {
    pem: certificate.toString("pem"),
    publicKey: Buffer.from(certificate.publicKey.rawData).toString("base64"),
    certificate,
    privateKey: keys.privateKey,
  };
}

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

/** A `fetch` that has nothing but the files given, and notes what it was asked for. Loopback goes through. */
export function fetchOfFiles(files: Readonly<Record<string, string | Uint8Array>>): {
  readonly fetch: typeof globalThis.fetch;
  readonly urls: readonly string[];
} {
  const urls: string[] = [];
  return {
    urls,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (new URL(url).hostname === "127.0.0.1") return globalThis.fetch(input, init);
      urls.push(url);
      const file = files[url];
      return file === undefined
        ? new Response("no", { status: 404 })
        : new Response(file as BodyInit, { headers: { "content-type": "application/octet-stream" } });
    },
  };
}
