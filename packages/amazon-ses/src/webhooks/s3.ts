import { ConfigurationError, fetchBytes, urlPath, WebhookRequestError } from "@posthorn/core/webhooks";
import { type AwsCredentials, signRequest, webHashes } from "../sigv4.js";

/** What getting mail from S3 takes. */
export interface S3Options {
  /** Environment: `AMAZON_SES_ACCESS_KEY_ID`, `AWS_ACCESS_KEY_ID`. */
  readonly accessKeyId?: string | undefined;
  /** Environment: `AMAZON_SES_SECRET_ACCESS_KEY`, `AWS_SECRET_ACCESS_KEY`. */
  readonly secretAccessKey?: string | undefined;
  /** With temporary credentials. Environment: `AMAZON_SES_SESSION_TOKEN`, `AWS_SESSION_TOKEN`. */
  readonly sessionToken?: string | undefined;
  /** Gives credentials that are refreshed. */
  readonly credentials?: (() => AwsCredentials | Promise<AwsCredentials>) | undefined;
  /** The bucket's region. Default: that of the topic. */
  readonly region?: string | undefined;
  /** Where S3 is, instead of AWS: `${s3Url}/${bucket}/${key}`. */
  readonly s3Url?: string | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly clock?: { now(): number } | undefined;
}

/** Where an object is. */
export interface S3Object {
  readonly bucket: string;
  readonly key: string;
  readonly region: string;
}

/**
 * Gets an object, signed with Signature Version 4.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 * @throws ConfigurationError without credentials, WebhookRequestError without a region, PosthornError when S3 does not give it
 */
export async function getObject({ bucket, key, region }: S3Object, options: S3Options): Promise<Uint8Array> {
  const credentials = await credentialsOf(options);
  const place = options.region ?? region;
  // It becomes part of a host's name.
  if (!/^[a-z0-9-]+$/.test(place)) {
    throw new WebhookRequestError("Amazon SES: the region of the mail's bucket is missing; give region", {
      status: 400,
    });
  }
  const base = options.s3Url ?? `https://s3.${place}.amazonaws.com${place.startsWith("cn-") ? ".cn" : ""}`;
  const url = `${base.replace(/\/+$/, "")}/${urlPath(bucket, ...key.split("/"))}`;
  const headers = await signRequest(
    { method: "GET", url, headers: { "x-amz-content-sha256": EMPTY_SHA256 }, bodyHash: EMPTY_SHA256 },
    credentials,
    { region: place, service: "s3", now: (options.clock ?? Date).now() },
    webHashes,
  );
  return fetchBytes("Amazon SES", url, headers, options.fetch);
}

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

async function credentialsOf(options: S3Options): Promise<AwsCredentials> {
  if (options.credentials) return options.credentials();
  const { accessKeyId, secretAccessKey, sessionToken } = options;
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey, sessionToken };
  throw new ConfigurationError(
    "Amazon SES: options accessKeyId and secretAccessKey are missing; the mail is in S3, and fetched by them",
    { provider: "Amazon SES" },
  );
}
