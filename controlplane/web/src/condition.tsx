// SPDX-License-Identifier: BSD-3-Clause
// How the dam itself is, and whether what the page shows is still true.
import { useEffect, useState } from "preact/hooks";
import type { Status } from "./api";
import { clock, usePoll } from "./parts";

const OLD_MS = 3000; // of a heartbeat; as /readyz has it

export interface Condition {
  status?: Status;
  silentSince: number; // the control plane answers no more; Unix time, ms; 0: it does
  awaySince: number; // the dataplane has nothing new to say
  hangs: boolean; // it is there, but its heartbeat is old
}

export function useCondition(): Condition {
  const { value: status, silent, heard } = usePoll<Status>("/v1/status", 1);
  const [awaySince, setAway] = useState(0);
  const dataplane = status?.dataplane;
  const hangs = dataplane?.connected === true && (dataplane.heartbeat_age_ms ?? 0) > OLD_MS;
  const away = dataplane !== undefined && (!dataplane.connected || hangs);
  useEffect(() => setAway(away ? Date.now() : 0), [away]);
  return { status, silentSince: silent ? heard || Date.now() : 0, awaySince, hangs };
}

export function Banner({ status, silentSince, awaySince, hangs }: Condition) {
  if (silentSince > 0) {
    return (
      <p role="alert" class="banner" data-condition="silent">
        ✖ The control plane does not answer since {clock(silentSince / 1000)}. Forwarding goes on without it; what stands
        below is of that time, and this page asks again every second.
      </p>
    );
  }
  if (!status) return null;
  const { dataplane, policy } = status;
  if (awaySince > 0) {
    return (
      <p role="alert" class="banner" data-condition="away">
        ✖ The dataplane {hangs ? "gives no sign of life" : "is away"} since {clock(awaySince / 1000)}: nothing new is let in,
        and there are no figures. With driver xdp the kernel goes on with connections that stand. {dataplane.trouble}
      </p>
    );
  }
  return (
    <p class="banner well" data-condition="well">
      ✔ dataplane up, driver {dataplane.driver}; policy version {policy.version} by {policy.author}
      {dataplane.restart_needed ? <strong class="warn"> — △ a restart of the dataplane is needed to use all of it</strong> : null}
    </p>
  );
}
