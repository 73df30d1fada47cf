// SPDX-License-Identifier: BSD-3-Clause
// The control plane's API under /v1, with the cookie or certificate that the browser sends by itself.

export interface Problem {
  message: string;
  hint?: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problems: Problem[],
  ) {
    super(problems.map((one) => one.message).join("; "));
  }
}

const OTHER_RUNS: Problem = { message: "not done: the policy is another one than this page showed", hint: "what stands here is new now" };

// Nothing came back, or not the whole of it.
class NoAnswer extends Error {
  constructor(readonly changes: boolean) {
    super("no answer");
  }
}

const SILENT: Problem = { message: "the control plane does not answer", hint: "forwarding goes on without it" };
const DONE_OR_NOT: Problem = {
  message: "no answer came: it is not known whether it was done",
  hint: "look below, and at the events, before you do it again",
};

export function problemsOf(error: unknown): Problem[] {
  if (error instanceof ApiError) return error.status === 412 ? [OTHER_RUNS, ...error.problems] : error.problems;
  if (error instanceof NoAnswer) return [error.changes ? DONE_OR_NOT : SILENT];
  return [{ message: `this page has an error: ${error}`, hint: "load it again" }];
}

const LOOK_MS = 8_000;
const CHANGE_MS = 25_000; // a ban waits for the dataplane
const SESSION = "/v1/session";

async function ask<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  if (method !== "GET") headers["X-Dam-Request"] = "1"; // no page of another site can send it
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const request = {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(method === "GET" ? LOOK_MS : CHANGE_MS),
    cache: "no-store" as const,
  };
  try {
    const response = await fetch(path, request);
    if (response.ok) return (await response.json()) as T;
    const { errors = [] } = (await response.json().catch(() => ({}))) as { errors?: Problem[] };
    throw new ApiError(response.status, errors.length > 0 ? errors : [{ message: `status ${response.status}` }]);
  } catch (error) {
    throw error instanceof ApiError ? error : new NoAnswer(method !== "GET" && path !== SESSION);
  }
}

export const get = <T>(path: string) => ask<T>("GET", path);
// sees: the version of the policy that whoever asks has before them; where another one runs, nothing is done (412).
export const send = <T>(method: string, path: string, body?: unknown, sees?: number) =>
  ask<T>(method, path, body, sees ? { "If-Match": `"${sees}"` } : {});
const NO_TOKEN: Problem = {
  message: "this is no token: it has a character that no token has",
  hint: "dam_ and 64 of 0-9, a-f, as damctl token add has shown it",
};
export async function logIn(token: string) {
  // No header could carry others, and fetch() fails for them as it does without an answer.
  if (!/^[\x21-\x7e]+$/.test(token)) throw new ApiError(401, [NO_TOKEN]);
  return ask<unknown>("POST", SESSION, undefined, { Authorization: `Bearer ${token}` });
}
export const logOut = () => ask<unknown>("DELETE", SESSION);

// What of the API's answers the page uses; GET /v1/openapi.json has all of it.
export type Role = "viewer" | "operator" | "admin";
export interface Who {
  name: string;
  role: Role;
  address: string;
}

export interface Status {
  dataplane: {
    connected: boolean;
    driver: string;
    trouble: string;
    restart_needed: boolean;
    heartbeat_age_ms?: number;
  };
  policy: { version?: number; author?: string };
}

export interface Drops {
  reasons: Record<string, string>; // what each means
  taken_in: string[]; // of them: not refused
}

export interface Counters {
  packets_up: number;
  bytes_up: number;
  connections_open: number;
  shadow_exceeded: number;
  dropped: number;
  drops: Record<string, number>;
}
export type Limits = Record<string, string>;
export interface Zone {
  name: string;
  management: boolean;
  mode: "enforce" | "shadow";
  per_source: Limits;
  total: Limits;
  counters?: Counters;
}
export interface Zones {
  sampled_at: number; // s
  zones: Zone[];
}

export interface Server {
  name: string;
  addresses: string[];
  port: number;
  state: string;
  up?: boolean;
  connections_open?: number;
  health?: { verdict: string; findings: { message: string; hint: string; fails: boolean }[] };
}
export interface Route {
  name: string;
  listener: { name: string; protocol: string; port: number } | null;
  server_names: string[];
  path: string;
  zone: string;
  servers: string[];
  fallback: string;
}

export interface Ban {
  source: string;
  until?: number; // Unix time, s; absent: for ever
  reason: string;
  origin: string;
  author: string;
  by_zone: boolean;
}
export interface FingerprintBan {
  ja4: string; // parts may be *
  until?: number;
  reason: string;
  origin: string;
  author: string;
}
export interface Bans {
  total: number; // that hold, whatever was asked for
  bans: Ban[];
  fingerprints: FingerprintBan[]; // likewise
  next?: string; // `after` of the next page
}

export interface Top {
  by: string;
  sources: { client?: string; ja4?: string; value: number; per_second: number }[];
}
export interface Explanation {
  address: string;
  verdict: string;
  let_in: string;
  connections: number;
  drops: { reason: string; text: string; zone: string; count: number; ago_ms: number }[];
  zones: { zone: string; mode: string; violations: number; buckets: { bucket: string; used_percent: number }[] }[];
}

// Who behaves like a source; what they share, the most telling first.
export interface Similar {
  source: string;
  within: number;
  similar: { source: string; distance: number; share: { feature: string; value: string; text: string }[] }[];
}

// What is answered to a change; success too has something to say.
export interface Outcome {
  in_force?: boolean; // of bans
  waiting_for_dataplane?: boolean;
  restart_needed?: boolean; // to use all of it
  warnings?: Problem[];
}
export interface Changed extends Outcome {
  version: number; // of the policy, that it has made
}

export interface Versions {
  running: number;
  versions: { version: number; at: number; author: string; comment: string }[];
  unconfirmed?: { version: number; back_to: number; deadline: number };
}

export interface Events {
  last: number;
  events: { number: number; at_ms: number; kind: string; text: string }[];
}
