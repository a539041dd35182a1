import {
  bodyOf,
  headersOf,
  optionsOf,
  type WebhookVector,
  webhookVectors,
} from "../vectors/webhook-vector.js";
import { SCALEWAY_POSTS } from "./scaleway.js";
import { basicAuth, NOW, SIGNERS } from "./signers.js";

/** A post as plain data, to be changed before it becomes a request. */
export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Real posts of a kind, signed, with what they are verified by. */
export interface SignedPosts {
  readonly posts: readonly Post[];
  /** Options that verify them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970 at which they were signed. */
  readonly now: number;
  /** What the signature vouches for, as one text: a verified post has this of one that was signed. */
  readonly covered: (post: Post) => string;
}

export type Kind = "tracking" | "inbound";

/** The recorded posts of a kind that gave events. */
function recorded(provider: string, kind: Kind): readonly WebhookVector[] {
  return webhookVectors(provider).filter(
    (vector) =>
      (vector.events?.length ?? 0) > 0 && vector.response?.status === 200 && kind === kindOf(vector),
  );
}

function kindOf({ id, request }: WebhookVector): Kind {
  return request.path.includes("inbound") || /inbound\.|\.\w*Inbound\w*\./.test(id) ? "inbound" : "tracking";
}

function postOf(vector: WebhookVector): Post {
  const { path, query } = vector.request;
  const { authorization: _, ...headers } = headersOf(vector);
  return {
    url: `https://hooks.example.com${path}${query ? `?${query}` : ""}`,
    headers,
    body: Buffer.from(bodyOf(vector)),
  };
}

/** Real posts of a provider, each signed as it signs, or with HTTP basic auth where it does not. */
export function signedPosts(provider: string, kind: Kind): SignedPosts {
  const vectors = provider === "scaleway" ? [] : recorded(provider, kind);
  // These sign single fields of the post, and the recorded signatures are right.
  if (provider === "mailgun" || provider === "unisender-go") return recordedSignatures(provider, vectors);
  const signer = (SIGNERS[`${provider} ${kind}`] ?? basicAuth)();
  return {
    posts: (provider === "scaleway" ? SCALEWAY_POSTS : vectors.map(postOf)).map(signer.sign),
    options: signer.options,
    now: NOW,
    covered: signer.covered,
  };
}

function recordedSignatures(provider: string, vectors: readonly WebhookVector[]): SignedPosts {
  const usable = vectors.filter(({ id }) => !id.includes("test_actual_signed_payload"));
  const { basicAuth: _, ...options } = optionsOf(usable[0]?.settings);
  const posts = usable.map(postOf);
  const text = ({ body }: Post): string => body.toString("latin1");
  // Mailgun signs time and token, and nothing of the rest.
  const tokens = posts.flatMap(
    (post) => [...text(post).matchAll(/"token": ?"(\w+)"|name="token"\r\n\r\n(\w+)/g)].at(-1)?.slice(1) ?? [],
  );
  const token = (post: Post): string => String(tokens.some((one) => one && text(post).includes(one)));
  return {
    posts,
    options: { ...options, maxAge: 1e12 },
    now: NOW,
    covered: provider === "mailgun" ? token : text,
  };
}
