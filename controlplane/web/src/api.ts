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

const OTHER_RUNS: Problem = { message: "nothing was done: the policy is another one than this page showed", hint: "what stands here is new now" };

export function problemsOf(error: unknown): Problem[] {
  if (error instanceof ApiError) return error.status === 412 ? [OTHER_RUNS, ...error.problems] : error.problems;
  return [{ message: "the control plane does not answer", hint: "forwarding goes on without it; this page tries again" }];
}

const LOOK_MS = 8_000;
const CHANGE_MS = 25_000; // a ban waits for the dataplane

async function ask<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  if (method !== "GET") headers["X-Dam-Request"] = "1"; // no page of another site can send it
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(method === "GET" ? LOOK_MS : CHANGE_MS),
    cache: "no-store",
  });
  const answer = await response.json();
  if (response.ok) return answer as T;
  const problems = (answer.errors ?? []) as Problem[];
  throw new ApiError(response.status, problems.length > 0 ? problems : [{ message: `status ${response.status}` }]);
}

export const get = <T>(path: string) => ask<T>("GET", path);
// sees: the version of the policy that whoever asks has before them; where another one runs, nothing is done (412).
export const send = <T>(method: string, path: string, body?: unknown, sees?: number) =>
  ask<T>(method, path, body, sees ? { "If-Match": `"${sees}"` } : {});
export const logIn = (token: string) =>
  ask<unknown>("POST", "/v1/session", undefined, { Authorization: `Bearer ${token}` });

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
export interface Bans {
  total: number;
  bans: Ban[];
}

export interface Top {
  by: string;
  sources: { client: string; value: number; per_second: number }[];
}
export interface Explanation {
  address: string;
  verdict: string;
  let_in: string;
  connections: number;
  drops: { reason: string; text: string; zone: string; count: number; ago_ms: number }[];
  zones: { zone: string; mode: string; violations: number; buckets: { bucket: string; used_percent: number }[] }[];
}

// What is answered to a change of the policy.
export interface Changed {
  version: number; // that it has made
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
