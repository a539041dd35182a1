import type { Post } from "./posts.js";

type Random = () => number;

/** Values that readers do not reckon with. */
const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  1e15,
  0.1,
  "",
  " ",
  "\u0000",
  "\ud800",
  "NaN",
  "é".repeat(50),
  "x".repeat(5000),
  "9999999999999999999999",
  "2026-13-45T99:99:99Z",
  "<a@b>",
  "=?utf-8?q?=FF=FE?=",
  "__proto__",
  [],
  {},
  [[[[[]]]]],
  [null],
  { toString: 1 },
  { length: 5 },
  { __proto__: null },
  Array.from({ length: 50 }, () => ({})),
  "data:,",
  "%",
  "-----BEGIN",
];

/** A post with one to four seeded changes to its body or headers. */
export function mutate(post: Post, others: readonly Post[], random: Random): Post {
  let changed = post;
  const count = 1 + Math.floor(random() * 4);
  for (let n = 0; n < count; n++) changed = pick(MUTATIONS, random)(changed, random, pick(others, random));
  return changed;
}

type Mutation = (post: Post, random: Random, other: Post) => Post;

const inBody =
  (change: (body: Buffer, random: Random, other: Buffer) => Buffer): Mutation =>
  (post, random, other) => ({ ...post, body: change(post.body, random, other.body) });

const MUTATIONS: readonly Mutation[] = [
  inBody((body, random) => {
    const copy = Buffer.from(body);
    const at = place(copy, random);
    if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    return copy;
  }),
  inBody((body, random) => {
    const at = place(body, random);
    return Buffer.concat([body.subarray(0, at), body.subarray(at + Math.floor(random() * 20))]);
  }),
  inBody((body, random) => {
    const at = place(body, random);
    const noise = Buffer.from(
      Array.from({ length: 1 + Math.floor(random() * 8) }, () => Math.floor(random() * 256)),
    );
    return Buffer.concat([body.subarray(0, at), noise, body.subarray(at)]);
  }),
  inBody((body, random) => {
    const [from, to] = [place(body, random), place(body, random)];
    const slice = body.subarray(Math.min(from, to), Math.max(from, to)).subarray(0, 2000);
    return Buffer.concat([body.subarray(0, from), slice, body.subarray(from)]);
  }),
  inBody((body, random) => body.subarray(0, place(body, random))),
  inBody((body, random, other) =>
    Buffer.concat([body.subarray(0, place(body, random)), other.subarray(place(other, random))]),
  ),
  inBody(changeJson),
  inBody(changeJson),
  inBody(changeJson),
  (post, random) => {
    const names = Object.keys(post.headers);
    const name = pick(names, random);
    const { [name]: _, ...rest } = post.headers;
    return { ...post, headers: rest };
  },
  (post, random) => {
    const name = pick(Object.keys(post.headers), random);
    const value = post.headers[name] ?? "";
    const at = Math.floor(random() * value.length);
    const odd = String.fromCharCode(33 + Math.floor(random() * 90));
    return { ...post, headers: { ...post.headers, [name]: value.slice(0, at) + odd + value.slice(at + 1) } };
  },
  (post, random, other) => ({
    ...post,
    headers: {
      ...post.headers,
      ...(random() < 0.5 ? other.headers : { "content-type": pick(TYPES, random) }),
    },
  }),
];

const TYPES = [
  "application/json",
  "text/plain; charset=utf-16",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  'multipart/form-data; boundary="-"',
  "multipart/form-data; boundary=BoUnDaRyStRiNg",
  "",
];

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)] as T;
}

function place(bytes: Buffer, random: Random): number {
  return Math.floor(random() * (bytes.length + 1));
}

/** Puts an odd value at a place of the JSON that the body is, or that one of its strings or form fields is. */
function changeJson(body: Buffer, random: Random): Buffer {
  const text = body.toString();
  const start = /[[{]/.exec(text)?.index;
  if (start === undefined) return body;
  const end = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]")) + 1;
  try {
    const changed = JSON.stringify(replaceSomewhere(JSON.parse(text.slice(start, end)), random));
    return Buffer.from(text.slice(0, start) + changed + text.slice(end));
  } catch {
    return body;
  }
}

function replaceSomewhere(value: unknown, random: Random): unknown {
  if (typeof value === "string" && /^[[{]/.test(value)) {
    try {
      return JSON.stringify(replaceSomewhere(JSON.parse(value), random));
    } catch {
      return pick(ODD, random);
    }
  }
  if (typeof value !== "object" || value === null || random() < 0.1) return pick(ODD, random);
  const entries = Object.entries(value);
  if (entries.length === 0) return pick(ODD, random);
  const [key, member] = pick(entries, random);
  const replaced = replaceSomewhere(member, random);
  if (Array.isArray(value)) return Object.assign([...(value as readonly unknown[])], { [key]: replaced });
  return { ...value, [key]: replaced };
}
