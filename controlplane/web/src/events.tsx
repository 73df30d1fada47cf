// SPDX-License-Identifier: BSD-3-Clause
// What has happened, as it happens. Asked for every two seconds: the API's streams are for few, and a
// page that is left open somewhere would hold one of them.
import type { Events as List } from "./api";
import { clock, Part, Problems, usePoll } from "./parts";

export function Events() {
  const events = usePoll<List>("/v1/events?count=20", 2);
  const newest = [...(events.value?.events ?? [])].reverse();
  return (
    <Part id="events" title="Events" of={[events]}>
      <Problems list={events.problems} />
      {newest.length === 0 ? <p>{events.value ? "Nothing has happened yet." : "…"}</p> : null}
      <ol class="events" tabIndex={0} aria-label="Events, newest first">
        {newest.map((one) => (
          <li key={one.number}>
            <time>{clock(one.at_ms / 1000)}</time> <span class="kind">{one.kind}</span> {one.text}
          </li>
        ))}
      </ol>
    </Part>
  );
}
